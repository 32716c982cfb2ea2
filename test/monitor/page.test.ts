// The monitor page as a browser gets it: markup, script and figures, which must fit together.

import { once } from 'node:events'
import t, { type Test } from 'tap'
import { Server, Socket } from '../../lib/index.ts'
import { createMonitorPage, type MonitorPage, type MonitorSnapshot, takeSnapshot } from '../../lib/monitor.ts'
import { run } from '../support/child.ts'
import { connected, freePort, listening, working } from '../support/loopback.ts'
import { twoPaths } from '../support/two-paths.ts'
import { FakeDocument } from './fake-document.ts'

const PAYLOAD_BYTES = 300_000

/** The page, which listens until the test is over, and its address. */
async function opened(t: Test, page: MonitorPage): Promise<string> {
  t.teardown(() => page.close())
  return page.listen()
}

/** Both ends of a connection of two links that has carried something. */
async function bonded(t: Test) {
  const { server, port } = await listening(t)
  const { bond } = await twoPaths(t, port)
  const client = new Socket()
  t.teardown(() => client.destroy())
  const connection = once(server, 'connection') as Promise<[Socket]>
  client.connect(bond)
  const [accepted] = await connection
  await Promise.all([working(client, 2), working(accepted, 2)])
  accepted.resume()
  await new Promise(resolve => client.write(new Uint8Array(PAYLOAD_BYTES), resolve))
  while (accepted.bytesRead < PAYLOAD_BYTES) await once(accepted, 'data')
  return { server, client, accepted }
}

function inJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

/** Runs a module without imports as strict code, with globals of its own. */
const AsyncFunction = (async () => {}).constructor as new (...args: string[]) => (...globals: unknown[]) => Promise<void>

/** Runs the script of the page against a document made of its markup; `refresh` runs what it does every second. */
async function browse(url: string) {
  const markup = await (await fetch(url)).text()
  const document = new FakeDocument(markup)
  const source = /<script type="module" src="([^"]+)">/.exec(markup)?.[1] ?? ''
  const script = await (await fetch(new URL(source, url))).text()
  let next: (() => Promise<void>) | undefined
  const setTimeout = (callback: () => Promise<void>) => {
    next = callback
  }
  const main = new AsyncFunction('document', 'fetch', 'setTimeout', `'use strict'\n${script.replace(/^export \{\};$/m, '')}`)
  await main(document, (path: string) => fetch(new URL(path, url)), setTimeout)
  return { document, refresh: () => next?.() }
}

t.test('the page, its script and the figures fit together, and follow what changes', async t => {
  const { server, client, accepted } = await bonded(t)
  const url = await opened(t, createMonitorPage([server, client]))
  const { document, refresh } = await browse(url)
  t.equal(document.textOf('status'), 'Connections: 2')
  const connections = document.rowsOf('connections')
  t.match(connections, [
    { connection: '1', side: 'server', state: 'open', links: '2', 'bytes read': '300,000', 'bytes written': '0' },
    { connection: '2', side: 'client', state: 'open', links: '2', 'bytes read': '0', 'bytes written': '300,000' },
  ])
  const links = document.rowsOf('links')
  const tags = [...accepted.links, ...client.links].map(({ tag }) => String(tag))
  t.same(
    links.map(({ link }) => link),
    tags,
  )
  for (const link of links) t.match(link, { state: 'works', role: 'primary', 'user data': '' })
  const sentBytes = links.slice(2).map(link => Number(link['bytes sent']?.replaceAll(',', '')))
  t.ok(sentBytes[0]! + sentBytes[1]! > PAYLOAD_BYTES)

  client.links[0]?.block()
  await client.links[1]?.disconnect()
  await refresh()
  t.match(document.rowsOf('links').slice(-1), [{ link: tags[2], state: 'blocked' }])
  t.match(document.rowsOf('connections')[1], { links: '1' })
})

t.test('a page that gets no answer says so, keeps its figures, and goes on asking', async t => {
  const page = createMonitorPage(new Socket())
  const url = await opened(t, page)
  const { document, refresh } = await browse(url)
  t.equal(document.rowsOf('connections').length, 1)
  await page.close()
  await refresh()
  t.match(document.textOf('status'), /^No figures, those below are old: /)
  t.equal(document.rowsOf('connections').length, 1)
  await page.listen({ port: Number(new URL(url).port) })
  await refresh()
  t.equal(document.textOf('status'), 'Connections: 1')
})

/** What a snapshot of these should be, from what the sockets say. */
function expected(...sockets: readonly Socket[]): unknown {
  const connections = sockets.map(socket => ({
    side: socket.server ? 'server' : 'client',
    state: socket.readyState,
    schedule: socket.schedule,
    bytesRead: socket.bytesRead,
    bytesWritten: socket.bytesWritten,
    stats: socket.stats,
    links: socket.links.map(link => ({
      id: link.id,
      tag: String(link.tag),
      direction: link.direction,
      working: link.working,
      notWorkingReason: link.notWorkingReason,
      blocked: link.blocked,
      remotelyBlocked: link.remotelyBlocked,
      role: link.role,
      standby: link.standby,
      stats: link.stats,
    })),
  }))
  return inJson({ total: sockets.length, connections })
}

t.test('the figures are those of the sockets, in the feed and on the page', async t => {
  const { server, client, accepted } = await bonded(t)
  const sources = new Set([client, server])
  const url = await opened(t, createMonitorPage(sources))
  // Pings and intervals go on: those figures count that were the same before and after.
  let before: unknown
  let taken: unknown
  let served: unknown
  let after: unknown
  do {
    before = expected(client, accepted)
    taken = inJson(takeSnapshot(sources))
    served = await (await fetch(new URL('/stats', url))).json()
    after = expected(client, accepted)
  } while (JSON.stringify(before) !== JSON.stringify(after))
  t.same(taken, after)
  t.same(served, after)
  t.match(after, { connections: [{ bytesWritten: PAYLOAD_BYTES }, { bytesRead: PAYLOAD_BYTES }] })
})

t.test('sources are asked anew each time, and more than 100 connections are counted only', async t => {
  const sockets = new Set<Socket>()
  const url = await opened(t, createMonitorPage(sockets))
  const stats = async () => (await (await fetch(new URL('/stats', url))).json()) as MonitorSnapshot
  t.same(await stats(), { total: 0, connections: [] })
  for (let count = 0; count < 101; count++) sockets.add(new Socket({ schedule: { choose: () => null } }))
  const { total, connections } = await stats()
  t.equal(total, 101)
  t.equal(connections.length, 100)
  t.match(connections[0], { side: 'client', schedule: 'custom', bytesRead: 0, links: [] })
  const { document } = await browse(url)
  t.equal(document.textOf('status'), 'Connections: 101, of which the first 100 are shown')
})

t.test('user data comes only where it is asked for', async t => {
  const { server } = await connected(t)
  const [plain, full] = [takeSnapshot(server), takeSnapshot(server, { userData: true })]
  t.notOk('userData' in plain.connections[0]!.links[0]!)
  t.type(full.connections[0]?.links[0]?.userData, 'string')
})

t.test('a tag that throws costs one answer, and not the page', async t => {
  const { server, client, accepted } = await bonded(t)
  const url = await opened(t, createMonitorPage(server))
  const [link] = accepted.links
  const tag = link!.tag
  const broken = {
    ...tag,
    toString() {
      throw new Error('no name')
    },
  }
  Object.assign(link!, { tag: broken })
  const failed = await fetch(new URL('/stats', url))
  t.equal(failed.status, 500)
  t.equal(await failed.text(), '500 Internal Server Error\n')
  Object.assign(link!, { tag })
  t.equal((await fetch(new URL('/stats', url))).status, 200)
  t.equal(client.destroyed, false)
})

t.test('what is no source, no option or no address of this machine alone is refused', async t => {
  const wrongType = { code: 'ERR_INVALID_ARG_TYPE', reason: 'invalid-argument' }
  for (const source of [undefined, null, {}, 1, 'server', () => []]) {
    t.throws(() => createMonitorPage(source as never), wrongType)
    t.throws(() => takeSnapshot(source as never), wrongType)
  }
  t.throws(() => createMonitorPage(new Server(), { userData: 1 as never }), wrongType)
  const page = createMonitorPage(new Server())
  for (const host of ['0.0.0.0', '::', '', 'localhost', '127.0.0.2', '192.0.2.1', '::ffff:127.0.0.1', null]) {
    await t.rejects(page.listen({ host: host as never }), { code: 'ERR_INVALID_ARG_VALUE', reason: 'invalid-argument' })
  }
  await t.rejects(page.listen({ port: 65_536 }), { code: 'ERR_SOCKET_BAD_PORT', reason: 'invalid-argument' })
  await opened(t, page)
  await t.rejects(page.listen(), { code: 'ERR_SERVER_ALREADY_LISTEN', reason: 'invalid-argument' })
})

t.test('a port that is taken rejects, and another one is listened on then; close may come at any time', async t => {
  const [first, second] = [createMonitorPage(new Server()), createMonitorPage(new Server())]
  const port = await freePort()
  t.teardown(() => Promise.all([first.close(), second.close()]))
  t.equal(await first.listen({ port }), `http://127.0.0.1:${port}/`)
  await t.rejects(second.listen({ port }), { code: 'EADDRINUSE' })
  const url = await second.listen()
  t.equal((await fetch(url)).status, 200)
  await second.close()
  await second.close()
  await t.rejects(fetch(url))
  const [again] = await Promise.all([second.listen(), second.close()])
  await t.rejects(fetch(again))
})

t.test('a page does not keep its process alive, nor does somebody who is connected to it', async t => {
  const program = `
    import { connect } from 'node:net'
    import { setImmediate } from 'node:timers/promises'
    import { createServer } from 'hawser'
    import { createMonitorPage } from 'hawser/monitor'
    const url = await createMonitorPage(createServer()).listen()
    const silent = connect(new URL(url).port, '127.0.0.1').unref().resume()
    console.log((await fetch(url)).status)
    while (process.getActiveResourcesInfo().includes('TCPSocketWrap')) await setImmediate()
    console.log(silent.closed ? 'not before all were gone' : 'at once')`
  const { code, stdout, stderr } = await run('--input-type=module', '--eval', program)
  t.equal(stderr, '')
  t.equal(stdout, '200\nat once\n')
  t.equal(code, 0)
})
