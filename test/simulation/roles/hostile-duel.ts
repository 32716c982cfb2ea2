// The library's engine with a hostile peer, on virtual time. Its application reads, or stalls, and writes all the time.

import { type ConfigInput, resolveConfig } from '../../../lib/config.ts'
import type { ConnectionStats } from '../../../lib/engine/connection-stats.ts'
import { Random } from '../random.ts'
import { SimulatedDriver } from '../simulated-driver.ts'
import { type Side, SimulatedLink } from '../simulated-link.ts'
import { VirtualClock } from '../virtual-clock.ts'
import { HostileConnection } from './hostile-connection.ts'

/** After so long without a working link the victim gives up; pings time out before. */
const NO_LINK_MS = 30_000
/** A link that answers and never lets anything through lives for ever: the application has enough then. */
const PATIENCE_MS = 200_000
/** So late an attack must have cost what it costs: it has arrived, and a Terminate need not be answered any more. */
const WITHIN_MS = 9_000

class Party extends SimulatedDriver {
  reads = true
  readBytes = 0
  #writes = 0
  #writable = true

  write(count: number): void {
    this.#writes = count
    this.pump()
  }

  protected take(event: { readonly kind: string }): void {
    if (event.kind === 'writable') this.#writable = true
    if (event.kind === 'writeRefused') this.#writes = 0
  }

  protected act(): boolean {
    let acted = false
    for (let piece = this.reads ? this.engine.read() : undefined; piece; piece = this.engine.read()) {
      this.readBytes += piece.byteLength
      acted = true
    }
    if (!this.#writable || this.#writes === 0) return acted
    this.#writable = false
    if (--this.#writes === 0) this.engine.finish(this.clock.nowMs)
    else this.engine.write([new Uint8Array(3_000)], this.clock.nowMs)
    return true
  }
}

/** What came of it; a broken bound or an uncaught error throws. */
export interface Duel {
  readonly victim: Party
  readonly hostile: HostileConnection
  readonly endMs: number
  /** The victim's application had enough. */
  readonly gaveUp: boolean
  /** Attacks that must have cost a link, which outlived them. */
  readonly survived: readonly string[]
  /** What the hostile side announced on its first link, and what else on others. */
  readonly firstBuffer: number
  readonly laterBuffers: readonly number[]
  /** Most bytes that the victim had sent to it without being told that they are consumed. */
  readonly mostUnconsumed: number
}

/** Drawn by itself, so that fights are as they were. */
const LATER_BUFFERS = 0xa14
const drawBuffer = (random: Random): number => random.logBetween(1, 2 ** 32 - 1)

export function fight(seed: number): Duel {
  const random = new Random(seed)
  const clock = new VirtualClock()
  const side: Side = random.chance(0.5) ? 'client' : 'server'
  const tiny = random.chance(0.1)
  const input: ConfigInput = {
    sendBuffer: random.logBetween(4_096, 1_048_576),
    recvBuffer: tiny ? random.between(1, 8) : random.logBetween(4_096, 1_048_576),
    noLinkTimeout: NO_LINK_MS,
    link: { pingTimeout: 20_000, nonWorkingTimeout: 20_000, ping: { interval: 5_000 } },
  }
  const config = resolveConfig(input)
  const hostileConfig = resolveConfig({
    recvBuffer: random.chance(0.2) ? random.between(1, 3) : random.logBetween(1_000, 1_048_576),
  })
  const around = random.pick([0, 2 ** 31, 2 ** 32])
  const [send, receive] = [(around + random.between(0, 20) - 10) >>> 0, (around + random.between(0, 20) - 10) >>> 0]
  const fail = (text: string): never => {
    throw new Error(`seed ${seed}: ${text}`)
  }
  const auditor = { sent() {}, received() {} }
  let hostile: HostileConnection | undefined
  const victim = new Party({
    side,
    clock,
    random: random.fork(),
    config,
    remoteRecvBuffer: hostileConfig.recvBuffer,
    remoteAcksAll: random.chance(0.5),
    firstSequence: { send, receive },
    auditor,
    fail,
  })
  const enemy = new Party({
    side: side === 'client' ? 'server' : 'client',
    clock,
    random: random.fork(),
    config: hostileConfig,
    remoteRecvBuffer: config.recvBuffer,
    remoteAcksAll: false,
    firstSequence: { send: receive, receive: send },
    auditor,
    createEngine: (options, nowMs) => {
      hostile = new HostileConnection(random.fork(), options, nowMs)
      return hostile
    },
    fail,
  })
  const indexes = new Map<unknown, number>()
  const chance = new Random(seed ^ LATER_BUFFERS)
  const laterBuffers: number[] = []
  for (let count = random.between(1, 4); count > 0; count--) {
    const shape = { delayMs: random.logBetween(1, 100), rateBytesPerMs: random.logBetween(1_000, 100_000) }
    const link = new SimulatedLink(clock, random.fork(), shape)
    // A14: only what the first link announces counts, for both sides.
    const announced = indexes.size === 0 || chance.chance(0.5) ? undefined : drawBuffer(chance)
    if (announced !== undefined) laterBuffers.push(announced)
    victim.addLink(link, announced)
    enemy.addLink(link)
    const index = indexes.size
    indexes.set(enemy.link(index), index)
    if (random.chance(0.1)) clock.after(random.below(2_000), () => link.stall(side))
  }
  victim.reads = random.chance(0.7)
  victim.write(random.logBetween(1, 500))
  const hostileEngine = hostile ?? fail('no hostile engine')
  let gaveUp = false
  let mostUnconsumed = 0
  clock.after(PATIENCE_MS, () => {
    gaveUp = !victim.closure
    if (gaveUp) victim.abort('terminated')
  })
  while (!victim.closure && clock.step()) {
    const stats = victim.engine.stats(clock.nowMs)
    judge(stats, config.recvBuffer, config.sendBuffer, hostileConfig.recvBuffer, fail)
    mostUnconsumed = Math.max(mostUnconsumed, stats.unconsumed)
    if (hostileEngine.complaint) fail(hostileEngine.complaint)
  }
  if (!victim.closure) fail('it never ends')
  const survived = hostileEngine.launched.filter(({ attack, link, atMs }) => {
    const closedMs = victim.linkClosure(indexes.get(link) ?? fail('a link of nobody'))?.timeMs ?? Number.POSITIVE_INFINITY
    return attack.costs && closedMs > atMs + WITHIN_MS && clock.nowMs > atMs + WITHIN_MS
  })
  return {
    victim,
    hostile: hostileEngine,
    endMs: clock.nowMs,
    gaveUp,
    survived: survived.map(({ attack }) => attack.name),
    firstBuffer: hostileConfig.recvBuffer,
    laterBuffers,
    mostUnconsumed,
  }
}

function judge(
  stats: ConnectionStats,
  recvBuffer: number,
  sendBuffer: number,
  remoteRecvBuffer: number,
  fail: (text: string) => never,
): void {
  const { receivedUnconsumed, receivedUnconsumedCount, sendSpace, unacked, unconsumed } = stats
  const space = Math.max(0, Math.min(sendBuffer - unacked, remoteRecvBuffer - unconsumed))
  if (sendSpace !== space) fail(`a space of ${sendSpace} bytes, not ${space}`)
  if (receivedUnconsumed > recvBuffer) fail(`${receivedUnconsumed} bytes held, more than ${recvBuffer}`)
  if (receivedUnconsumedCount > 131_072 + recvBuffer) fail(`${receivedUnconsumedCount} messages held`)
  if (unacked > sendBuffer) fail(`${unacked} bytes unacknowledged, more than ${sendBuffer}`)
  if (unconsumed > remoteRecvBuffer) fail(`${unconsumed} bytes unconsumed, more than ${remoteRecvBuffer}`)
}
