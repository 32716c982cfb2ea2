// Entry point `hawser/tcp`: links over TCP.

export { canBindToInterface } from './platform/bind-interface.ts'
export { TcpAcceptor, type TcpAcceptorOptions, tcpAcceptor } from './transports/tcp/acceptor.ts'
export { TcpConnector, type TcpConnectorOptions, tcpConnector } from './transports/tcp/connector.ts'
export type { TcpLinkFilterMode } from './transports/tcp/link-filter.ts'
export { TcpLinkTag } from './transports/tcp/tag.ts'
