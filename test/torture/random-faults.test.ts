// Bulk data both ways over four real links, while these are reset, ended, stalled and corrupted at random: nothing is
// lost, doubled or reordered as long as one link works. The faults come after so many bytes, not after so much time.

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import t from 'tap'
import { connect, createServer, type Socket } from '../../lib/index.ts'
import { tcpConnector } from '../../lib/tcp.ts'
import { Relay } from '../interop/relay.ts'
import { Random } from '../simulation/random.ts'

const BYTES = 64 * 1_048_576
const CHUNK_BYTES = 65_536
const LINKS = 4
/** Mean bytes on all links between two faults. */
const BYTES_PER_FAULT = 4_000_000

/** A damaged length makes a link swallow what follows in silence: it is given up soon, to be made anew. */
const config = { link: { nonWorkingTimeout: 500 } }

const KINDS = ['reset', 'end', 'stall', 'corrupt'] as const

/** What stands at `position` of a direction: differs from its neighbours near and far. */
function patternChunk(position: number, salt: number): Buffer {
  const words = new Uint32Array(CHUNK_BYTES / 4)
  for (let index = 0; index < words.length; index++) words[index] = Math.imul((position >>> 2) + index + salt, 0x9e3779b1)
  return Buffer.from(words.buffer)
}

async function writeAll(to: Duplex, salt: number): Promise<void> {
  for (let position = 0; position < BYTES; position += CHUNK_BYTES) {
    if (!to.write(patternChunk(position, salt))) await once(to, 'drain')
  }
  to.end()
}

/** Position of the first byte that is not what was written, or the number of bytes. */
async function readAll(from: Duplex, salt: number): Promise<number> {
  let position = 0
  let wrongAt: number | undefined
  let expected = patternChunk(0, salt)
  // Not `for await`: its end destroys a Duplex that is still written to.
  from.on('data', (piece: Buffer) => {
    for (let rest = piece; rest.byteLength > 0 && wrongAt === undefined; ) {
      const offset = position % CHUNK_BYTES
      if (offset === 0) expected = patternChunk(position, salt)
      const part = rest.subarray(0, CHUNK_BYTES - offset)
      if (part.compare(expected, offset, offset + part.byteLength) !== 0) wrongAt = position
      position += part.byteLength
      rest = rest.subarray(part.byteLength)
    }
  })
  await once(from, 'end')
  return wrongAt ?? position
}

/** Keeps breaking links, but never the last one that is well. */
class Breaker {
  readonly counts = { reset: 0, end: 0, stall: 0, corrupt: 0, mend: 0 }
  readonly #relays: readonly Relay[]
  readonly #random: Random
  readonly #stalled = new Set<Relay>()

  constructor(relays: readonly Relay[], random: Random) {
    this.#relays = relays
    this.#random = random
    for (const relay of relays) this.#arm(relay)
  }

  mendAll(): void {
    for (const relay of this.#stalled) relay.mend()
  }

  #arm(relay: Relay): void {
    relay.after(this.#random.between(1, (2 * BYTES_PER_FAULT) / LINKS), () => {
      this.#break()
      this.#arm(relay)
    })
  }

  #break(): void {
    const relay = this.#relays[this.#random.below(LINKS)] as Relay
    if (this.#stalled.delete(relay)) {
      relay.mend()
      this.counts.mend++
      return
    }
    const others = this.#relays.filter(other => other !== relay && !this.#stalled.has(other))
    const kind = KINDS[this.#random.below(KINDS.length)] as (typeof KINDS)[number]
    if (!others.some(other => other.open > 0)) return
    this.counts[kind]++
    if (kind === 'reset') relay.cut()
    else if (kind === 'end') relay.end()
    else if (kind === 'corrupt') relay.corrupt()
    else {
      this.#stalled.add(relay)
      relay.stall()
    }
  }
}

for (const seed of [1, 2, 3]) {
  t.test(`64 MiB each way over ${LINKS} links that fail at random arrive intact (seed ${seed})`, async t => {
    const server = createServer({ allowHalfOpen: true, config })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const relays = await Promise.all(Array.from({ length: LINKS }, () => Relay.start(port)))
    const accepted = once(server, 'connection') as Promise<[Socket]>
    const client = connect({
      transports: relays.map(relay => tcpConnector({ host: '127.0.0.1', port: relay.port, linkFilter: 'none' })),
      reconnectDelay: 20,
      config,
      allowHalfOpen: true,
    })
    const [serverSocket] = await accepted
    const breaker = new Breaker(relays, new Random(seed))

    const [clientRead, serverRead] = await Promise.all([
      readAll(client, 2),
      readAll(serverSocket, 1),
      writeAll(client, 1),
      writeAll(serverSocket, 2),
    ])
    t.equal(serverRead, BYTES, 'client to server')
    t.equal(clientRead, BYTES, 'server to client')
    for (const kind of ['reset', 'end', 'stall', 'corrupt', 'mend'] as const) {
      t.ok(breaker.counts[kind] > 0, `${kind}: ${breaker.counts[kind]} times`)
    }

    breaker.mendAll()
    server.close()
    await once(server, 'close')
    for (const relay of relays) relay.close()
  })
}
