// docs/differences.md against the running Node.

import { readFileSync } from 'node:fs'
import * as net from 'node:net'
import t from 'tap'
import * as hawser from '../../lib/index.ts'
import { connected } from '../support/loopback.ts'

const page = readFileSync(new URL('../../../docs/differences.md', import.meta.url), 'utf8')

/** The rows of the first table under a heading. */
function tableUnder(heading: string): string[][] {
  const section = page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  const rows = section.split('\n').filter(line => line.startsWith('| '))
  return rows.slice(1).map(row =>
    row
      .slice(1, -1)
      .split(' | ')
      .map(cell => cell.trim()),
  )
}

function namesIn(cell: string | undefined): string[] {
  return Array.from(cell?.matchAll(/`([^`]+)`/g) ?? [], ([, name = '']) => name)
}

function documentedAsMissing(of: string): string[] {
  return tableUnder('Members that are missing').flatMap(([owner, members]) => (owner === of ? namesIn(members) : []))
}

/** Own and inherited names, without symbols: those of Node's are not public. */
function namesOf(object: object): string[] {
  const names = new Set<string>()
  for (let each: object | null = object; each; each = Object.getPrototypeOf(each)) {
    for (const name of Object.getOwnPropertyNames(each)) names.add(name)
  }
  return [...names]
}

const pairs: [of: string, node: object, ours: object][] = [
  ['socket', new net.Socket(), new hawser.Socket()],
  ['server', new net.Server(), new hawser.Server()],
  ['module', net, hawser],
]

for (const [of, node, ours] of pairs) {
  t.test(`what a ${of} of Node has and hawser has not is what the page lists`, async t => {
    const ourNames = of === 'module' ? Object.keys(ours) : namesOf(ours)
    const nodeNames = of === 'module' ? Object.keys(node).filter(name => name !== 'default') : namesOf(node)
    const missing = nodeNames.filter(name => !ourNames.includes(name))
    const listed = documentedAsMissing(of)
    t.same(missing.sort(), listed.filter(name => nodeNames.includes(name)).sort())
    t.same(
      listed.filter(name => ourNames.includes(name)),
      [],
      'nothing is listed that is there',
    )
  })
}

t.test('the symbols that a socket and a server of Node document are there', async t => {
  const symbols = (object: object) => Object.getOwnPropertySymbols(Object.getPrototypeOf(object))
  t.ok(Symbol.asyncDispose in new hawser.Socket())
  t.ok(Symbol.asyncDispose in new hawser.Server())
  const shared = symbols(new net.Server()).filter(symbol => Symbol.keyFor(symbol) !== undefined || symbol === Symbol.asyncDispose)
  t.ok(shared.every(symbol => symbol in new hawser.Server()))
})

t.test('every member of the second table is there, and is not what Node has', async t => {
  for (const [of, members] of tableUnder('Members that mean something else')) {
    t.equal(of, 'server')
    for (const name of namesIn(members)) {
      t.ok(name in new hawser.Server())
      t.notOk(name in new net.Server())
    }
  }
})

t.test('options fd and handle of a socket are refused', async t => {
  t.throws(() => new hawser.Socket({ fd: 1 } as object), { code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(() => new hawser.Socket({ handle: {} } as object), { code: 'ERR_INVALID_ARG_VALUE' })
})

t.test('a socket is no net.Socket', async t => {
  t.notOk(new hawser.Socket() instanceof net.Socket)
})

t.test('links have noDelay unless it is turned off', async t => {
  const { client } = await connected(t)
  const link = client.links[0]?.stream as net.Socket
  const settings: boolean[] = []
  link.setNoDelay = (noDelay = true) => {
    settings.push(noDelay)
    return link
  }
  client.setNoDelay(false)
  t.same(settings, [false])
})

t.test('connect while connected is thrown', async t => {
  const { client, port } = await connected(t)
  t.throws(() => client.connect(port, '127.0.0.1'), { code: 'ERR_INVALID_ARG_VALUE' })
  t.equal(client.readyState, 'open')
})

t.test('an empty path is no path', async t => {
  t.throws(() => hawser.connect({ path: '' }), { code: 'ERR_MISSING_ARGS' })
})

t.test('errors of arguments are HawserErrors', async t => {
  try {
    hawser.connect(70_000)
  } catch (error) {
    t.ok(error instanceof hawser.HawserError)
    t.notOk(error instanceof RangeError)
    return
  }
  t.fail('nothing was thrown')
})

t.test('the high water mark is 131,072 bytes, and lengths are in bytes', async t => {
  const { client } = await connected(t)
  t.equal(client.writableHighWaterMark, 131_072)
  const socket = new hawser.Socket()
  socket.on('error', () => {})
  socket.cork()
  socket.write('ü')
  t.equal(socket.writableLength, 2)
  socket.destroy()
})
