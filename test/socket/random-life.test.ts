// Random lives of connections: whatever is done to them, each socket closes once, is silent afterwards, and every
// callback comes exactly once.

import { once } from 'node:events'
import t, { type Test } from 'tap'
import { createServer, Socket } from '../../lib/index.ts'
import { Random } from '../simulation/random.ts'
import { corePair } from '../support/duplex-pairs.ts'

const SEEDS = 150
const MOST_STEPS = 12

/** Notes what a socket does that it must not. */
class Watch {
  readonly socket: Socket
  readonly closed: Promise<void>
  readonly mistakes: string[] = []
  #closes = 0
  #callbacksDue = 0
  #errors = 0

  constructor(socket: Socket, name: string) {
    this.socket = socket
    const { emit } = socket
    socket.emit = (event: string | symbol, ...args: unknown[]) => {
      if (this.#closes > 0) this.mistakes.push(`${name}: ${String(event)} after close`)
      if (event === 'close') this.#closes++
      if (event === 'error' && ++this.#errors > 1) this.mistakes.push(`${name}: a second error`)
      return emit.call(socket, event, ...args)
    }
    socket.on('error', error => {
      const { code } = error as NodeJS.ErrnoException
      if (!code) this.mistakes.push(`${name}: ${error.stack}`)
    })
    this.closed = new Promise(resolve => socket.once('close', () => resolve()))
  }

  /** A callback that must be called once. */
  callback(what: string): () => void {
    this.#callbacksDue++
    let calls = 0
    return () => {
      this.#callbacksDue--
      if (++calls > 1) this.mistakes.push(`${what} called back twice`)
    }
  }

  get verdict(): readonly string[] {
    if (this.#callbacksDue > 0) this.mistakes.push(`${this.#callbacksDue} callbacks missing`)
    return this.mistakes
  }
}

type Step = (watch: Watch, random: Random) => void

const steps: Step[] = [
  (watch, random) => watch.socket.write(Buffer.alloc(1 + (random.u32() % 300_000)), watch.callback('write')),
  watch => watch.socket.write(Buffer.alloc(10)),
  watch => {
    if (!watch.socket.writableEnded) watch.socket.end(watch.callback('end'))
  },
  watch => watch.socket.resume(),
  watch => watch.socket.pause(),
  watch => watch.socket.read(),
  watch => watch.socket.destroy(),
  watch => watch.socket.destroy(Object.assign(new Error('random'), { code: 'RANDOM' })),
  watch => watch.socket.destroySoon(),
  watch => watch.socket.terminate(),
  watch => watch.socket.resetAndDestroy(),
  watch => watch.socket.links[0]?.stream.destroy(),
  watch => void watch.socket.links.at(-1)?.disconnect(),
  watch => watch.socket.links[0]?.block(),
  watch => watch.socket.links[0]?.unblock(),
  watch => watch.socket.setTimeout(1),
]

async function live(t: Test, seed: number): Promise<void> {
  const random = new Random(seed)
  const config = { noLinkTimeout: 200, terminationTimeout: 200, recvBuffer: 65_536 }
  const server = createServer({ config, allowHalfOpen: random.u32() % 2 === 0 })
  const client = new Socket({ config, allowHalfOpen: random.u32() % 2 === 0 })
  const addLink = () => {
    const pair = corePair({ later: random.u32() % 2 === 0 })
    server.addLink(pair.server).catch(() => {})
    client.addLink(pair.client).catch(() => {})
  }
  const watches = [new Watch(client, 'client')]
  server.on('connection', socket => watches.push(new Watch(socket, 'accepted')))
  addLink()
  if (random.u32() % 4 > 0) await Promise.race([once(client, 'connect').catch(() => {}), watches[0]?.closed])
  const count = 1 + (random.u32() % MOST_STEPS)
  for (let number = 0; number < count; number++) {
    const watch = watches[random.u32() % watches.length] as Watch
    if (random.u32() % 8 === 0) addLink()
    else steps[random.u32() % steps.length]?.(watch, random)
    for (let turns = random.u32() % 4; turns > 0; turns--) await new Promise(resolve => setImmediate(resolve))
  }
  for (const { socket } of watches) socket.terminate()
  const closed = once(server, 'close')
  server.close()
  await Promise.all([closed, ...watches.map(watch => watch.closed)])
  for (let turns = 0; turns < 3; turns++) await new Promise(resolve => setImmediate(resolve))
  for (const watch of watches) t.same(watch.verdict, [], `seed ${seed}`)
}

t.test('random lives', async t => {
  const first = Number(process.env.HAWSER_SEED ?? 1)
  for (let seed = first; seed < first + SEEDS; seed++) await live(t, seed)
})
