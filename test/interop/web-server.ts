// What goes through the tunnels: a large file, and many small answers. The file is never in memory.

import { once } from 'node:events'
import { Agent, createServer, get, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Test } from 'tap'
import { Digester, digestOf, Pattern } from './pattern.ts'

export const FILE_BYTES = 100_000_000
const FILE_SEED = 7
const PIECE_BYTES = 65_536

/** Starts a server on a free port of 127.0.0.1: `/file` is the large file, every other path answers with itself. */
export async function startWebServer(t: Test): Promise<number> {
  const server = createServer((request, response) => {
    if (request.url === '/file') sendFile(response)
    else response.end(request.url)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

function sendFile(response: ServerResponse): void {
  response.setHeader('content-length', FILE_BYTES)
  pipeline(Readable.from(pieces(), { objectMode: false }), response).catch(() => {})
}

function* pieces(): Generator<Buffer> {
  const pattern = new Pattern(FILE_SEED)
  for (let sent = 0; sent < FILE_BYTES; sent += PIECE_BYTES) yield pattern.take(Math.min(PIECE_BYTES, FILE_BYTES - sent))
}

/** Gets the large file from a port of 127.0.0.1 and checks it. */
export async function checkFile(t: Test, port: number): Promise<void> {
  const digester = new Digester()
  const response = await fetchFrom(port, '/file')
  for await (const chunk of response) digester.update(chunk)
  t.same(digester.digest, fileDigest, 'the file arrives as it was sent')
}

const fileDigest = digestOf(FILE_BYTES, FILE_SEED)

/** Makes that many small requests, some at once, and checks the answers. */
export async function checkRequests(t: Test, port: number, count: number, options: { keepAlive: boolean }): Promise<void> {
  const agent = new Agent({ ...options, maxSockets: 8 })
  const paths = Array.from({ length: count }, (_, index) => `/request/${index}`)
  const answers = await Promise.all(paths.map(async path => (await text(await fetchFrom(port, path, agent))) === path))
  agent.destroy()
  const kind = options.keepAlive ? 'over connections that stay' : 'each over its own connection'
  t.equal(answers.filter(right => right).length, count, `${count} requests are answered, ${kind}`)
}

async function fetchFrom(port: number, path: string, agent?: Agent): Promise<IncomingMessage> {
  const request = get({ host: '127.0.0.1', port, path, agent })
  const [response] = await once(request, 'response')
  return response
}

async function text(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return text
}
