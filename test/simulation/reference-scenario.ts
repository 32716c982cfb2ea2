// What the reference's own tests of single and multiple links do, in virtual time: both sides send numbered messages to
// each other at once while links are paused, blocked or fail at given messages.

import type t from 'tap'
import type { ConfigInput } from '../../lib/config.ts'
import type { LinkCloseReason } from '../../lib/engine/events.ts'
import { Random } from './random.ts'
import type { LinkShape, Side } from './simulated-link.ts'
import { SimulatedPair } from './simulated-pair.ts'

/** What of a test the checks below use. */
type Test = Pick<typeof t, 'equal' | 'not' | 'ok'>

/** A fault of one link, at the times at which either side sends the message of that number. */
export interface ReferenceLink extends LinkShape {
  /** Pauses the direction towards the sender of the message, behind pauses that are not over. */
  pause?: { readonly at: (message: number) => boolean; readonly forMs: number }
  /** Breaks the link, once its pauses are over. */
  failAt?: number
  /** The server blocks the link. */
  block?: { readonly at: number; readonly forMs: number }
}

export interface ReferenceScenario {
  readonly seed: number
  readonly links: readonly ReferenceLink[]
  readonly config?: ConfigInput
  readonly messages: number
  /** Bytes per second that both sides must reach in both directions. */
  readonly speed?: number
  /** All links fail, and with them the connection. */
  readonly fails?: boolean
  /** The client ends the connection by force when it sends the message of that number. */
  readonly terminateAt?: number
  /** Sizes of the application's writes. @defaultValue those of the reference's generator */
  readonly sizes?: (random: Random, message: number) => number
  readonly limitMs: number
}

/** The channel of the reference's tests that has no rate and no delay. */
export const unlimited: LinkShape = channel({ bufferBytes: 16_384 })

/** A channel of the reference's tests: it carries packets, and holds so much until the receiver took it. */
export function channel(options: {
  bytesPerSecond?: number
  delayMs?: number
  bufferBytes: number
  bufferItems?: number
}): LinkShape {
  const { bytesPerSecond = Number.POSITIVE_INFINITY, delayMs = 0, bufferBytes, bufferItems = 128 } = options
  return {
    framing: 'packet',
    rateBytesPerMs: bytesPerSecond / 1_000,
    delayMs,
    senderBufferBytes: 0,
    pipeBufferBytes: bufferBytes,
    pipeBufferItems: bufferItems,
  }
}

/** Every 20th message is empty but for number and checksum, every other 10th has full size, the others any. */
export function generatorSizes(random: Random, message: number): number {
  const most = 16_384
  if (message % 20 === 0) return 8
  return message % 10 === 0 ? most : Math.max(8, random.below(most - 8))
}

/** Reasons after which a link is dialled again. */
const RECONNECTABLE: readonly LinkCloseReason[] = ['io-error', 'ping-timeout', 'send-timeout', 'non-working-timeout']

/** Runs a scenario and checks what the reference checks; returns the pair for more. */
export function runReference(test: Test, scenario: ReferenceScenario): SimulatedPair {
  const pair = new SimulatedPair({
    seed: scenario.seed,
    links: scenario.links.map(({ pause, failAt, block, ...shape }) => shape),
    ...(scenario.config && { config: scenario.config }),
  })
  const worksEverywhere = () => pair.links.every((_, index) => pair.client.isWorking(index) && pair.server.isWorking(index))
  pair.runUntilTrue(worksEverywhere, { limitMs: 10_000, what: 'all links working' })
  for (const side of ['client', 'server'] as const) send(pair, side, scenario)
  if (scenario.fails) checkFailure(test, pair, scenario)
  else if (scenario.terminateAt !== undefined) checkTermination(test, pair, scenario)
  else checkSuccess(test, pair, scenario)
  return pair
}

function send(pair: SimulatedPair, side: Side, scenario: ReferenceScenario): void {
  const random = new Random(scenario.seed * 2 + (side === 'client' ? 0 : 1))
  const sizeOf = scenario.sizes ?? generatorSizes
  const sizes = Array.from({ length: scenario.messages }, (_, message) => sizeOf(random, message))
  const bytes = sizes.reduce((sum, size) => sum + size, 0)
  pair[side].write(
    bytes,
    message => sizes[message] as number,
    message => {
      for (const [index, link] of scenario.links.entries()) applyFaults(pair, side, index, link, message)
      if (side === 'client' && message === scenario.terminateAt) pair.client.terminate()
    },
  )
}

function applyFaults(pair: SimulatedPair, side: Side, index: number, link: ReferenceLink, message: number): void {
  const simulated = pair.links[index]
  if (!simulated) return
  const towards = side === 'server' ? simulated.up : simulated.down
  const pauseEndMs = Math.max(pair.nowMs, towards.pausedUntilMs ?? 0)
  if (link.pause?.at(message)) towards.pause(pauseEndMs + link.pause.forMs)
  if (link.failAt === message) pair.clock.at(pauseEndMs, () => simulated.reset())
  if (side === 'server' && link.block?.at === message && pair.server.link(index)) {
    pair.block(index, 'server')
    pair.clock.after(link.block.forMs, () => {
      if (pair.server.link(index)) pair.unblock(index, 'server')
    })
  }
}

function checkSuccess(test: Test, pair: SimulatedPair, scenario: ReferenceScenario): void {
  const { client, server } = pair
  pair.runUntilIdle({ limitMs: scenario.limitMs })
  for (const end of pair.sides) {
    test.equal(end.readBytes, end.peer?.writtenBytes, `${end.side} read everything`)
    const speed = Math.min(end.sendSpeed, end.receiveSpeed)
    test.ok(speed >= (scenario.speed ?? 0), `${end.side} reaches ${scenario.speed ?? 0} bytes/s (${Math.round(speed)})`)
  }
  for (const [index, link] of scenario.links.entries()) {
    if (link.failAt === undefined) test.equal(server.linkClosure(index), undefined, `link ${index} stays`)
    else {
      pair.runUntilTrue(() => server.linkClosure(index) !== undefined, {
        limitMs: scenario.limitMs,
        what: `end of link ${index}`,
      })
      test.ok(RECONNECTABLE.includes(server.linkClosure(index)?.reason as LinkCloseReason), `link ${index} was lost`)
    }
  }
  client.finish()
  server.finish()
  pair.runUntilClosed({ limitMs: scenario.limitMs })
  for (const end of pair.sides) {
    test.equal(end.closure?.failure, undefined, `${end.side} ended in good order`)
    test.not(end.endMs, undefined, `${end.side} read the end`)
    for (const [index, link] of scenario.links.entries()) {
      const reason = end.linkClosure(index)?.reason
      const allowed = link.failAt === undefined ? ['connection-closed'] : [...RECONNECTABLE, 'connection-closed']
      test.ok(allowed.includes(reason as string), `link ${index} of ${end.side} ended with the connection (${reason})`)
    }
  }
}

function checkFailure(test: Test, pair: SimulatedPair, scenario: ReferenceScenario): void {
  pair.runUntilClosed({ limitMs: scenario.limitMs })
  for (const end of pair.sides) {
    test.equal(end.closure?.failure, 'no-links-timeout', `${end.side} failed`)
    test.equal(end.endMs, undefined, `${end.side} saw no end`)
    for (const index of scenario.links.keys()) {
      const reason = end.linkClosure(index)?.reason as LinkCloseReason
      test.ok(RECONNECTABLE.includes(reason), `link ${index} of ${end.side} was lost (${reason})`)
    }
    const noLinkTimeout = scenario.config?.noLinkTimeout as number
    test.equal(end.closure?.timeMs, lastWorkingMs(pair, end.side) + noLinkTimeout, `${end.side} failed exactly at its time`)
  }
}

function checkTermination(test: Test, pair: SimulatedPair, scenario: ReferenceScenario): void {
  pair.runUntilClosed({ limitMs: scenario.limitMs })
  for (const end of pair.sides) {
    test.equal(end.closure?.failure, 'terminated', `${end.side} was terminated`)
    test.equal(end.endMs, undefined, `${end.side} saw no end`)
    for (const index of scenario.links.keys()) {
      test.equal(end.linkClosure(index)?.reason, 'terminated', `link ${index} of ${end.side} ended with it`)
    }
  }
}

/** When a side's last working link stopped working. */
function lastWorkingMs(pair: SimulatedPair, side: Side): number {
  const stops = pair.links.map((_, index) =>
    pair[side].changes(index).find(change => change.kind === 'notWorking' || change.kind === 'closed'),
  )
  return Math.max(...stops.map(stop => stop?.timeMs ?? 0))
}
