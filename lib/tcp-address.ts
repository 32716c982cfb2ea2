// What `host` and `port` mean where sockets of the system exist: TCP.

import type { ListenOptions } from './server.ts'
import type { ConnectOptions, SocketOptions } from './socket.ts'
import { tcpAcceptor } from './transports/tcp/acceptor.ts'
import { tcpConnector } from './transports/tcp/connector.ts'
import type { AcceptTransport, ConnectTransport } from './transports/transport.ts'

export function connectorOf(options: ConnectOptions): ConnectTransport {
  const { host, port, family, localAddress, lookup } = options
  return tcpConnector({ host, port, family, localAddress, lookup })
}

export function acceptorOf(options: ListenOptions, _socketOptions: SocketOptions): AcceptTransport {
  const { signal: _signal, ...rest } = options
  return tcpAcceptor(rest)
}
