// Schedules and link policies, as the application says them on either side.

import { once } from 'node:events'
import t, { type Test } from 'tap'
import {
  createServer,
  type Link,
  type LinkPolicyOption,
  redundant,
  type Schedule,
  type Scheduler,
  type ServerOptions,
  Socket,
  type SocketOptions,
} from '../../lib/index.ts'
import { bytesUntilEnd } from '../support/bytes-until-end.ts'
import { corePair } from '../support/duplex-pairs.ts'
import { listening } from '../support/loopback.ts'

interface Ends {
  readonly client: Socket
  readonly accepted: Socket
  readonly near: readonly Link[]
  readonly far: readonly Link[]
}

/** A connection over links with those tags, all of which work. */
async function over(t: Test, tags: readonly string[], ours: SocketOptions = {}, theirs: ServerOptions = {}): Promise<Ends> {
  const { server } = await listening(t, { allowHalfOpen: true, ...theirs })
  const client = new Socket({ allowHalfOpen: true, ...ours })
  t.teardown(() => client.destroy())
  const connection = once(server, 'connection')
  const near: Link[] = []
  const far: Link[] = []
  for (const tag of tags) {
    const pair = corePair()
    const [one, other] = await Promise.all([client.addLink(pair.client, { tag }), server.addLink(pair.server, { tag })])
    near.push(one)
    far.push(other)
  }
  const [accepted] = (await connection) as [Socket]
  for (const link of [...near, ...far]) if (!link.working) await once(link, 'working')
  return { client, accepted, near, far }
}

const text = Buffer.alloc(3_000_000, 'all of it in order ')

/** Sends both ways at once and checks what arrives. */
async function exchange(t: Test, { client, accepted }: Ends): Promise<void> {
  const received = [client, accepted].map(bytesUntilEnd)
  client.end(text)
  accepted.end(text)
  for (const bytes of await Promise.all(received)) t.ok(bytes.equals(text), 'the same bytes arrive')
}

const nonsense: readonly (readonly [unknown, string])[] = [
  ['fastest', 'ERR_INVALID_ARG_VALUE'],
  ['toString', 'ERR_INVALID_ARG_VALUE'],
  [null, 'ERR_INVALID_ARG_TYPE'],
  [7, 'ERR_INVALID_ARG_TYPE'],
  [{}, 'ERR_INVALID_ARG_TYPE'],
  [{ choose: () => null, linksPerMessage: 0 }, 'ERR_OUT_OF_RANGE'],
  [{ choose: () => null, linksPerMessage: 1.5 }, 'ERR_OUT_OF_RANGE'],
  [{ choose: () => null, linksPerMessage: '2' }, 'ERR_INVALID_ARG_TYPE'],
]

for (const [schedule, code] of nonsense) {
  t.test(`schedule ${JSON.stringify(schedule)} is refused everywhere it can be said`, async t => {
    const error = { code, reason: 'invalid-argument', message: /schedule/ }
    const options = { schedule: schedule as Schedule }
    t.throws(() => new Socket(options), error)
    t.throws(() => createServer(options), error)
    const socket = new Socket()
    t.throws(() => {
      socket.schedule = schedule as Schedule
    }, error)
    t.equal(socket.schedule, 'aggregate')
  })
}

for (const schedule of ['aggregate', 'interactive', 'handover', 'redundant', redundant(2)] as const) {
  const name = typeof schedule === 'string' ? schedule : 'a Scheduler'
  t.test(`under ${name} on both sides everything arrives, and it can be read and set`, async t => {
    const ends = await over(t, ['one', 'two', 'three'], { schedule }, { schedule })
    t.equal(ends.client.schedule, schedule)
    t.equal(ends.accepted.schedule, schedule)
    await exchange(t, ends)
  })
}

t.test('the schedule changes in the middle of a transfer', async t => {
  const ends = await over(t, ['one', 'two', 'three'])
  const turns: Schedule[] = ['redundant', 'handover', redundant(2), 'interactive', 'aggregate']
  ends.accepted.on('data', () => {
    const next = turns.shift()
    if (next) ends.client.schedule = next
  })
  await exchange(t, ends)
  t.equal(turns.length, 0)
  t.equal(ends.client.schedule, 'aggregate')
})

t.test('under handover one link carries the data, and the other side keeps to it', async t => {
  const ends = await over(t, ['one', 'two'], { schedule: 'handover' })
  await new Promise(resolve => setImmediate(resolve))
  const idle = ends.near.findIndex(link => link.standby)
  t.ok(idle >= 0)
  if (!ends.far[idle]?.remotelyBlocked) await once(ends.far[idle] as Link, 'blocked')
  t.equal(ends.near[idle]?.blocked, false)
  t.equal(ends.near.filter(link => link.standby).length, 1)
  await exchange(t, ends)
})

t.test('a policy for each tag holds from the first message on, at the side that says it', async t => {
  const asked: string[] = []
  const linkPolicy: LinkPolicyOption = tag => {
    asked.push(String(tag))
    return String(tag) === 'lte' ? { role: 'backup', weight: 0.5, rateLimit: 100_000, byteBudget: 5_000_000 } : undefined
  }
  const ends = await over(t, ['dsl', 'lte'], { linkPolicy }, { linkPolicy: () => ({ weight: 3 }) })
  t.same(asked, ['dsl', 'lte'])
  t.match(ends.near[0], { role: 'primary', weight: 1, rateLimit: null, byteBudget: null, standby: false })
  t.match(ends.near[1], { role: 'backup', weight: 0.5, rateLimit: 100_000, byteBudget: 5_000_000, standby: true })
  t.match(ends.far[1], { role: 'primary', weight: 3, standby: false })
  await exchange(t, ends)
})

t.test('link filters see the policy of the link they decide about', async t => {
  const roles: string[] = []
  const linkFilter = (link: Link) => roles.push(link.role) > 0
  await over(
    t,
    ['one'],
    { linkPolicy: () => ({ role: 'secondary' }), linkFilter },
    { linkPolicy: () => ({ role: 'backup' }), linkFilter },
  )
  t.same(roles.sort(), ['backup', 'secondary'])
})

const wrongPolicies: readonly (readonly [object | string, string])[] = [
  [{ role: 'spare' }, 'ERR_INVALID_ARG_VALUE'],
  [{ role: 7 }, 'ERR_INVALID_ARG_TYPE'],
  [{ weight: 0 }, 'ERR_OUT_OF_RANGE'],
  [{ weight: Number.NaN }, 'ERR_OUT_OF_RANGE'],
  [{ rateLimit: -1 }, 'ERR_OUT_OF_RANGE'],
  [{ rateLimit: '1' }, 'ERR_INVALID_ARG_TYPE'],
  [{ byteBudget: Number.POSITIVE_INFINITY }, 'ERR_OUT_OF_RANGE'],
  [{ price: 1 }, 'ERR_INVALID_ARG_VALUE'],
  ['backup', 'ERR_INVALID_ARG_TYPE'],
]

for (const [policy, code] of wrongPolicies) {
  for (const side of ['client', 'server'] as const) {
    t.test(`a link for which linkPolicy of the ${side} says ${JSON.stringify(policy)} is kept out`, async t => {
      const wrong = { linkPolicy: () => policy as never }
      const { server } = await listening(t, side === 'server' ? wrong : {})
      const client = new Socket(side === 'client' ? wrong : {})
      client.on('error', () => {})
      t.teardown(() => client.destroy())
      const pair = corePair()
      const error = { code, reason: 'invalid-argument' }
      const incoming = server.addLink(pair.server)
      const outgoing = client.addLink(pair.client)
      const results = await Promise.allSettled([outgoing, incoming])
      const [own, other] = side === 'client' ? results : [results[1], results[0]]
      t.match(own, { status: 'rejected', reason: error })
      t.match(other, { status: 'rejected' })
      for (const key of Object.keys(typeof policy === 'object' ? policy : {}))
        t.match((own as PromiseRejectedResult).reason.message, key)
    })
  }
}

t.test('a linkPolicy that throws keeps the link out and harms nothing else', async t => {
  const { server } = await listening(t, { allowHalfOpen: true })
  const client = new Socket({
    allowHalfOpen: true,
    linkPolicy: tag => {
      if (String(tag) === 'bad') throw new Error('no policy')
      return {}
    },
  })
  t.teardown(() => client.destroy())
  const connection = once(server, 'connection')
  const add = (tag: string) => {
    const pair = corePair()
    server.addLink(pair.server).catch(() => {})
    return client.addLink(pair.client, { tag })
  }
  await add('good')
  const told = once(client, 'linkerror')
  await t.rejects(add('bad'), { message: 'no policy' })
  t.match(await told, [{ message: 'no policy' }])
  t.equal(client.links.length, 1)
  const [accepted] = (await connection) as [Socket]
  await exchange(t, { client, accepted, near: [], far: [] })
})

t.test('what is set on a link holds at once, and what makes no sense changes nothing', async t => {
  const ends = await over(t, ['one', 'two'])
  const [one, two] = ends.near as [Link, Link]
  two.role = 'never'
  await once(ends.far[1] as Link, 'blocked')
  t.equal(two.standby, true)
  two.role = 'primary'
  await once(ends.far[1] as Link, 'blocked')
  t.equal(ends.far[1]?.remotelyBlocked, false)
  for (const [name, value] of [
    ['role', 'first'],
    ['weight', -1],
    ['rateLimit', 0],
    ['byteBudget', -1],
  ] as const) {
    t.throws(() => Object.assign(one, { [name]: value }), { reason: 'invalid-argument', message: new RegExp(name) })
  }
  t.match(one, { role: 'primary', weight: 1, rateLimit: null, byteBudget: null })
  one.byteBudget = 0
  await once(ends.far[0] as Link, 'blocked')
  t.equal(one.standby, true)
  await exchange(t, ends)
})

t.test('a scheduler of the application that throws is told of and replaced; nothing is lost', async t => {
  let calls = 0
  const schedule: Scheduler = {
    choose(links) {
      if (++calls > 5) throw new RangeError('too much')
      return links[0] ?? null
    },
  }
  const ends = await over(t, ['one', 'two'], { schedule })
  const failed = once(ends.client, 'scheduleerror')
  await exchange(t, ends)
  const [error] = await failed
  t.match(error, { code: 'ERR_INVALID_RETURN_VALUE', reason: 'scheduler-failed', cause: { message: 'too much' } })
  t.equal(ends.client.schedule, 'aggregate')
})

t.test('the example of docs/policies.md prefers one link and spills over to the others', async t => {
  const preferred: Scheduler = {
    choose(links) {
      const wired = links.find(link => link.tag.includes('eth0'))
      if (wired?.open) return wired
      const open = links.filter(link => link.open)
      return open.sort((one, other) => one.arrival - other.arrival)[0] ?? null
    },
  }
  const ends = await over(t, ['wlan0', 'eth0'], { schedule: preferred })
  ends.client.write('a small message')
  await once(ends.accepted, 'data')
  t.ok(Number(ends.near[1]?.stats.bytesSent) > Number(ends.near[0]?.stats.bytesSent))
  await exchange(t, { ...ends })
})
