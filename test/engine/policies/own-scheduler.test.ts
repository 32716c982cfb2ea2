import t from 'tap'
import type { Demand, ScheduledLink, Scheduler } from '../../../lib/engine/schedulers/scheduler.ts'
import { path } from '../../simulation/link-shapes.ts'
import { SimulatedPair } from '../../simulation/simulated-pair.ts'
import { SingleEngine } from '../../simulation/single-engine.ts'

t.test('a scheduler gets the links that may carry data and what is to be sent, and its choice holds', async t => {
  const single = new SingleEngine({ remoteRecvBuffer: 500_000 })
  const links = [10, 20, 30, 40].map(roundTripMs => single.addWorkingLink({ roundTripMs }))
  const asked: { ids: number[]; demand: Demand; seen: ScheduledLink }[] = []
  const last: Scheduler = {
    choose(shown, demand) {
      const { waiting, more, credit } = demand
      const seen = shown.at(-1) as ScheduledLink
      asked.push({ ids: shown.map(({ id }) => id), demand: { waiting, more, credit }, seen })
      return seen
    },
  }
  single.do((engine, nowMs) => {
    engine.setSchedule(last, nowMs)
    engine.setBlocked(links[3] as never, true, nowMs)
    engine.setPolicy(links[0] as never, { role: 'never', weight: 1, rateLimit: null, byteBudget: null }, nowMs)
  })
  single.advance(2_000)
  single.forget()
  single.write(1_000)
  t.same(single.sequencesOn(links[2] as never), [0])
  t.match(asked[0], {
    ids: [links[1]?.id, links[2]?.id],
    demand: { waiting: 1_000, more: false, credit: 500_000 },
    seen: { role: 'primary', weight: 1, open: true, inFlight: 1_025, deliveryRate: 0 },
  })
  const { seen } = asked[0] as (typeof asked)[0]
  t.ok(seen.roundTrip >= 30 && seen.minRoundTrip >= 30 && seen.arrival >= 15 && seen.ready <= seen.arrival)
  t.notOk('path' in seen, 'views show nothing else')
})

for (const [what, choose] of [
  [
    'throws',
    () => {
      throw new TypeError('oops')
    },
  ],
  ['returns something else', () => ({ open: true })],
  ['returns undefined', () => undefined],
  ['empties its list and returns nonsense', (links: unknown[]) => links.splice(0).length],
] as const) {
  t.test(`a scheduler that ${what} loses nothing: it is reported and replaced`, async t => {
    const pair = new SimulatedPair({ seed: 1, links: [path(20, 10), path(20, 20)] })
    pair.runUntil(1_000)
    const errors: Error[] = []
    const { engine } = pair.client
    const take = engine.takeEvent.bind(engine)
    engine.takeEvent = () => {
      const event = take()
      if (event?.kind === 'schedulerFailed') errors.push(event.error)
      return event
    }
    pair.client.setSchedule({ choose } as unknown as Scheduler)
    pair.client.write(2_000_000)
    pair.runUntilIdle({ limitMs: 10_000 })
    t.equal(pair.server.readBytes, 2_000_000)
    t.equal(errors.length, 1, 'told once')
    t.match(errors[0], { code: 'ERR_INVALID_RETURN_VALUE', reason: 'scheduler-failed' })
    if (what === 'throws') t.match(errors[0]?.cause, { message: 'oops' })
  })
}

t.test('a scheduler that answers null is asked again, though nothing happens on any link', async t => {
  const single = new SingleEngine()
  const link = single.addWorkingLink()
  let wanted = false
  single.do((engine, nowMs) => engine.setSchedule({ choose: links => (wanted ? (links[0] ?? null) : null) }, nowMs))
  single.write(1_000)
  single.advance(5_000)
  t.same(single.sequencesOn(link), [])
  wanted = true
  single.advance(20)
  t.same(single.sequencesOn(link), [0])
})

t.test('a link that is not open is waited for', async t => {
  const pair = new SimulatedPair({
    seed: 1,
    links: [path(20, 10), path(20, 20)],
    schedule: { client: { choose: links => links[0] ?? null } },
  })
  pair.client.write(3_000_000)
  pair.runUntilIdle({ limitMs: 20_000 })
  t.equal(pair.server.readBytes, 3_000_000)
  t.ok(pair.auditor.traffic('client', 1).newBytes <= 100_000, 'the other is used only while the first is not there')
})

t.test('a link that takes nothing gets nothing, whatever the scheduler says', async t => {
  const single = new SingleEngine()
  const links = [10, 20].map(roundTripMs => single.addWorkingLink({ roundTripMs }))
  const [first] = links as [(typeof links)[0]]
  single.do((engine, nowMs) => {
    engine.setSchedule({ choose: shown => shown.find(({ id }) => id === first.id) ?? null }, nowMs)
    engine.setWritable(first, false, nowMs)
  })
  single.forget()
  single.write(1_000)
  single.advance(100)
  t.same(
    links.map(link => single.sequencesOn(link).length),
    [0, 0],
  )
  single.do((engine, nowMs) => engine.setWritable(first, true, nowMs))
  t.same(
    links.map(link => single.sequencesOn(link).length),
    [1, 0],
  )
})

t.test('a scheduler may have each message on several links', async t => {
  const single = new SingleEngine()
  const links = [0, 1, 2].map(() => single.addWorkingLink())
  single.do((engine, nowMs) => engine.setSchedule({ choose: shown => shown[2] ?? null, linksPerMessage: 2 }, nowMs))
  single.advance(2_000)
  single.write(1_000)
  t.same(single.sequencesOn(links[2] as never), [0])
  t.equal(links.filter(link => single.sequencesOn(link).length === 1).length, 2)
})
