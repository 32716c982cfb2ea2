// What the schedulers of `aggregate` and `interactive` choose between a quick link that is full and a slow one that is open.

import t from 'tap'
import { aggregate } from '../../../lib/engine/schedulers/aggregate.ts'
import { interactive } from '../../../lib/engine/schedulers/interactive.ts'
import type { Demand, ScheduledLink } from '../../../lib/engine/schedulers/scheduler.ts'

const likeAny: ScheduledLink = {
  id: 1,
  tag: '',
  role: 'primary',
  weight: 1,
  open: true,
  arrival: 0,
  ready: 0,
  arrivalDeviation: 0,
  inFlight: 0,
  window: 0,
  deliveryRate: 0,
  roundTrip: 0,
  roundTripDeviation: 0,
  minRoundTrip: 0,
}
const quick: ScheduledLink = { ...likeAny, id: 1, open: false, arrival: 12, ready: 10, deliveryRate: 1_000_000 }
/** Until the message is there the quick link carries 90,000 bytes, and 100,000 until it surely is. */
const slow: ScheduledLink = { ...likeAny, id: 2, arrival: 100, ready: 90, arrivalDeviation: 5, deliveryRate: 100_000 }
const links = [quick, slow]
const PLENTY = 10_000_000
const demand = (parts: Partial<Demand>): Demand => ({ waiting: PLENTY, more: true, credit: PLENTY, ...parts })

t.test('in bulk every open link is used, the one where the message arrives first before the others', async t => {
  t.equal(aggregate.choose(links, demand({})), slow)
  t.equal(aggregate.choose([slow, { ...quick, open: true }], demand({}))?.id, quick.id)
  t.equal(aggregate.choose([quick], demand({})), null)
})

t.test('the last bytes wait for a quick link that is done with them before a slow one', async t => {
  t.equal(aggregate.choose(links, demand({ more: false, waiting: 89_999 })), null)
  t.equal(aggregate.choose(links, demand({ more: false, waiting: 90_000 })), slow)
  t.equal(aggregate.choose(links, demand({ more: true, waiting: 1 })), slow, 'more will follow')
})

t.test('credit that a quick link can use is not spent on a slow one', async t => {
  t.equal(aggregate.choose(links, demand({ credit: 99_999 })), null)
  t.equal(aggregate.choose(links, demand({ credit: 100_000 })), slow)
})

t.test('under interactive what waits never counts as endless', async t => {
  t.equal(interactive.choose(links, demand({ more: true, waiting: 89_999 })), null)
  t.equal(interactive.choose(links, demand({ more: true, waiting: 90_000 })), slow)
})
