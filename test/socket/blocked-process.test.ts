// A process whose event loop stands still for 5 s, while its peer in another process goes on sending, takes no healthy
// link for broken: what has arrived meanwhile is looked at before its timers judge.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { connect, type Socket } from '../../lib/index.ts'
import { tcpConnector } from '../../lib/tcp.ts'
import {
  type BlockedReport,
  config,
  type Pace,
  SALTS,
  serverOverTwoLinks,
  TOTAL_BYTES,
  writeAt,
} from '../support/blocked-peer.ts'
import { PatternChecker } from '../support/pattern-stream.ts'

const FIXTURE = fileURLToPath(new URL('../support/fixtures/blocked-process.js', import.meta.url))

/** The process, and the lines that it prints. */
function start(t: Test, ...args: string[]): AsyncIterator<string> {
  const child = spawn(process.execPath, [FIXTURE, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  return createInterface({ input: child.stdout })[Symbol.asyncIterator]()
}

async function lastLine(lines: AsyncIterator<string>): Promise<string> {
  let last = ''
  for (let next = await lines.next(); next.done !== true; next = await lines.next()) last = next.value
  return last
}

/** Runs the end of the connection that goes on, until it is closed; returns what it read. */
async function exchange(pace: Pace, socket: Socket): Promise<PatternChecker> {
  const checker = new PatternChecker(SALTS.fromBlocked)
  socket.on('data', piece => checker.take(piece))
  await Promise.all([
    once(socket, 'close'),
    once(socket, 'end'),
    writeAt(pace, socket, 'toBlocked').then(() => void socket.end()),
  ])
  return checker
}

function judge(t: Test, pace: Pace, report: BlockedReport, { position, wrongAt }: PatternChecker): void {
  const { toBlocked, fromBlocked } = TOTAL_BYTES[pace]
  t.ok(report.blockedMs >= 5_000, `it stood still for ${report.blockedMs} ms`)
  t.same(report.notWorking, [], 'no link was ever not working')
  t.same(report.hangs, [0, 0], 'statistics know of no hang of its two links')
  t.same(report.lost, [], 'both links lived until the end')
  t.same({ read: report.read, wrongAt: report.wrongAt }, { read: toBlocked, wrongAt: null }, 'it read every byte')
  t.same({ read: position, wrongAt }, { read: fromBlocked, wrongAt: undefined }, 'the peer read every byte')
}

t.jobs = 4
for (const pace of ['bulk', 'trickle'] as const) {
  t.test(`a client that stands still for 5 s amid ${pace} data unconfirms no link`, async t => {
    const { server, ports } = await serverOverTwoLinks()
    t.teardown(() => void server.close())
    const lines = start(t, pace, ...ports.map(String))
    const [socket] = (await once(server, 'connection')) as [Socket]
    const checker = await exchange(pace, socket)
    judge(t, pace, JSON.parse(await lastLine(lines)), checker)
  })

  t.test(`a server that stands still for 5 s amid ${pace} data unconfirms no link`, async t => {
    const lines = start(t, pace)
    const ports = ((await lines.next()).value as string).split(' ').map(Number)
    const socket = connect({
      transports: ports.map(port => tcpConnector({ host: '127.0.0.1', port, linkFilter: 'none' })),
      allowHalfOpen: true,
      config,
    })
    const checker = await exchange(pace, socket)
    judge(t, pace, JSON.parse(await lastLine(lines)), checker)
  })
}
