// What `host` and `port`, or `path`, mean where sockets of the system exist.

import { getDefaultAutoSelectFamily } from 'node:net'
import type { ConnectObserver, ConnectOptions } from './connect-options.ts'
import type { ListenOptions } from './listen-options.ts'
import { PathConnector } from './path-connector.ts'
import { tcpAcceptor } from './transports/tcp/acceptor.ts'
import { type TcpConnectorOptions, tcpConnector } from './transports/tcp/connector.ts'
import type { AcceptTransport, ConnectTransport } from './transports/transport.ts'

/** Of what is shorter `net.connect` makes this. Milliseconds. */
const SHORTEST_ATTEMPT_TIMEOUT_MS = 10

export function connectorOf(options: ConnectOptions, observer: ConnectObserver): ConnectTransport {
  const { path, host, port, family, hints, lookup, localAddress, localPort, blockList } = options
  if (path) return new PathConnector(path, observer)
  const { autoSelectFamily = null, autoSelectFamilyAttemptTimeout: attemptTimeout } = options
  const firstConnectTimeout = attemptTimeout ? Math.max(attemptTimeout, SHORTEST_ATTEMPT_TIMEOUT_MS) : undefined
  return tcpConnector({
    host,
    port,
    family: family as TcpConnectorOptions['family'], // checked there
    hints,
    lookup: lookup ?? undefined,
    localAddress: localAddress || undefined,
    localPort: localPort || undefined,
    blockList,
    firstAddressOnly: !(autoSelectFamily ?? getDefaultAutoSelectFamily()),
    firstConnectTimeout,
    observer,
  })
}

export function acceptorOf(options: ListenOptions): AcceptTransport {
  const { signal: _ofTheServer, port, ...rest } = options
  return tcpAcceptor({ ...rest, port: port === undefined || port === null ? undefined : Number(port) })
}
