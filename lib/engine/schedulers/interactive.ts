// Lowest latency: what waits never counts as endless, so a message waits for a quick link rather than taking a slow one.
// Links keep shorter queues and take shorter messages meanwhile, see `path-model.ts`.

import { aggregate } from './aggregate.ts'
import type { Demand, ScheduledLink, Scheduler } from './scheduler.ts'

const finite = { waiting: 0, more: false, credit: 0 }

export const interactive: Scheduler = {
  choose(links: readonly ScheduledLink[], demand: Demand) {
    finite.waiting = demand.waiting
    finite.credit = demand.credit
    return aggregate.choose(links, finite)
  },
}
