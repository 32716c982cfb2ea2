// A link for a connection that is not there (threat model, A11) costs the server the same work, step by step, as one for a
// connection that is: up to the answer nothing tells whether a guessed id exists, neither how long that took nor who was asked.

import { createHook } from 'node:async_hooks'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { createServer, type Server, type ServerOptions, type Socket } from '../../lib/index.ts'
import { type LinkMessage, MessageType, RefusedReason } from '../../lib/protocol/messages.ts'
import { corePair } from '../support/duplex-pairs.ts'
import { freezeTime } from '../support/freeze-time.ts'
import { randomId } from '../support/raw-link.ts'
import { connectMessage, RawPeer } from '../support/raw-peer.ts'
import { settled } from '../transports/manual-clock.ts'

/** What a server does: asynchronous work begun and gone on with, timers, looks at the clock, questions, bytes out. */
class Steps {
  readonly taken: string[] = []
  #recording = false
  readonly #hook = createHook({
    init: (_id, type) => this.note(`begins ${type}`),
    before: () => this.note('goes on'),
  })

  /** Everything that a process has for time is watched until the end of the test; time stands still. */
  watchTime(t: Test): void {
    freezeTime(t)
    const { setTimeout } = globalThis
    const { now } = performance
    globalThis.setTimeout = ((run: () => void, ms: number) => {
      this.note(`sets a timer of ${ms} ms`)
      return setTimeout(run, ms)
    }) as typeof setTimeout
    performance.now = () => {
      this.note('looks at the clock')
      return now()
    }
    t.teardown(() => Object.assign(globalThis, { setTimeout }))
  }

  note(step: string): void {
    if (this.#recording) this.taken.push(step)
  }

  record(): void {
    this.taken.length = 0
    this.#recording = true
    this.#hook.enable()
  }

  stop(): void {
    this.#recording = false
    this.#hook.disable()
  }
}

interface Asked {
  readonly steps: readonly string[]
  readonly answer: LinkMessage
}

/** Asks the server to let a link join the connection of this id; the steps are those from Connect to the answer. */
async function ask(server: Server, steps: Steps, id: Uint8Array): Promise<Asked> {
  const pair = corePair()
  const peer = new RawPeer(pair.client)
  server.addLink(pair.server).catch(() => {})
  const connect = await connectMessage(await peer.next(MessageType.Welcome), id, { existing: true })
  await settled()
  const write = pair.server.write.bind(pair.server)
  let answered = () => {}
  const answer = new Promise<void>(resolve => {
    answered = resolve
  })
  pair.server.write = (chunk: Uint8Array) => {
    steps.stop()
    answered()
    return write(chunk)
  }
  steps.record()
  peer.send(connect)
  await answer
  const taken = [...steps.taken]
  await settled()
  const [message] = peer.inbox as [LinkMessage]
  pair.client.destroy()
  await settled()
  return { steps: taken, answer: message }
}

async function join(server: Server, id: Uint8Array): Promise<{ readonly socket: Socket; readonly peer: RawPeer }> {
  const pair = corePair()
  const peer = new RawPeer(pair.client)
  const connection = once(server, 'connection') as Promise<[Socket]>
  server.addLink(pair.server).catch(() => {})
  await peer.connect(await peer.next(MessageType.Welcome), id)
  const [socket] = await connection
  socket.on('error', () => {})
  return { socket, peer }
}

/** @param options - of the server, from what the application does when it is asked */
async function compare(
  t: Test,
  options: (asked: (who: string) => void, says: () => boolean) => ServerOptions,
): Promise<{ readonly hit: Asked; readonly misses: readonly Asked[]; readonly refused: readonly Asked[] }> {
  const steps = new Steps()
  steps.watchTime(t)
  let yes = true
  const server = createServer(
    options(
      who => steps.note(`asks ${who}`),
      () => yes,
    ),
  )
  const [known, closed] = [randomId(), randomId()]
  const { socket } = await join(server, known)
  const ended = await join(server, closed)
  const over = new Promise(resolve => ended.socket.once('close', resolve))
  ended.peer.send({ type: MessageType.Terminate })
  await over
  for (const id of [known, randomId()]) await ask(server, steps, id) // what is loaded for the first time takes steps, too
  const hit = await ask(server, steps, known)
  const misses = [await ask(server, steps, randomId()), await ask(server, steps, closed)]
  yes = false
  const refused = [await ask(server, steps, known), await ask(server, steps, randomId()), await ask(server, steps, closed)]
  t.equal(server.connections.length, 1, 'nothing is kept of a guess')
  socket.destroy()
  server.close()
  return { hit, misses, refused }
}

const servers: Record<string, (asked: (who: string) => void, says: () => boolean) => ServerOptions> = {
  'that nobody is asked by': () => ({}),
  'with authorize, linkPolicy and linkFilter': (asked, says) => ({
    authorize: ({ startsConnection }) => {
      asked(`authorize, starts: ${startsConnection}`)
      return true
    },
    linkPolicy: () => {
      asked('linkPolicy')
      return { weight: 2 }
    },
    linkFilter: () => {
      asked('linkFilter')
      return says()
    },
  }),
  'whose authorize and linkFilter take their time': (asked, says) => ({
    authorize: async ({ startsConnection }) => {
      asked(`authorize, starts: ${startsConnection}`)
      await settled()
      return says()
    },
    linkFilter: async () => {
      asked('linkFilter')
      await settled()
      return true
    },
  }),
}

for (const [which, options] of Object.entries(servers)) {
  t.test(`a server ${which} does the same for an unknown id as for a known one until it answers`, async t => {
    const { hit, misses } = await compare(t, options)
    t.match(hit.answer, { type: MessageType.Accepted })
    t.ok(hit.steps.length > 4, 'steps are seen')
    for (const miss of misses) {
      t.match(miss.answer, { type: MessageType.Refused, reason: RefusedReason.ConnectionClosed })
      t.same(miss.steps, hit.steps)
    }
  })
}

for (const which of ['with authorize, linkPolicy and linkFilter', 'whose authorize and linkFilter take their time']) {
  t.test(`a server ${which} that says no says the same to all ids`, async t => {
    const { refused } = await compare(t, servers[which] as (typeof servers)[string])
    const [hit, ...misses] = refused as [Asked, ...Asked[]]
    t.match(hit.answer, { type: MessageType.Refused, reason: RefusedReason.LinkRefused })
    for (const miss of misses) t.same(miss, hit)
  })
}
