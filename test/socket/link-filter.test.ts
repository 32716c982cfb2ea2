// Which links may join is decided by filters: one of the application, one of the transport, at both ends.

import { once } from 'node:events'
import t from 'tap'
import { type ConnectTransport, type Link, type LinkFilter, Socket } from '../../lib/index.ts'
import { LinkAdmission } from '../../lib/link-admission.ts'
import { corePair } from '../support/duplex-pairs.ts'
import { connecting, listening } from '../support/loopback.ts'

type Side = 'client' | 'server'
const sides: readonly Side[] = ['client', 'server']

/** A server and a socket, one of them with a filter, and how to try to add a link. */
async function withFilter(t: Parameters<typeof listening>[0], side: Side, linkFilter: LinkFilter) {
  const { server } = await listening(t, side === 'server' ? { linkFilter } : {})
  const socket = new Socket(side === 'client' ? { linkFilter } : {})
  socket.on('error', () => {})
  t.teardown(() => socket.terminate())
  const add = (tag: string) => {
    const pair = corePair()
    const incoming = server.addLink(pair.server, { tag, userData: Buffer.from(`server's ${tag}`) })
    incoming.catch(() => {})
    return socket.addLink(pair.client, { tag, userData: Buffer.from(`client's ${tag}`) })
  }
  return { server, socket, add }
}

const refused = { code: 'ECONNREFUSED', reason: 'link-refused' }

for (const side of sides) {
  t.test(`a filter of the ${side} sees the link, what the other end says, and the links that exist`, async t => {
    const calls: [string, string, number][] = []
    const { add } = await withFilter(t, side, (link, existing) => {
      calls.push([String(link.tag), Buffer.from(link.remoteUserData).toString(), existing.length])
      t.match(link.stats, { established: null, bytesSent: 0, intervals: [] }, 'it has not joined')
      return true
    })
    const other = side === 'client' ? 'server' : 'client'
    await add('one')
    await add('two')
    t.same(calls, [
      ['one', `${other}'s one`, 0],
      ['two', `${other}'s two`, 1],
    ])
  })

  t.test(`a filter of the ${side} that says no, throws, rejects, or says anything but true refuses the link`, async t => {
    const answers: Record<string, () => unknown> = {
      no: () => false,
      throws: () => {
        throw new Error('mistake in the filter')
      },
      rejects: () => Promise.reject(new Error('mistake in the filter')),
      truthy: () => 'yes',
    }
    const { socket, add } = await withFilter(t, side, link => (answers[String(link.tag)]?.() ?? true) as boolean)
    await add('first')
    for (const name of Object.keys(answers)) await t.rejects(add(name), refused, name)
    await add('last')
    t.equal(socket.links.length, 2)
    t.equal(socket.destroyed, false)
  })

  t.test(`two links at once: the ${side} asks its filter about the second only when the first is in`, async t => {
    const onlyOne: LinkFilter = async (_link, existing) => {
      await new Promise(resolve => setImmediate(resolve))
      return existing.length === 0
    }
    const { socket, add } = await withFilter(t, side, onlyOne)
    const results = await Promise.allSettled([add('one'), add('two'), add('three')])
    t.same(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected', 'rejected'])
    t.equal(socket.links.length, 1)
  })
}

t.test('a filter that refuses the first link at the server: no connection, and the server lives', async t => {
  const { server, add, socket } = await withFilter(t, 'server', () => false)
  server.on('connection', () => t.fail('nobody was let in'))
  const failed = new Promise<Error>(resolve => socket.once('error', resolve))
  await t.rejects(add('first'), refused)
  t.match(await failed, refused)
  t.equal(server.connections.length, 0)
})

t.test('a connection whose first link was refused at the server begins with the next one', async t => {
  let answer = false
  const { server } = await listening(t, { linkFilter: () => answer })
  const client = connecting(t, { links: [open()] })
  function open() {
    const pair = corePair()
    server.addLink(pair.server).catch(() => {
      answer = true
    })
    return pair.client
  }
  await t.rejects(once(client, 'connect'), refused)
  const next = connecting(t, { links: [open()] })
  await once(next, 'connect')
  t.equal(server.connections.length, 1)
})

t.test('the filter of a transport and that of the application must both agree', async t => {
  const { server } = await listening(t)
  const asked: string[] = []
  const transport: ConnectTransport = {
    name: 'pairs',
    async *tags() {
      yield ['one', 'two'].map(key => ({ transport: 'pairs', direction: 'outgoing' as const, key, toString: () => key }))
    },
    async connect() {
      const pair = corePair()
      server.addLink(pair.server).catch(() => {})
      return pair.client
    },
    filter: link => {
      asked.push(`transport ${link.tag}`)
      return String(link.tag) === 'one'
    },
  }
  const client = connecting(t, {
    transports: [transport],
    linkFilter: link => {
      asked.push(`application ${link.tag}`)
      return true
    },
  })
  const [error, tag] = await once(client, 'linkerror')
  t.match(error, refused)
  t.equal(String(tag), 'two')
  if (client.connecting) await once(client, 'connect')
  t.same(asked.sort(), ['application one', 'transport one', 'transport two'])
})

t.test('a link that was given up while its filter thought does not count as existing for the next', async t => {
  let answer = (_yes: boolean) => {}
  const seen: number[] = []
  const admission = new LinkAdmission(() => [])
  const link = () => ({}) as Link
  const [first, second] = [link(), link()]
  const slow: LinkFilter = () =>
    new Promise<boolean>(resolve => {
      answer = resolve
    })
  const given = admission.admit(first, [slow])
  const next = admission.admit(second, [
    (_link, existing) => {
      seen.push(existing.length)
      return true
    },
  ])
  await new Promise(resolve => setImmediate(resolve))
  admission.release(first)
  answer(true)
  t.equal(await given, false)
  t.equal(await next, true)
  t.same(seen, [0])
})

t.test('a slow filter is not asked about links that are gone before their turn', async t => {
  let answer = (_yes: boolean) => {}
  const asked: Link[] = []
  const admission = new LinkAdmission(() => [])
  const links = Array.from({ length: 4 }, () => ({}) as Link)
  const filter: LinkFilter = link => {
    asked.push(link)
    return new Promise<boolean>(resolve => {
      answer = resolve
    })
  }
  const answers = links.map((link, index) => admission.admit(link, [filter], () => index === 0 || index === 3))
  await new Promise(resolve => setImmediate(resolve))
  answer(true)
  await answers[0]
  await new Promise(resolve => setImmediate(resolve))
  answer(true)
  t.same(await Promise.all(answers), [true, false, false, true])
  t.same(asked, [links[0], links[3]])
})

t.test('a link that its filter disconnects leaves as soon as it has joined; one that is refused is over as well', async t => {
  const gone: Promise<void>[] = []
  const { socket, add } = await withFilter(t, 'client', link => {
    if (String(link.tag) !== 'first') gone.push(link.disconnect())
    return String(link.tag) !== 'refused'
  })
  await add('first')
  const link = await add('second')
  await t.rejects(add('refused'), refused)
  await Promise.all(gone)
  t.equal(gone.length, 2)
  t.equal(link.disconnectReason, 'locally-requested')
  t.equal(socket.links.length, 1)
})
