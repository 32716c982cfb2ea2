// Everything a stream gives, without the destroying that iteration does: the other direction may go on.

import type { Readable } from 'node:stream'

export function bytesUntilEnd(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  return new Promise((resolve, reject) => {
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.once('end', () => resolve(Buffer.concat(chunks)))
    stream.once('error', reject)
  })
}
