// Entry point `hawser/undici`: bonded connections below undici's `Client`, `Pool`, `Agent`, and so below `fetch`.

import * as tls from 'node:tls'
import { type BondOptions, connectOptionsFor } from './http/bond-options.ts'
import { connect } from './index.ts'
import type { Socket } from './socket.ts'

export interface ConnectorOptions {
  /** How connections are bonded. */
  bond?: BondOptions | undefined
  /** For `https:` origins: TLS runs inside the bonded connection. */
  tls?: tls.ConnectionOptions | undefined
  /** Milliseconds that a connection may take to be made, TLS included; 0: no limit. @defaultValue 10,000, as in undici */
  timeout?: number | undefined
}

/** What undici says of a connection that it wants. */
export interface ConnectorTarget {
  hostname: string
  protocol: string
  port: string
  servername?: string | null | undefined
  localAddress?: string | null | undefined
  host?: string | undefined
  httpSocket?: unknown
}

export type ConnectorCallback = (...args: [error: null, socket: never] | [error: Error, socket: null]) => void

/** A function for the option `connect`: `new Agent({ connect: connector({ bond: { transports } }) })`. */
export function connector(options: ConnectorOptions = {}): (target: ConnectorTarget, callback: ConnectorCallback) => void {
  const { bond, tls: tlsOptions, timeout = CONNECT_TIMEOUT_MS } = options
  return (target, callback) => {
    const secure = target.protocol === 'https:'
    const { hostname, localAddress } = target
    const port = target.port || (secure ? 443 : 80)
    const bonded = connect(connectOptionsFor({ host: hostname, port, localAddress }, bond))
    const socket = secure ? encrypted(bonded, target, tlsOptions) : bonded
    const ready = secure ? 'secureConnect' : 'connect'
    const timer = timeout > 0 ? setTimeout(() => socket.destroy(timedOut(target)), timeout) : undefined
    const settle = (error: Error | null) => {
      clearTimeout(timer)
      socket.removeListener(ready, connected)
      socket.removeListener('error', settle)
      // undici adds its own listeners; and it hangs when it is called back before it has returned.
      if (error) callback(error, null)
      else callback(null, socket as never)
    }
    const connected = () => settle(null)
    socket.once(ready, connected)
    socket.once('error', settle)
  }
}

const CONNECT_TIMEOUT_MS = 10_000

function encrypted(bonded: Socket, target: ConnectorTarget, options: tls.ConnectionOptions | undefined): tls.TLSSocket {
  const servername = target.servername || target.host?.replace(/:\d+$/, '') || target.hostname
  const socket = tls.connect({ ALPNProtocols: ['http/1.1'], servername, ...options, socket: bonded })
  // TLS says only that its socket was closed, not why.
  bonded.once('error', error => socket.destroy(error))
  return socket
}

function timedOut({ hostname, port }: ConnectorTarget): Error {
  return Object.assign(new Error(`connect ETIMEDOUT ${hostname}:${port}`), { code: 'ETIMEDOUT', syscall: 'connect' })
}
