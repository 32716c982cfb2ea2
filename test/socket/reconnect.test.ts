// Links that are lost are made again; the connection does not notice.

import { once } from 'node:events'
import t from 'tap'
import { type ConnectTransport, connect } from '../../lib/index.ts'
import { patternOf } from '../simulation/pattern.ts'
import { corePair } from '../support/duplex-pairs.ts'
import { eventLog, socketEvents } from '../support/event-log.ts'
import { connecting, linked, listening, working } from '../support/loopback.ts'
import { Relay } from '../support/relay.ts'

t.test('a connection whose only link is reset waits for the next one and loses nothing', async t => {
  const { server, port } = await listening(t)
  const relay = await Relay.start(t, port)
  const client = connecting(t, { port: relay.port, reconnectDelay: 20 })
  const [accepted] = await once(server, 'connection')
  const log = eventLog(client, [...socketEvents, 'link', 'linkclose', 'linkerror'])
  await once(client, 'connect')
  const bytes = 3_000_000
  let at = 0
  let resets = 0
  accepted.on('data', (chunk: Buffer) => {
    const wrong = patternOf(1).firstWrong(at, chunk)
    if (wrong >= 0) t.fail(`byte ${wrong} is wrong`)
    at += chunk.length
    if (resets < 3 && at > (resets + 1) * 500_000) {
      resets++
      relay.reset()
    }
  })
  for (const slice of patternOf(1).slices(0, bytes)) client.write(slice)
  client.end()
  await once(accepted, 'end')
  t.equal(at, bytes)
  t.equal(resets, 3)
  t.ok(relay.accepted >= 4)
  t.equal(log.filter(event => event === 'connect').length, 1)
  t.equal(log.filter(event => event === 'link').length, relay.accepted)
  t.ok(log.includes('linkerror'))
  t.notOk(log.some(event => event.startsWith('error')))
})

t.test('while a link is dialed again the connection is open and takes what is written', async t => {
  const { server, port } = await listening(t)
  const relay = await Relay.start(t, port)
  const client = connecting(t, { port: relay.port, reconnectDelay: 20 })
  const [accepted] = await once(server, 'connection')
  await linked(client)
  const lost = once(client, 'linkclose')
  relay.reset()
  await lost
  t.equal(client.links.length, 0)
  t.match(client, { readyState: 'open', connecting: false, pending: false })
  client.end('meanwhile')
  t.equal((await accepted.toArray()).join(''), 'meanwhile')
})

t.test('a transport that offers another link later gets it dialed', async t => {
  const { server } = await listening(t)
  let offer = () => {}
  const offered = new Promise<void>(resolve => {
    offer = resolve
  })
  const tag = (key: string) => ({ transport: 'pairs', direction: 'outgoing' as const, key, toString: () => key })
  const transport: ConnectTransport = {
    name: 'pairs',
    async *tags() {
      yield [tag('one')]
      await offered
      yield [tag('one'), tag('two')]
    },
    async connect() {
      const pair = corePair()
      server.addLink(pair.server).catch(() => {})
      return pair.client
    },
  }
  const client = connecting(t, { transports: [transport] })
  await linked(client)
  offer()
  const [link] = await once(client, 'link')
  t.equal(String(link.tag), 'two')
})

t.test('links given by hand are not made again, but the connection lives on for another one', async t => {
  const { server } = await listening(t)
  const open = () => {
    const pair = corePair()
    server.addLink(pair.server).catch(() => {})
    return pair.client
  }
  const client = connecting(t, { links: [open()] })
  const [accepted] = await once(server, 'connection')
  await linked(client)
  const lost = once(client, 'linkclose')
  client.links[0]?.stream.destroy()
  await lost
  client.end('later')
  await client.addLink(open())
  t.equal((await accepted.toArray()).join(''), 'later')
})

t.test('no link for longer than noLinkTimeout ends both sides with ETIMEDOUT', async t => {
  const config = { noLinkTimeout: 2_000 } // from the beginning until the first link works as well
  const { server, port } = await listening(t, { config })
  const relay = await Relay.start(t, port)
  const client = connecting(t, { port: relay.port, config })
  const [accepted] = await once(server, 'connection')
  await working(client)
  await working(accepted)
  const errors = Promise.all([client, accepted].map(socket => new Promise<Error>(resolve => socket.once('error', resolve))))
  relay.close()
  for (const error of await errors) {
    t.match(error, { code: 'ETIMEDOUT', reason: 'no-links-timeout', message: /^read ETIMEDOUT/ })
  }
})

t.test('a connection that is over dials no more', async t => {
  const { server, port } = await listening(t)
  const relay = await Relay.start(t, port)
  server.on('connection', accepted => accepted.end())
  const client = connect({ port: relay.port, host: '127.0.0.1', reconnectDelay: 10 })
  client.resume()
  await once(client, 'close')
  await new Promise<void>(resolve => server.close(() => resolve()))
  const { accepted } = relay
  await new Promise(resolve => setTimeout(resolve, 50))
  t.equal(relay.accepted, accepted)
})

t.test('a link that falls silent is replaced by a new one of its tag long before it would be given up', async t => {
  const { server, port } = await listening(t)
  const relay = await Relay.start(t, port)
  const config = { link: { ackTimeoutMin: 50, ackTimeoutFactor: 1 } }
  const client = connecting(t, { port: relay.port, reconnectDelay: 3_600_000, config })
  const [accepted] = await once(server, 'connection')
  await working(accepted)
  const [silent] = await working(client)
  const closed = once(silent as NonNullable<typeof silent>, 'close')
  relay.stallPresent()
  client.end('over the new link')
  t.equal((await accepted.toArray()).join(''), 'over the new link')
  t.same(await closed, ['non-working-timeout'])
  t.equal(relay.accepted, 2)
})
