// A file far larger than all buffers, piped to a reader that is slower than the links.

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import t from 'tap'
import { connect, defaults, type Socket } from '../../lib/index.ts'
import { bondedService } from './bonded-service.ts'
import { folderFor } from './service.ts'

const BLOCK_BYTES = 1_048_576
const BLOCKS = 1_024
/** The reader rests after so many bytes until the buffers before it are full: memory is compared at its most. */
const SIP_BYTES = 4_194_304

function usedBytes(): number {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Until nothing more can go out while the reader rests: the buffers are full, or the file has ended. */
async function full(writer: Socket): Promise<void> {
  while (!writer.writableEnded && (writer.stats.unacked > 0 || writer.stats.sendSpace >= defaults.chunkSize)) {
    await new Promise(resolve => setImmediate(resolve))
  }
}

t.test('1 GiB to a slow reader, with a link cut on the way: every byte arrives, the memory does not grow', async t => {
  const path = `${await folderFor(t)}/large`
  const block = Buffer.alloc(BLOCK_BYTES, 'thick rope')
  const written = createHash('sha256')
  const file = await open(path, 'w')
  for (let index = 0; index < BLOCKS; index++) {
    block.writeUInt32BE(index)
    written.update(block)
    await file.write(block)
  }
  await file.close()

  const { bond, cutOne, server } = await bondedService(t, socket => {
    pipeline(createReadStream(path), socket).catch(error => t.fail(error.message))
  })
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const client = connect(bond)
  const [writer] = await accepted
  const received = createHash('sha256')
  let bytes = 0
  let sinceRest = 0
  const before = usedBytes()
  const used: number[] = []
  const slow = new Writable({
    write(chunk: Buffer, _encoding, callback) {
      received.update(chunk)
      bytes += chunk.length
      sinceRest += chunk.length
      if (sinceRest < SIP_BYTES) {
        callback()
        return
      }
      sinceRest = 0
      full(writer).then(() => {
        used.push(usedBytes() - before)
        callback()
      }, callback)
    },
  })
  const reading = pipeline(client, slow)
  await cutOne()
  await reading
  t.equal(bytes, BLOCKS * BLOCK_BYTES)
  t.equal(received.digest('hex'), written.digest('hex'))
  // Both ends are in this process: twice what one connection may take (docs/testing.md, B1).
  const { sendBuffer, recvBuffer } = defaults
  const most = 2 * (1.25 * (sendBuffer + recvBuffer) + 2 * 524_288 + 8_388_608)
  t.ok(Math.max(...used) < most, `at most ${Math.max(...used)} bytes more than before`)
  const half = used.length >> 1
  const growth = Math.max(...used.slice(half)) - Math.max(...used.slice(0, half))
  t.ok(growth < 4_194_304, `the second half took ${growth} bytes more than the first`)
})
