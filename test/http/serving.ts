// An HTTP server over bonded connections, and two paths to it.

import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { createServer, type Server } from '../../lib/http.ts'
import { type TwoPaths, twoPaths } from '../support/two-paths.ts'

export interface Serving extends TwoPaths {
  readonly server: Server
  readonly port: number
}

export async function serving(t: Test, onRequest: RequestListener): Promise<Serving> {
  const server = createServer(onRequest)
  t.teardown(() => {
    server.close()
    for (const socket of server.bonded.connections) socket.terminate()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { server, port, ...(await twoPaths(t, port)) }
}
