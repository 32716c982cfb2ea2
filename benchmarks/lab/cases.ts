// All cases, in the order of the table of targets.

import { bothWaysCase } from './both-ways.ts'
import { competitionCase } from './competition.ts'
import { falseAlarmCase } from './false-alarms.ts'
import { cut, faultCase, mend, nothing, plug, reset, unplug } from './faults.ts'
import { rateChangeCase } from './rate-change.ts'
import { pingCase } from './saturated-ping.ts'
import type { Case } from './setup.ts'
import { throughputCase } from './throughput.ts'

const EIGHT_LINKS = [
  ...['100mbit@1ms', '80mbit@5ms', '60mbit@10ms', '50mbit@20ms'],
  ...['40mbit@30ms', '30mbit@40ms', '20mbit@60ms', '10mbit@80ms'],
]

export const cases: readonly Case[] = [
  throughputCase({ name: 'three-rates', specs: ['100mbit', '50mbit', '20mbit'], target: 0.99 }),
  throughputCase({ name: 'equal', specs: ['100mbit', '100mbit'], target: 0.99 }),
  throughputCase({ name: 'slow-long', specs: ['100mbit@5ms', '10mbit@100ms'], target: 0.98, fastLink: 1 }),
  throughputCase({ name: 'eight-links', specs: EIGHT_LINKS, target: 0.96 }),
  bothWaysCase({ name: 'both-ways', specs: ['20mbit@20ms'] }),
  rateChangeCase({ name: 'rate-change' }),
  faultCase({
    name: 'blackhole',
    title: 'one of two links blackholed',
    fault: cut,
    mend,
    runs: 10,
    silence: [
      { of: 'median', limit: 100 },
      { of: 'worst', limit: 200 },
    ],
    recovery: [{ of: 'median', limit: 300 }],
  }),
  faultCase({
    name: 'unplug',
    title: 'one of two links unplugged',
    fault: unplug,
    mend: plug,
    runs: 6,
    silence: [{ of: 'median', limit: 150 }],
  }),
  faultCase({
    name: 'reset',
    title: 'one of two links reset',
    fault: reset,
    mend: nothing,
    runs: 6,
    silence: [{ of: 'median', limit: 50 }],
  }),
  faultCase({
    name: 'comeback-cut',
    title: 'one of two links blackholed for 4 s',
    fault: cut,
    mend,
    runs: 4,
    backAfterMs: 4_000,
    comeback: [
      { of: 'median', limit: 1_000 },
      { of: 'worst', limit: 1_000 },
    ],
  }),
  faultCase({
    name: 'comeback-unplug',
    title: 'one of two links unplugged for 4 s',
    fault: unplug,
    mend: plug,
    runs: 4,
    backAfterMs: 4_000,
    comeback: [
      { of: 'median', limit: 1_000 },
      { of: 'worst', limit: 1_000 },
    ],
  }),
  falseAlarmCase({ name: 'jitter', stalls: [undefined] }),
  falseAlarmCase({ name: 'stalls', stalls: ['writer', 'reader'] }),
  pingCase({ name: 'ping-lan', spec: '20mbit' }),
  pingCase({ name: 'ping-wan', spec: '20mbit@10ms' }),
  competitionCase({ name: 'competition', spec: '50mbit@10ms' }),
]
