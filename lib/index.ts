// The public interface. docs/api tells it all; `README.md` shows how to begin.

import { Server, type ServerOptions, setAcceptorOfAddress } from './server.ts'
import { type ConnectArguments, type ConnectOptions, normalizeConnect, Socket, setTransportOfAddress } from './socket.ts'
import { acceptorOf, connectorOf } from './tcp-address.ts'

setTransportOfAddress(connectorOf)
setAcceptorOfAddress(acceptorOf)

export type { Config, ConfigInput, LinkConfig, LinkConfigInput, PingConfig } from './config.ts'
export { defaults } from './config.ts'
export type { ConnectionStats } from './engine/connection-stats.ts'
export type { LinkStats } from './engine/engine-link.ts'
export type { LinkCloseReason, NotWorkingReason } from './engine/events.ts'
export type { IntervalStats } from './engine/interval-statistics.ts'
export { HawserError, type HawserErrorCode, type HawserErrorReason } from './errors.ts'
export { Link } from './link.ts'
export {
  type DropInfo,
  type LinkRequest,
  type ListenOptions,
  Server,
  type ServerLimits,
  type ServerOptions,
  type TransportHandle,
} from './server.ts'
export { type AddLinkOptions, type ConnectOptions, Socket, type SocketOptions } from './socket.ts'
export type { AcceptTransport, ConnectTransport, LinkFilter, LinkTag } from './transports/transport.ts'

/** Makes a socket and connects it; see {@link Socket.connect}. */
export function connect(options: ConnectOptions, onConnect?: () => void): Socket
export function connect(port: number, host?: string, onConnect?: () => void): Socket
export function connect(port: number, onConnect?: () => void): Socket
export function connect(...args: ConnectArguments): Socket {
  const { options, onConnect } = normalizeConnect(args)
  return new Socket(options).connect(options, onConnect)
}

export const createConnection = connect

/** Makes a server; `onConnection` becomes a listener of `connection`. */
export function createServer(options?: ServerOptions, onConnection?: (socket: Socket) => void): Server
export function createServer(onConnection?: (socket: Socket) => void): Server
export function createServer(first?: ServerOptions | ((socket: Socket) => void), second?: (socket: Socket) => void): Server {
  return typeof first === 'function' ? new Server(first) : new Server(first, second)
}
