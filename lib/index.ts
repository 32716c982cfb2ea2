// The public interface. `README.md` shows how to begin; `npm run docs` makes the reference of it.

import { type ConnectArguments, type ConnectOptions, normalizeConnect, setTransportOfAddress } from './connect-options.ts'
import { Server, setAcceptorOfAddress } from './server.ts'
import type { ServerOptions } from './server-options.ts'
import { Socket } from './socket.ts'
import { acceptorOf, connectorOf } from './tcp-address.ts'

setTransportOfAddress(connectorOf)
setAcceptorOfAddress(acceptorOf)

export type { Config, ConfigInput, LinkConfig, LinkConfigInput, PingConfig } from './config.ts'
export { defaults } from './config.ts'
export type { ConnectOptions } from './connect-options.ts'
export type { ConnectionStats } from './engine/connection-stats.ts'
export type { LinkStats } from './engine/engine-link.ts'
export type { LinkCloseReason, NotWorkingReason } from './engine/events.ts'
export type { IntervalStats } from './engine/interval-statistics.ts'
export type { LinkPolicy, LinkRole } from './engine/link-policy.ts'
export { redundant } from './engine/schedulers/redundant.ts'
export type { Schedule, ScheduleName } from './engine/schedulers/schedule.ts'
export type { Demand, ScheduledLink, Scheduler } from './engine/schedulers/scheduler.ts'
export { HawserError, type HawserErrorCode, type HawserErrorReason } from './errors.ts'
export { Link } from './link.ts'
export type { AddLinkOptions } from './link-options.ts'
export type { KeepAliveOptions } from './link-settings.ts'
export type { ListenOptions } from './listen-options.ts'
export type { OnReadOptions } from './on-read.ts'
export type { LinkPolicyInput, LinkPolicyOption } from './policy-options.ts'
export { Server } from './server.ts'
export type {
  DropInfo,
  LinkRequest,
  ServerEvents,
  ServerLimits,
  ServerOptions,
  TransportHandle,
} from './server-options.ts'
export { Socket } from './socket.ts'
export type { SocketEvents } from './socket-events.ts'
export type { SocketOptions } from './socket-options.ts'
export type { TlsIdentity } from './tls-identity.ts'
export type { AcceptTransport, ConnectTransport, LinkFilter, LinkTag } from './transports/transport.ts'

/** Makes a socket and connects it; see {@link Socket.connect}. */
export function connect(options: ConnectOptions, onConnect?: () => void): Socket
export function connect(port: number | string, host?: string, onConnect?: () => void): Socket
export function connect(port: number | string, onConnect?: () => void): Socket
export function connect(path: string, onConnect?: () => void): Socket
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
