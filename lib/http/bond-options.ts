// How the connection below an HTTP client is bonded, and what the client itself says of where it goes.

import type { ConnectOptions } from '../connect-options.ts'

/** Where an HTTP client wants to connect to. */
export interface HttpTarget {
  readonly host: string
  readonly port: number
}

/**
 * Options of hawser's `connect`. Without `transports` and `links` the connection goes to host and port of the request,
 * where a hawser server must listen. A function is asked for every new connection; `links` need one, for a stream can be
 * part of one connection only.
 */
export type BondOptions = ConnectOptions | ((target: HttpTarget) => ConnectOptions)

/** Options of `net.connect` that HTTP clients pass on. */
const PASSED_ON = [
  'host',
  'port',
  'path',
  'family',
  'hints',
  'lookup',
  'localAddress',
  'localPort',
  'timeout',
  'noDelay',
  'keepAlive',
  'keepAliveInitialDelay',
] as const

type PassedOn = Partial<Record<(typeof PASSED_ON)[number], unknown>>

/** Options for `connect`: what the client says, and over it how the connection is bonded. */
export function connectOptionsFor(client: PassedOn, bond: BondOptions | undefined): ConnectOptions {
  const said = Object.fromEntries(PASSED_ON.flatMap(name => (client[name] == null ? [] : [[name, client[name]]])))
  const target = { host: String(said.host ?? 'localhost'), port: Number(said.port) }
  const bonded = typeof bond === 'function' ? bond(target) : bond
  if (!bonded?.transports && !bonded?.links) return { ...said, ...bonded }
  const { host, port, path, ...rest } = said
  return { ...rest, ...bonded }
}
