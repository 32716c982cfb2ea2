// Binding to interfaces proven on a machine of its own: two network namespaces joined by two links, where the source
// address does not choose the link, as on any machine without rules by source.
//
// The same file is what runs inside the namespaces, told apart by its arguments.

import { type ChildProcess, execFileSync } from 'node:child_process'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { tcpConnector } from '../../lib/tcp.ts'
import { Laboratory, type Side } from './laboratory.ts'

const PORT = 5800
const BYTES = 300_000
const HERE = fileURLToPath(import.meta.url)
const readers = new WeakMap<ChildProcess, AsyncIterator<string>>()

const [role, ...rest] = process.argv.slice(2)
if (role === 'server') serve()
else if (role === 'send') await send(rest[0]!, rest[1]!, rest[2] === 'bind', rest[3] === 'unprivileged')
else if (role === 'watch') await watch()
else await test()

/** Takes all bytes of every connection and says when they have ended. */
function serve(): void {
  const server = createServer({ allowHalfOpen: true }, socket => {
    socket.resume()
    socket.on('error', () => {})
    socket.on('end', () => socket.end('done'))
  })
  server.listen(PORT, '::', () => console.log('listening'))
}

/** Sends `BYTES` to `host` over the link that starts at the interface. */
async function send(host: string, interfaceName: string, bindInterface: boolean, unprivileged: boolean): Promise<void> {
  if (unprivileged) process.setuid?.(65_534)
  const connector = tcpConnector({ host, port: PORT, bindInterface, connectTimeout: 5_000 })
  const controller = new AbortController()
  for await (const tags of connector.tags(controller.signal)) {
    const tag = tags.find(candidate => candidate.interface === interfaceName)
    if (!tag) throw new Error(`no tag over ${interfaceName}: ${tags.join(', ')}`)
    const socket = await connector.connect(tag, controller.signal)
    socket.end(Buffer.alloc(BYTES))
    await socket.toArray()
    console.log(JSON.stringify({ localAddress: socket.localAddress ?? tag.localAddress }))
    return
  }
}

/** Tells the interfaces of the tags on every change. */
async function watch(): Promise<void> {
  const connector = tcpConnector({ host: '10.77.0.1', port: PORT, resolveInterval: 100 })
  for await (const tags of connector.tags(new AbortController().signal)) {
    console.log(tags.map(tag => tag.interface).join(' ') || 'none')
    setTimeout(() => {}, 60_000) // discovery alone does not keep the process alive
  }
}

async function test(): Promise<void> {
  const lab = Laboratory.up(['max', 'max'])
  const inside = (side: Side, ...args: string[]) => lab.node(side, HERE, ...args)
  const rules = (...args: string[]) => execFileSync('ip', ['-n', `${lab.name}-client`, ...args])
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))
  for (const link of ['1', '2']) {
    rules('rule', 'del', 'from', `10.77.${link}.1`, 'lookup', link)
    rules('-6', 'rule', 'del', 'from', `fd77:0:0:${link}::1`, 'lookup', link)
  }
  await line(inside('server', 'server'), 'listening')

  /** Bytes that the server has received over a link. */
  const received = (link: number): number => {
    const [{ stats64 }] = JSON.parse(
      execFileSync('ip', ['-n', `${lab.name}-server`, '-s', '-j', 'link', 'show', `link${link}`], { encoding: 'utf8' }),
    )
    return stats64.rx.bytes
  }
  /** Which link carried what was sent. */
  const linkUsed = async (...args: string[]): Promise<number | undefined> => {
    const before = [1, 2].map(received)
    const output = await text(inside('client', 'send', ...args))
    t.comment(`${args.join(' ')}: ${output.trim()}`)
    const grown = [1, 2].map((link, index) => received(link) - before[index]!)
    return grown.findIndex(bytes => bytes > BYTES) + 1 || undefined
  }

  for (const host of ['10.77.0.1', 'fd77::1']) {
    await t.test(`to ${host}`, async t => {
      t.equal(await linkUsed(host, 'link1', 'bind'), 1, 'a socket bound to link1 uses link1')
      t.equal(await linkUsed(host, 'link2', 'bind'), 2, 'a socket bound to link2 uses link2')
      t.equal(await linkUsed(host, 'link2', 'bind', 'unprivileged'), 2, 'without privileges, too')
      t.equal(await linkUsed(host, 'link2', 'address'), 1, 'bound to the address of link2 alone it uses link1')
    })
  }

  await t.test('links that are unplugged and plugged are noticed', async t => {
    const child = inside('client', 'watch')
    await line(child, 'link1 link2')
    await lab.change('unplug', '2')
    await line(child, 'link1')
    await lab.change('plug', '2')
    await line(child, 'link1 link2')
    t.pass('each change was told')
  })
  lab.down()
}

/** Waits until the process has said the line. */
async function line(child: ChildProcess, wanted: string): Promise<void> {
  child.stderr?.pipe(process.stderr, { end: false })
  for await (const said of lines(child)) if (said === wanted) return
  throw new Error(`ended without saying "${wanted}"`)
}

/** Everything that the process says until it ends. */
async function text(child: ChildProcess): Promise<string> {
  child.stderr?.pipe(process.stderr, { end: false })
  let all = ''
  for await (const said of lines(child)) all += `${said}\n`
  return all
}

/** The process's lines; each is given once, however often one asks. */
function lines(child: ChildProcess): AsyncIterable<string> {
  const reader = readers.get(child) ?? createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  readers.set(child, reader)
  return { [Symbol.asyncIterator]: () => ({ next: () => reader.next() }) }
}
