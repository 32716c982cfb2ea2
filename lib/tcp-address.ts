// What `host` and `port`, or `path`, mean where sockets of the system exist.

import type { ConnectOptions } from './connect-options.ts'
import { PathConnector } from './path-connector.ts'
import type { ListenOptions } from './server-options.ts'
import { tcpAcceptor } from './transports/tcp/acceptor.ts'
import { tcpConnector } from './transports/tcp/connector.ts'
import type { AcceptTransport, ConnectTransport } from './transports/transport.ts'

export function connectorOf(options: ConnectOptions): ConnectTransport {
  const { path, host, port, family, hints, lookup, localAddress, localPort, blockList } = options
  if (path !== undefined) return new PathConnector(path)
  const checkedThere = family as 0 | 4 | 6 | undefined
  return tcpConnector({ host, port, family: checkedThere, hints, lookup, localAddress, localPort, blockList })
}

export function acceptorOf(options: ListenOptions): AcceptTransport {
  const { signal: _ofTheServer, port, ...rest } = options
  return tcpAcceptor({ ...rest, port: port === undefined || port === null ? undefined : Number(port) })
}
