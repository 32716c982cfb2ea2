// The names of schedules and what each means.

import { aggregate } from './aggregate.ts'
import { interactive } from './interactive.ts'
import { redundant } from './redundant.ts'
import type { Scheduler } from './scheduler.ts'

/**
 * `aggregate`: all links, most bandwidth. `interactive`: lowest latency. `handover`: best link only, the others stand by.
 * `redundant`: every message over all links.
 */
export type ScheduleName = 'aggregate' | 'interactive' | 'handover' | 'redundant'

/** A name, or a scheduler of the application's own. */
export type Schedule = ScheduleName | Scheduler

/** What a schedule is made of. */
export interface SchedulePlan {
  readonly scheduler: Scheduler
  readonly linksPerMessage: number
  /** Links keep short queues and take short messages. */
  readonly shortQueues: boolean
  /** One link carries everything at a time. */
  readonly oneLink: boolean
  /** A slower link carries what comes later in the stream. */
  readonly numbersAhead: boolean
  /** Of the application: not to be trusted. */
  readonly foreign: boolean
}

const ALL = Number.POSITIVE_INFINITY
const AGGREGATE: SchedulePlan = {
  scheduler: aggregate,
  linksPerMessage: 1,
  shortQueues: false,
  oneLink: false,
  numbersAhead: true,
  foreign: false,
}

const NAMED: Readonly<Record<ScheduleName, SchedulePlan>> = {
  aggregate: AGGREGATE,
  interactive: { ...AGGREGATE, scheduler: interactive, shortQueues: true },
  handover: { ...AGGREGATE, oneLink: true },
  redundant: { ...AGGREGATE, scheduler: redundant(), linksPerMessage: ALL, numbersAhead: false },
}

export const SCHEDULE_NAMES = Object.keys(NAMED) as readonly ScheduleName[]

export function planOf(schedule: Schedule): SchedulePlan {
  if (typeof schedule === 'string') return NAMED[schedule]
  return { ...AGGREGATE, scheduler: schedule, linksPerMessage: schedule.linksPerMessage ?? 1, numbersAhead: false, foreign: true }
}
