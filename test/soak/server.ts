// The server's process of a soak: `server.js <ServerOptions as JSON>`. Stops when its standard input ends.

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type Socket } from '../../lib/index.ts'
import { Random } from '../simulation/random.ts'
import { LifeSide } from './life-side.ts'
import { report, type SideOutcome } from './outcome.ts'
import type { LifePlan } from './plan.ts'
import { breakLink, config, optionsOf, repeat, type ServerOptions, stopWanted } from './process.ts'
import { sampleMemory, takeStock } from './resources.ts'

const MOST_PLAN_BYTES = 4_096
const NEWLINE = 10

/** Reads the plan, one line, that the client sends first; then does its part. */
function serve(socket: Socket): void {
  let head = Buffer.alloc(0)
  let error: SideOutcome['error'] = null
  const noteError = (failure: NodeJS.ErrnoException & { reason?: string }): void => {
    error = { code: failure.code ?? null, reason: failure.reason ?? null, message: failure.message }
  }
  const giveUp = () => report({ kind: 'unclaimed', error })
  const readHead = (piece: Buffer): void => {
    head = Buffer.concat([head, piece])
    const end = head.indexOf(NEWLINE)
    if (end < 0 && head.byteLength > MOST_PLAN_BYTES) throw new Error('the first line is no plan')
    if (end < 0) return
    socket.off('data', readHead).off('error', noteError).off('close', giveUp).off('end', endEarly)
    const side = new LifeSide(socket, JSON.parse(head.subarray(0, end).toString()) as LifePlan, 'accepted')
    side.outcome.then(outcome => report({ kind: 'outcome', outcome }))
    side.take(head.subarray(end + 1))
    socket.on('data', (piece: Buffer) => side.take(piece))
    void side.run()
  }
  const endEarly = () => void socket.end()
  socket.on('data', readHead).on('error', noteError).on('close', giveUp).on('end', endEarly)
}

async function main(options: ServerOptions): Promise<void> {
  const stopped = stopWanted()
  const random = new Random(options.seed)
  const leftovers = takeStock()
  const server = createServer({ allowHalfOpen: true, config, limits: { maxHandshakes: 1_024 } }, serve)
  server.listen(options.port, options.host)
  await once(server, 'listening')
  report({ kind: 'listening', port: (server.address() as AddressInfo).port })
  const controller = new AbortController()
  const sampling = sampleMemory(() => server.connections, controller.signal)
  const stopBreaking = options.breaks ? repeat(random, 1_000, 3_000, () => breakLink(server.connections, random)) : () => {}
  await stopped
  stopBreaking()
  const closed = once(server, 'close')
  server.close()
  await closed
  controller.abort()
  await sampling
  report({ kind: 'done', leftovers: await leftovers() })
}

void main(optionsOf<ServerOptions>())
