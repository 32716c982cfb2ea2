// An HTTP client that sends any bytes, and takes answers apart itself.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface RawAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** A TCP connection to the page. */
export async function dialPage(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** Sends bytes; resolves with everything that came once the other side has closed. */
export async function sendRaw(port: number, bytes: string | Uint8Array): Promise<string> {
  const socket = await dialPage(port)
  socket.write(bytes)
  return received(socket)
}

/** All that comes until the connection is closed, however that comes about. */
export function received(socket: Socket): Promise<string> {
  const chunks: Buffer[] = []
  socket.on('data', chunk => chunks.push(chunk))
  return new Promise(resolve => socket.once('close', () => resolve(Buffer.concat(chunks).toString())))
}

/** @throws {Error} it is not exactly one answer of HTTP/1.1 */
export function parsed(text: string, { bodiless = false } = {}): RawAnswer {
  const end = text.indexOf('\r\n\r\n')
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n')
  const status = /^HTTP\/1\.1 (\d{3}) [\w ]+$/.exec(statusLine)?.[1]
  if (end < 0 || status === undefined) throw new Error(`no answer: ${JSON.stringify(text.slice(0, 200))}`)
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const [, name = '', value = ''] = /^([\w-]+): (.*)$/.exec(line) ?? []
    if (name === '' || name.toLowerCase() in headers) throw new Error(`bad or second header: ${line}`)
    headers[name.toLowerCase()] = value
  }
  const body = text.slice(end + 4)
  const length = bodiless ? 0 : Number(headers['content-length'])
  if (Buffer.byteLength(body) !== length) throw new Error(`a body of ${Buffer.byteLength(body)} bytes, said were ${length}`)
  return { status: Number(status), headers, body }
}
