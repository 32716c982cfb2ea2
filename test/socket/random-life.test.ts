// Random lives of connections: whatever is done to them, each socket closes once, is silent afterwards, every callback
// comes exactly once, and an `end` comes only behind every byte that the other side wrote.

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
  peer: Watch | undefined
  #writtenBytes = 0
  #closes = 0
  #callbacksDue = 0
  #errors = 0

  constructor(socket: Socket, name: string) {
    this.socket = socket
    const { emit } = socket
    socket.emit = (event: string | symbol, ...args: unknown[]) => {
      if (this.#closes > 0 && event !== 'pause' && event !== 'resume') this.mistakes.push(`${name}: ${String(event)} after close`)
      if (event === 'close') this.#closes++
      if (event === 'end') this.#checkEnd(name)
      if (event === 'error' && ++this.#errors > 1) this.mistakes.push(`${name}: a second error`)
      return emit.call(socket, event, ...args)
    }
    socket.on('error', error => {
      const { code } = error as NodeJS.ErrnoException
      if (!code) this.mistakes.push(`${name}: ${error.stack}`)
    })
    this.closed = new Promise(resolve => socket.once('close', () => resolve()))
  }

  write(bytes: number): void {
    if (this.socket.writable) this.#writtenBytes += bytes
    this.socket.write(Buffer.alloc(bytes), this.callback('write'))
  }

  #checkEnd(name: string): void {
    const written = this.peer ? this.peer.#writtenBytes : 0
    const read = this.socket.bytesRead
    if (read !== written) this.mistakes.push(`${name}: end after ${read} bytes of ${written}`)
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
  (watch, random) => watch.write(1 + random.below(300_000)),
  (watch, random) => watch.write(1 + random.below(300_000)),
  watch => watch.write(10),
  watch => {
    watch.write(100_000)
    watch.write(100_000) // waits behind the other
    watch.socket.destroy()
  },
  watch => {
    // The callback of an end after destroy never comes: Node has it so.
    if (watch.socket.writable) watch.socket.end(watch.callback('end'))
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
  const server = createServer({ config, allowHalfOpen: random.chance(1 / 2) })
  const client = new Socket({ config, allowHalfOpen: random.chance(1 / 2) })
  const addLink = () => {
    const pair = corePair({ later: random.chance(1 / 2) })
    server.addLink(pair.server).catch(() => {})
    client.addLink(pair.client).catch(() => {})
  }
  const first = new Watch(client, 'client')
  const watches = [first]
  server.on('connection', socket => {
    const second = new Watch(socket, 'accepted')
    first.peer = second
    second.peer = first
    watches.push(second)
  })
  addLink()
  if (random.chance(3 / 4)) await Promise.race([once(client, 'connect').catch(() => {}), first.closed])
  const reading = random.chance(1 / 2)
  const count = 1 + random.below(MOST_STEPS)
  for (let number = 0; number < count; number++) {
    const watch = random.pick(watches)
    if (random.chance(1 / 8)) addLink()
    else random.pick(steps)(watch, random)
    if (reading) for (const { socket } of watches) socket.resume()
    for (let turns = random.below(4); turns > 0; turns--) await new Promise(resolve => setImmediate(resolve))
  }
  const orderly = random.chance(1 / 2)
  for (const { socket } of watches) {
    if (!orderly) socket.terminate()
    for (const link of socket.links) link.unblock()
    socket.resume()
    if (socket.writable) socket.end()
  }
  const closed = once(server, 'close')
  server.close()
  await Promise.all([closed, ...watches.map(watch => watch.closed)])
  for (let turns = 0; turns < 3; turns++) await new Promise(resolve => setImmediate(resolve))
  for (const watch of watches) t.same(watch.verdict, [], `seed ${seed}`)
}

t.test('random lives', async t => {
  const alive = setInterval(() => {}, 1_000) // connections whose sockets are gone do not keep the process alive
  t.teardown(() => clearInterval(alive))
  const first = Number(process.env.HAWSER_SEED ?? 1)
  for (let seed = first; seed < first + SEEDS; seed++) await live(t, seed)
})
