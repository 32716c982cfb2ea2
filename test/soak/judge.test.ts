// A judge of what both sides of a connection tell must find whatever is wrong with it.

import t from 'tap'
import { Judge } from './judge.ts'
import type { SideOutcome } from './outcome.ts'
import type { EndingKind, LifePlan } from './plan.ts'

const side = { bytes: 1_000, burstBytes: null, readBurstBytes: null, pauseMs: 20, ending: 'end', answers: false } as const
const plan: LifePlan = { life: 7, seed: 1, server: 'steady', allowHalfOpen: true, client: side, accepted: side }
const good = {
  life: 7,
  connected: true,
  wrote: 1_000,
  finished: true,
  read: 1_000,
  wrongAt: null,
  ended: true,
  error: null,
  hadError: false,
  mistakes: [],
} as const

interface Told {
  readonly client?: Partial<SideOutcome> | null
  readonly accepted?: Partial<SideOutcome> | null
  readonly ending?: EndingKind
  readonly server?: LifePlan['server']
}

/** What the judge says of a connection that went as told; `null`: that side told nothing. */
function mistakesOf({ client = {}, accepted = {}, ending = 'end', server = 'steady' }: Told): readonly string[] {
  const judge = new Judge()
  judge.begun({ ...plan, server, client: { ...side, ending } })
  if (client) judge.outcome({ ...good, side: 'client', ...client })
  if (accepted) judge.outcome({ ...good, side: 'accepted', ...accepted })
  judge.finish()
  return judge.mistakes
}

const failed = (code: string, reason: string) => ({ error: { code, reason, message: code }, hadError: true })
const terminated = failed('ECONNRESET', 'terminated')

t.test('a connection whose sides both ended in order is right', async t => {
  t.same(mistakesOf({}), [])
})

t.test('what a planned end by force brings is right', async t => {
  const cut = { ended: false, finished: false }
  t.same(mistakesOf({ ending: 'terminate', client: cut, accepted: { ...cut, ...terminated, read: 400 } }), [])
  t.same(mistakesOf({ ending: 'destroy', client: cut, accepted: { ...failed('EPIPE', 'closed-by-peer'), read: 1_000 } }), [])
  t.same(mistakesOf({ ending: 'terminate', client: cut, accepted: null }), [], 'also before anything arrived')
})

t.test('a client that found no way is right, with an error of the network', async t => {
  const client = {
    connected: false,
    ended: false,
    finished: false,
    read: 0,
    error: { code: 'ECONNREFUSED', reason: null, message: '' },
  }
  t.same(mistakesOf({ client: { ...client, hadError: true }, accepted: null }), [])
})

t.test('a client whose server was killed is right', async t => {
  const client = { ...failed('ECONNRESET', 'server-id-mismatch'), ended: false, read: 10 }
  t.same(mistakesOf({ server: 'mortal', client, accepted: null }), [])
})

const wrong: readonly (readonly [string, Told])[] = [
  ['a wrong byte', { client: { wrongAt: 12 } }],
  ['an end before all bytes', { accepted: { read: 999 } }],
  ['an end before all bytes of a socket that was destroyed', { ending: 'destroy', accepted: { read: 999 } }],
  ['bytes that nobody wrote', { client: { read: 1_001 } }],
  ['no end', { accepted: { ended: false } }],
  ['no finish', { client: { finished: false } }],
  ['an error that was not due', { client: terminated }],
  ['an error that another ending would bring', { ending: 'terminate', accepted: failed('EPROTO', 'protocol-error') }],
  ['an error without a code', { client: { error: { code: null, reason: 'terminated', message: 'bug' }, hadError: true } }],
  ['close that does not tell of the error', { ending: 'terminate', accepted: { ...terminated, hadError: false } }],
  ['events after close', { accepted: { mistakes: ['data after close'] } }],
  ['a client that never closed', { client: null }],
  ['a connection that its server never heard of', { accepted: null }],
  ['a bug while connecting', { client: { connected: false, ...failed('ERR_INTERNAL', 'bug') }, accepted: null }],
  ['an end before all bytes of a server that was killed', { server: 'mortal', client: { read: 999 }, accepted: null }],
]
for (const [what, told] of wrong) {
  t.test(`${what} is a mistake`, async t => {
    t.not(mistakesOf(told).length, 0)
  })
}

t.test('a connection that was left before its plan may only end as such do', async t => {
  const judge = new Judge()
  judge.unclaimed(null)
  judge.unclaimed(terminated.error)
  t.same(judge.mistakes, [])
  judge.unclaimed({ code: 'EPROTO', reason: 'protocol-error', message: 'EPROTO' })
  t.equal(judge.mistakes.length, 1)
})
