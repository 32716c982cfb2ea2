// Two paths to one server, each of which can be cut by itself.

import type { Test } from 'tap'
import type { ConnectOptions } from '../../lib/index.ts'
import { tcpConnector } from '../../lib/tcp.ts'
import { Relay } from './relay.ts'

export interface TwoPaths {
  readonly relays: readonly [Relay, Relay]
  /** Connects over both. */
  readonly bond: ConnectOptions
}

export async function twoPaths(t: Test, port: number): Promise<TwoPaths> {
  const relays = [await Relay.start(t, port), await Relay.start(t, port)] as const
  const transports = relays.map(relay => tcpConnector({ hosts: ['127.0.0.1'], port: relay.port, linkFilter: 'none' }))
  return { relays, bond: { transports } }
}
