// A process inside of a namespace, one end of transfers: `end.js <EndOptions as JSON>`. A server serves until it is killed.

import { once } from 'node:events'
import * as net from 'node:net'
import { resolve } from 'node:path'
import type { Duplex } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { nowMs } from './clock.ts'
import { LinkLog } from './link-log.ts'
import { type ConnectOptions, type EndOptions, type Plan, type ServeOptions, type Side, say } from './messages.ts'
import { read, write } from './stream-ends.ts'

const NEWLINE = 10
const MOST_PLAN_BYTES = 1_024

const options: EndOptions = JSON.parse(process.argv[2] ?? '{}')
if (options.role === 'serve') await serve(options)
else await connect(options)

async function serve({ protocol, port, build }: ServeOptions): Promise<void> {
  const { hawser } = await load(build)
  const accept = (stream: Duplex): void => void acceptStream(stream)
  const server: net.Server | InstanceType<typeof hawser.Server> =
    protocol === 'hawser'
      ? hawser.createServer({ allowHalfOpen: true }, accept)
      : net.createServer({ allowHalfOpen: true, noDelay: true }, accept)
  server.listen(port, '0.0.0.0')
  await once(server, 'listening')
  say({ kind: 'listening' })
}

/** Reads the plan and does the server's part. */
async function acceptStream(stream: Duplex): Promise<void> {
  const links = new LinkLog(stream)
  let id = 'unknown'
  stream.on('error', error => say({ kind: 'failed', id, message: error.message }))
  const found = await readPlan(stream)
  if (!found) return
  id = found.plan.id
  await carryOut(stream, found.plan, found.rest, 'server', links)
}

async function connect({ protocol, host, port, localAddresses, plan, build }: ConnectOptions): Promise<void> {
  const { hawser } = await load(build)
  say({ kind: 'begun', id: plan.id, atMs: nowMs() })
  const streams: Duplex[] =
    protocol === 'hawser'
      ? [hawser.connect({ host, port, allowHalfOpen: true })]
      : (localAddresses.length > 0 ? localAddresses : [undefined]).map(localAddress =>
          net.connect({ host, port, allowHalfOpen: true, noDelay: true, ...(localAddress && { localAddress }) }),
        )
  await Promise.all(
    streams.map(async (stream, index) => {
      const own = streams.length > 1 ? { ...plan, id: `${plan.id}/${index}` } : plan
      stream.on('error', error => say({ kind: 'failed', id: own.id, message: error.message }))
      const links = new LinkLog(stream)
      stream.write(`${JSON.stringify(own)}\n`)
      await carryOut(stream, own, Buffer.alloc(0), 'client', links)
    }),
  )
}

/** One end's part, from the plan to the close of the stream. */
async function carryOut(stream: Duplex, plan: Plan, first: Buffer, side: Side, links: LinkLog): Promise<void> {
  const closed = stream.closed ? Promise.resolve() : new Promise<void>(resolve => stream.once('close', () => resolve()))
  links.id = plan.id
  const writes = plan.direction !== (side === 'client' ? 'down' : 'up')
  const reads = plan.direction !== (side === 'client' ? 'up' : 'down')
  // An error has been told already.
  const writing = writes && Promise.race([write(stream, plan).catch(() => {}), closed])
  if (reads) await read(stream, plan, side, first)
  else stream.resume()
  await writing
  if (!writes) stream.end()
  await closed
  links.report(side)
}

/** Reads the first line; `undefined` when the stream ends before. */
function readPlan(stream: Duplex): Promise<{ plan: Plan; rest: Buffer } | undefined> {
  return new Promise(resolve => {
    let head = Buffer.alloc(0)
    const giveUp = (): void => resolve(undefined)
    const take = (bytes: Buffer): void => {
      head = Buffer.concat([head, bytes])
      const end = head.indexOf(NEWLINE)
      if (end < 0 && head.length <= MOST_PLAN_BYTES) return
      stream.pause()
      stream.off('data', take).off('close', giveUp)
      if (end < 0) return void stream.destroy()
      resolve({ plan: JSON.parse(head.subarray(0, end).toString()), rest: head.subarray(end + 1) })
    }
    stream.on('data', take).on('close', giveUp)
  })
}

async function load(build: string | null): Promise<{ hawser: typeof import('../../lib/index.ts') }> {
  if (build === null) return { hawser: await import('../../lib/index.ts') }
  return { hawser: await import(pathToFileURL(resolve(build, 'lib/index.js')).href) }
}
