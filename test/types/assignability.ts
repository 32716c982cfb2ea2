// Compiled, never run: what must be assignable to what, so that code written for `node:net` takes hawser's objects.

import type * as net from 'node:net'
import type { Duplex } from 'node:stream'
import {
  type AcceptTransport,
  type ConfigInput,
  type ConnectOptions,
  type ConnectTransport,
  connect,
  createServer,
  type DropInfo,
  defaults,
  HawserError,
  type Link,
  type LinkRequest,
  type LinkTag,
  type Server,
  type ServerOptions,
  Socket,
  type SocketOptions,
} from '../../lib/index.ts'
import { tcpAcceptor, tcpConnector } from '../../lib/tcp.ts'

declare const socket: Socket
declare const server: Server

export const asDuplex: Duplex = socket
export const asReadable: NodeJS.ReadableStream = socket
export const asWritable: NodeJS.WritableStream = socket

/** Options of `net.connect` are options of hawser's. */
declare const tcpOptions: net.TcpNetConnectOpts
declare const pathOptions: net.IpcNetConnectOpts
export const overTcp: Socket = connect(tcpOptions, () => {})
export const overPath: Socket = connect(pathOptions)
export const byPort: Socket = connect(80)
export const byPortText: Socket = connect('80', 'localhost')
export const byAll: Socket = connect(80, 'localhost', () => {})
export const byPath: Socket = connect('/run/some.sock', () => {})
export const again: Socket = new Socket().connect({ port: 1, host: ['a', 'b'] })

/** Code that makes its own options, with what it may not know. */
declare const perhaps: string | undefined
export const uncertain: ConnectOptions = {
  port: perhaps,
  host: perhaps,
  config: undefined,
  signal: undefined,
  timeout: undefined,
}

declare const listenOptions: net.ListenOptions
declare const serverOpts: net.ServerOpts
export const listening: Server = createServer(serverOpts, accepted => {
  const inside: Socket = accepted
  inside.end()
})
  .listen(listenOptions)
  .listen(0)
  .listen(0, 'localhost', 5, () => {})
  .listen('/run/some.sock')

export const config: ConfigInput = { ...defaults, link: { ping: { mode: 'periodic' } } }
export const socketOptions: SocketOptions = {
  config,
  linkFilter: (link, existing) => existing.every(other => other.tag !== link.tag),
}
export const serverOptions: ServerOptions = {
  config,
  authorize: async (request: LinkRequest) => request.userData.length > 0,
  limits: { maxConnections: 5 },
  linkFilter: () => true,
}

export const connector: ConnectTransport = tcpConnector({ host: 'localhost', port: 1 })
export const acceptor: AcceptTransport = tcpAcceptor({ port: 1 })

socket.on('link', (link: Link) => link.working)
socket.on('linkclose', (link, reason) => reason === 'io-error' && link.disconnectReason)
socket.once('linkerror', (error, tag) => [error.message, tag?.key])
socket.on('stats', stats => stats.unacked + stats.unconsumed)
export const counts: number[] = [socket.stats.unacked, ...socket.links.map(link => link.stats.roundTrip)]
socket.on('close', hadError => !hadError)
socket.on('data', chunk => chunk.length)
socket.once('error', error => error.message)
server.on('connection', accepted => accepted.links.length)
server.on('link', (link, accepted) => [link.tag, accepted.id])
server.on('linkerror', (error: Error, tag: LinkTag, accepted: Socket | undefined) => [error, tag, accepted])
server.on('drop', (info: DropInfo) => info.remoteAddress)

export const states: 'opening' | 'open' | 'readOnly' | 'writeOnly' | 'closed' = socket.readyState
export const code: string = new HawserError('EPIPE', 'closed-by-peer', 'x').code

// @ts-expect-error a key that does not exist
export const unknownKey: ConfigInput = { chunksize: 1 }
// @ts-expect-error a mode that does not exist
export const unknownMode: ConfigInput = { link: { ping: { mode: 'sometimes' } } }
// @ts-expect-error links are made by hawser
socket.links.push({})
// @ts-expect-error no such reason
new HawserError('EPIPE', 'just-because', 'x')
