// The statistics feed: the state of connections and their links at one moment, as data that JSON can carry.

import { checkBoolean, wrongType } from '../argument-checks.ts'
import {
  type ConnectionStats,
  type Link,
  type LinkRole,
  type LinkStats,
  type NotWorkingReason,
  Server,
  Socket,
} from '../index.ts'
import { printable } from '../printable.ts'

/** A snapshot has so many connections at most: a server's default limit of them would make tens of megabytes. */
const CONNECTIONS_LIMIT = 100

/** What is looked at: one socket, all connections of a server, or several of these. Asked anew for each snapshot. */
export type MonitorSource = Socket | Server | Iterable<Socket | Server>

export interface SnapshotOptions {
  /**
   * Whether links come with the user data of the other side, escaped and cut to 64 characters. Not where clients prove by it
   * who they are. @defaultValue false
   */
  userData?: boolean | undefined
}

/** No text in it is longer than 64 characters or has anything that is not printable. Numbers that are not finite are `null` in JSON. */
export interface MonitorSnapshot {
  /** How many connections there are. */
  readonly total: number
  /** The first 100 of them. */
  readonly connections: readonly ConnectionSnapshot[]
}

/** Its id is not in it: whoever knows that can join the connection. */
export interface ConnectionSnapshot {
  readonly side: 'client' | 'server'
  readonly state: Socket['readyState']
  /** `custom`: a scheduler of the application. */
  readonly schedule: string
  /** Application bytes. */
  readonly bytesRead: number
  readonly bytesWritten: number
  readonly stats: ConnectionStats
  readonly links: readonly LinkSnapshot[]
}

export interface LinkSnapshot {
  readonly id: number
  /** As `String(link.tag)`; markup stays. */
  readonly tag: string
  readonly direction: Link['direction']
  readonly working: boolean
  readonly notWorkingReason: NotWorkingReason | null
  readonly blocked: boolean
  readonly remotelyBlocked: boolean
  readonly role: LinkRole
  readonly standby: boolean
  /** As UTF-8; markup stays. Only if asked for. */
  readonly userData?: string
  readonly stats: LinkStats
}

/** @throws {HawserError} `ERR_INVALID_ARG_TYPE` */
export function takeSnapshot(source: MonitorSource, options: SnapshotOptions = {}): MonitorSnapshot {
  checkSnapshotArguments(source, options)
  const sockets = socketsOf(source)
  const connections = sockets.slice(0, CONNECTIONS_LIMIT).map(socket => connectionSnapshot(socket, options))
  return { total: sockets.length, connections }
}

/** @throws {HawserError} `ERR_INVALID_ARG_TYPE` */
export function checkSnapshotArguments(source: MonitorSource, options: SnapshotOptions): void {
  checkBoolean(options.userData, 'userData')
  if (source instanceof Socket || source instanceof Server) return
  if (typeof source === 'object' && typeof source?.[Symbol.iterator] === 'function') return
  throw wrongType('source', 'a Socket, a Server or an iterable of them', source)
}

function socketsOf(source: MonitorSource): Socket[] {
  const parts = source instanceof Socket || source instanceof Server ? [source] : [...source]
  return parts.flatMap(part => (part instanceof Server ? part.connections : [part]))
}

function connectionSnapshot(socket: Socket, options: SnapshotOptions): ConnectionSnapshot {
  const { schedule } = socket
  return {
    side: socket.server ? 'server' : 'client',
    state: socket.readyState,
    schedule: typeof schedule === 'string' ? schedule : 'custom',
    bytesRead: socket.bytesRead,
    bytesWritten: socket.bytesWritten,
    stats: socket.stats,
    links: socket.links.map(link => linkSnapshot(link, options)),
  }
}

function linkSnapshot(link: Link, { userData = false }: SnapshotOptions): LinkSnapshot {
  return {
    id: link.id,
    tag: printable(String(link.tag)),
    direction: link.direction,
    working: link.working,
    notWorkingReason: link.notWorkingReason,
    blocked: link.blocked,
    remotelyBlocked: link.remotelyBlocked,
    role: link.role,
    standby: link.standby,
    ...(userData && { userData: printable(link.remoteUserData) }),
    stats: link.stats,
  }
}
