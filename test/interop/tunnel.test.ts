// hawser and agg-tunnel: each connection that is forwarded is one bonded connection, which begins with the port that the
// client asks for (u16, big-endian).

import { once } from 'node:events'
import { type AddressInfo, createServer as createNetServer, type Socket as NetSocket, connect as netConnect } from 'node:net'
import t, { type Test } from 'tap'
import { connect, createServer, type Socket } from '../../lib/index.ts'
import { tcpConnector } from '../../lib/tcp.ts'
import { Child } from './child.ts'
import { freePort, programPath } from './programs.ts'
import { Relay } from './relay.ts'
import { stopAtEnd } from './stop-at-end.ts'
import { checkFile, checkRequests, FILE_BYTES, startWebServer } from './web-server.ts'

const KEPT_REQUESTS = 400
const SINGLE_REQUESTS = 100
const TIMEOUT_MS = 120_000

t.setTimeout(10 * TIMEOUT_MS)

/** A tunnel from a port of this machine to the web server, and the relays that its links go through. */
interface Tunnel {
  readonly port: number
  readonly relays: readonly Relay[]
}

const directions = [
  { name: 'the client of an agg-tunnel server', start: hawserToTool },
  { name: 'the server of an agg-tunnel client', start: toolToHawser },
]

for (const { name, start } of directions) {
  for (const links of [1, 2, 4]) {
    t.test(`carries a large file and many requests over ${links} links as ${name}`, { timeout: TIMEOUT_MS }, async t => {
      const tunnel = await start(t, await startWebServer(t), links)
      await checkFile(t, tunnel.port)
      for (const [index, relay] of tunnel.relays.entries()) {
        t.ok(relay.bytes > FILE_BYTES / 100, `link ${index} carried its part: ${relay.bytes} bytes`)
      }
      await checkRequests(t, tunnel.port, KEPT_REQUESTS, { keepAlive: true })
      await checkRequests(t, tunnel.port, SINGLE_REQUESTS, { keepAlive: false })
    })
  }

  t.test(`carries a large file though links are reset and stall as ${name}`, { timeout: TIMEOUT_MS }, async t => {
    const tunnel = await start(t, await startWebServer(t), 3)
    const [first, second] = tunnel.relays
    first?.after(FILE_BYTES / 10, () => first.cut())
    second?.after(FILE_BYTES / 10, () => second.stall())
    await checkFile(t, tunnel.port)
    t.ok(Number(first?.bytes) >= FILE_BYTES / 10 && Number(second?.bytes) >= FILE_BYTES / 10, 'both links failed')
  })
}

async function hawserToTool(t: Test, webPort: number, links: number): Promise<Tunnel> {
  const toolPort = await freePort()
  // What stands before the last colon is the target as it is; without a port of its own it is none.
  const target = `127.0.0.1:${webPort}:${webPort}`
  const tool = new Child(t, programPath('agg-tunnel'), ['server', '-n', '--tcp', `${toolPort}`, '-p', target])
  await tool.listening(toolPort)
  const relays = await startRelays(t, toolPort, links)
  const transports = [tcpConnector({ hosts: relays.map(relay => relay.address), linkFilter: 'none' })]
  const port = await listen(t, near => {
    const far = connect({ transports, allowHalfOpen: true })
    far.write(portHeader(webPort))
    join(near, far)
  })
  return { port, relays }
}

async function toolToHawser(t: Test, webPort: number, links: number): Promise<Tunnel> {
  const server = createServer({ allowHalfOpen: true }, near => serveTunnel(near))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of server.connections) socket.destroy()
    server.close()
  })
  const relays = await startRelays(t, (server.address() as AddressInfo).port, links)
  const port = await freePort()
  const targets = relays.flatMap(relay => ['--tcp', relay.address])
  const parameters = ['client', '-n', ...targets, '--tcp-link-filter', 'none', '-p', `${webPort}:${port}`]
  const tool = new Child(t, programPath('agg-tunnel'), parameters)
  await tool.listening(port)
  return { port, relays }
}

/** Takes the port from the beginning of the connection and forwards the rest to it. */
function serveTunnel(near: Socket): void {
  const onReadable = (): void => {
    const header: Buffer | null = near.read(2)
    if (header === null) return
    near.off('readable', onReadable)
    join(netConnect({ port: header.readUInt16BE(), host: '127.0.0.1', allowHalfOpen: true }), near)
  }
  near.on('readable', onReadable)
  near.on('error', () => near.destroy())
}

function portHeader(port: number): Buffer {
  const header = Buffer.alloc(2)
  header.writeUInt16BE(port)
  return header
}

/** Forwards both ways, each direction with its own end. */
function join(near: NetSocket, far: Socket): void {
  near.pipe(far)
  far.pipe(near)
  near.on('error', () => far.destroy())
  far.on('error', () => near.destroy())
  near.on('close', () => far.destroySoon())
}

async function listen(t: Test, onConnection: (socket: NetSocket) => void): Promise<number> {
  const open = new Set<NetSocket>()
  const server = createNetServer({ allowHalfOpen: true }, socket => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    onConnection(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

async function startRelays(t: Test, port: number, count: number): Promise<Relay[]> {
  const relays: Relay[] = []
  for (let index = 0; index < count; index++) relays.push(stopAtEnd(t, await Relay.start(port)))
  return relays
}
