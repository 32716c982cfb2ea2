// `authorize` decides about every incoming link before anything else does.

import { once } from 'node:events'
import t from 'tap'
import type { LinkRequest } from '../../lib/index.ts'
import { corePair } from '../support/duplex-pairs.ts'
import { connecting, linked, listening } from '../support/loopback.ts'
import { stopTime } from '../support/stop-time.ts'
import { settled } from '../transports/manual-clock.ts'

t.test('it is told who asks, and whether the link starts or joins a connection', async t => {
  const requests: LinkRequest[] = []
  const { server, port } = await listening(t, { authorize: request => requests.push(request) > 0 })
  const client = connecting(t, { port })
  await linked(client)
  const pair = corePair()
  const incoming = server.addLink(pair.server, { tag: 'by hand' })
  await client.addLink(pair.client, { userData: Buffer.from('who I am') })
  await incoming
  t.match(requests[0], { startsConnection: true, remoteAddress: '127.0.0.1' })
  t.match(String(requests[0]?.tag), /^TCP lo/)
  t.match(requests[1], { startsConnection: false, remoteAddress: undefined })
  t.equal(String(requests[1]?.tag), 'by hand')
  t.equal(Buffer.from(requests[1]!.userData).toString(), 'who I am')
})

const answers: Record<string, () => unknown> = {
  false: () => false,
  'a promise of false': async () => false,
  'a throw': () => {
    throw new Error('mistake')
  },
  'a rejection': () => Promise.reject(new Error('mistake')),
  'something that is not true': () => 'yes',
}
for (const [name, answer] of Object.entries(answers)) {
  t.test(`${name} means no`, async t => {
    const { server, port } = await listening(t, { authorize: answer as () => boolean })
    server.on('connection', () => t.fail('not authorized'))
    const told = once(server, 'linkerror')
    const client = connecting(t, { port })
    await t.rejects(once(client, 'connect'), { code: 'ECONNREFUSED', reason: 'link-refused' })
    t.match(await told, [{ code: 'ECONNREFUSED', reason: 'link-refused' }])
    t.equal(server.connections.length, 0)
  })
}

t.test('a promise of true means yes', async t => {
  const { port } = await listening(t, { authorize: async () => true })
  await once(connecting(t, { port }), 'connect')
})

t.test('no answer in time means no, and other links go on meanwhile', async t => {
  let asked = 0
  const never = new Promise<boolean>(() => {})
  const { server, port } = await listening(t, { authorize: () => ++asked === 1 || never })
  server.on('connection', accepted => accepted.pipe(accepted))
  const client = connecting(t, { port })
  await linked(client)
  const clock = stopTime(t)
  const pair = corePair()
  const incoming = server.addLink(pair.server)
  const outgoing = client.addLink(pair.client)
  while (asked < 2) await settled()
  client.write('meanwhile')
  const [heard] = await once(client, 'data')
  t.equal(String(heard), 'meanwhile')
  const refused: unknown[] = []
  const note = (error: unknown) => refused.push(error)
  const over = Promise.all([incoming.catch(note), outgoing.catch(note)])
  await clock.advance(9_999)
  t.same(refused, [])
  await clock.advance(1)
  await over
  for (const error of refused) t.match(error, { code: 'ECONNREFUSED', reason: 'link-refused' })
  t.equal(client.readyState, 'open')
})

t.test('connectQueue links are decided about at once, further ones are refused with event drop', async t => {
  const answers: ((yes: boolean) => void)[] = []
  const { server } = await listening(t, {
    authorize: () => new Promise<boolean>(resolve => answers.push(resolve)),
    config: { connectQueue: 2 },
  })
  const drops: unknown[] = []
  server.on('drop', info => drops.push(info))
  const add = async (tag: string) => {
    const pair = corePair()
    const asked = answers.length
    const incoming = server.addLink(pair.server, { tag })
    const client = connecting(t, { links: [pair.client] })
    const settled = Promise.race([incoming, once(client, 'connect')]).catch((error: Error) => error)
    while (answers.length === asked && drops.length === 0) await new Promise(resolve => setImmediate(resolve))
    return { incoming, settled, pair }
  }
  const first = await add('first')
  const second = await add('second')
  const third = await add('third')
  await t.rejects(third.incoming, { code: 'ECONNREFUSED', reason: 'connection-refused' })
  t.match(await third.settled, { code: 'ECONNREFUSED' })
  t.match(drops, [{ tag: 'third' }])
  t.equal(answers.length, 2, 'the application was not asked')

  answers[0]?.(true)
  await first.incoming
  second.pair.client.destroy()
  await t.rejects(second.incoming, { code: 'ECONNRESET', reason: 'link-closed' })
  drops.length = 0
  await add('fourth')
  await add('fifth')
  t.equal(answers.length, 4, 'those that joined or went away do not count')
  for (const answer of answers) answer(false)
})

t.test('an answer that comes after the client went away changes nothing', async t => {
  let decide = (_yes: boolean) => {}
  const authorize = () =>
    new Promise<boolean>(resolve => {
      decide = resolve
    })
  const { server } = await listening(t, { authorize })
  server.on('connection', () => t.fail('nobody is there'))
  const errors: unknown[] = []
  server.on('linkerror', error => errors.push(error))
  const pair = corePair()
  const incoming = server.addLink(pair.server)
  const client = connecting(t, { links: [pair.client] })
  client.on('error', () => {})
  await new Promise<void>(resolve => {
    pair.server.once('data', () => setImmediate(resolve))
  })
  pair.client.destroy()
  await t.rejects(incoming, { code: 'ECONNRESET', reason: 'link-closed' })
  decide(true)
  for (let turn = 0; turn < 5; turn++) await new Promise(resolve => setImmediate(resolve))
  t.equal(errors.length, 1, 'told once')
  t.equal(server.connections.length, 0)
  const closed = once(server, 'close')
  server.close()
  await closed
})
