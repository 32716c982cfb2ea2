// Entry point `hawser/http`: HTTP clients and servers of Node over bonded connections.

import type { RequestListener } from 'node:http'
import { HttpServer, type HttpServerOptions } from './http/server.ts'

export { Agent, type AgentOptions, HttpsAgent, type HttpsAgentOptions } from './http/agent.ts'
export type { BondOptions, HttpTarget } from './http/bond-options.ts'
export { HttpServer as Server, type HttpServerOptions } from './http/server.ts'

/** Makes an HTTP server over bonded connections; `onRequest` becomes a listener of `request`. */
export function createServer(options?: HttpServerOptions, onRequest?: RequestListener): HttpServer
export function createServer(onRequest?: RequestListener): HttpServer
export function createServer(first?: HttpServerOptions | RequestListener, second?: RequestListener): HttpServer {
  return typeof first === 'function' ? new HttpServer({}, first) : new HttpServer(first, second)
}
