import t from 'tap'
import { type DialedLink, type LinkWatcher, Redialer } from '../../lib/transports/redialer.ts'
import { ManualClock, settled } from './manual-clock.ts'

class FakeLink implements DialedLink {
  readonly closed: Promise<void>
  dropped = false
  silenceLeftMs = 0
  watcher: LinkWatcher | undefined
  #lose = () => {}

  constructor() {
    this.closed = new Promise(resolve => {
      this.#lose = resolve
    })
  }

  watch(watcher: LinkWatcher): void {
    this.watcher = watcher
  }

  drop(): void {
    this.dropped = true
  }

  lose(): void {
    this.#lose()
  }
}

/** A link, and what becomes of the attempts at another one; they hang until they are aborted or `answer` is called. */
class Setup {
  readonly clock = new ManualClock()
  readonly link = new FakeLink()
  readonly attemptsMs: number[] = []
  readonly replacedBy: DialedLink[] = []
  readonly redialer: Redialer
  refuse = false
  answer: (link: DialedLink) => void = () => {}
  signal: AbortSignal | undefined

  constructor(longestAttemptMs = 10_000) {
    this.redialer = new Redialer(this.link, {
      clock: this.clock,
      longestAttemptMs,
      attempt: signal => this.#attempt(signal),
      replaced: link => this.replacedBy.push(link),
    })
  }

  silent(roundTripMs = 20): void {
    this.link.watcher?.silent(roundTripMs)
  }

  #attempt(signal: AbortSignal): Promise<DialedLink> {
    this.attemptsMs.push(this.clock.nowMs())
    this.signal = signal
    if (this.refuse) return Promise.reject(new Error('refused'))
    return new Promise((resolve, reject) => {
      this.answer = resolve
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
  }
}

t.test('a link that works is not dialed', async t => {
  const setup = new Setup()
  await setup.clock.advance(60_000)
  t.same(setup.attemptsMs, [])
})

t.test('a silent link is dialed at once, then again and again, at longer intervals the longer it is silent', async t => {
  const setup = new Setup()
  setup.silent()
  for (let second = 0; second < 60; second++) await setup.clock.advance(1_000)
  const intervals = setup.attemptsMs.slice(1).map((ms, index) => ms - (setup.attemptsMs[index] as number))
  t.equal(setup.attemptsMs[0], 0)
  t.same(intervals.slice(0, 3), [300, 300, 300])
  t.ok((intervals.at(-1) as number) > 3_000, 'an outage of a minute is looked after every few seconds')
  t.ok(
    intervals.every((ms, index) => ms <= Math.max(300, (setup.attemptsMs[index] as number) / 12) + 1),
    'a path that comes back is noticed after a twelfth of its absence',
  )
})

t.test('an attempt has time for its round trips, but not more than the longest attempt', async t => {
  const far = new Setup()
  far.silent(600)
  await far.clock.advance(3_599)
  t.equal(far.attemptsMs.length, 1)
  await far.clock.advance(2)
  t.equal(far.attemptsMs.length, 2)
  const limited = new Setup(1_000)
  limited.silent(600)
  await limited.clock.advance(1_001)
  t.equal(limited.attemptsMs.length, 2)
})

t.test('an attempt that fails at once is not repeated before its time is over', async t => {
  const setup = new Setup()
  setup.refuse = true
  setup.silent()
  await setup.clock.advance(299)
  t.equal(setup.attemptsMs.length, 1)
  await setup.clock.advance(2)
  t.equal(setup.attemptsMs.length, 2)
})

t.test('the new link takes the place of the silent one once it works', async t => {
  const setup = new Setup()
  setup.silent()
  const successor = new FakeLink()
  setup.answer(successor)
  await settled()
  t.same(setup.replacedBy, [], 'not before')
  t.notOk(setup.link.dropped)
  successor.watcher?.working()
  t.equal(setup.replacedBy[0], successor)
  t.ok(setup.link.dropped)
  t.notOk(successor.dropped)
  await setup.clock.advance(60_000)
  t.equal(setup.attemptsMs.length, 1)
})

t.test('a link that works again ends the attempt, and the new one that came too late', async t => {
  const early = new Setup()
  early.silent()
  early.link.watcher?.working()
  t.ok(early.signal?.aborted)
  await early.clock.advance(60_000)
  t.equal(early.attemptsMs.length, 1)

  const late = new Setup()
  late.silent()
  const successor = new FakeLink()
  late.answer(successor)
  await settled()
  late.link.watcher?.working()
  t.ok(successor.dropped)
  t.notOk(late.link.dropped)
  t.same(late.replacedBy, [])
})

t.test('a link that does not work but brings something is dialed once it brings nothing', async t => {
  const setup = new Setup()
  setup.link.silenceLeftMs = 500
  setup.silent()
  await setup.clock.advance(499)
  setup.link.silenceLeftMs = 200
  await setup.clock.advance(200)
  t.same(setup.attemptsMs, [], 'something came 300 ms before')
  setup.link.silenceLeftMs = 0
  await setup.clock.advance(1)
  t.same(setup.attemptsMs, [700])
  const slow = new Setup()
  slow.link.silenceLeftMs = 500
  slow.silent()
  slow.link.watcher?.working()
  slow.link.silenceLeftMs = 0
  await slow.clock.advance(60_000)
  t.same(slow.attemptsMs, [], 'not if it works again')
})

t.test('a new link whose path is gone again before it works is given up after a second, or three attempts', async t => {
  for (const [roundTripMs, trialMs] of [
    [20, 1_000],
    [100, 1_800],
  ] as const) {
    const setup = new Setup()
    setup.silent(roundTripMs)
    const successor = new FakeLink()
    setup.answer(successor)
    await setup.clock.advance(trialMs - 1)
    t.notOk(successor.dropped)
    await setup.clock.advance(1)
    t.ok(successor.dropped)
    t.notOk(setup.link.dropped, 'the silent one may still come back')
    t.same(setup.attemptsMs, [0, trialMs])
  }
})

t.test('a new link that is lost before it works is followed by another attempt', async t => {
  const setup = new Setup()
  setup.silent()
  const successor = new FakeLink()
  setup.answer(successor)
  await settled()
  successor.lose()
  await settled()
  await setup.clock.advance(301)
  t.equal(setup.attemptsMs.length, 2)
})

t.test('when the silent link is lost the new one is kept, although nobody knows whether it works', async t => {
  const setup = new Setup()
  setup.silent()
  const successor = new FakeLink()
  setup.answer(successor)
  await settled()
  t.ok(setup.redialer.lost())
  t.equal(setup.replacedBy[0], successor)
  t.notOk(successor.dropped)
})

t.test('when the silent link is lost during an attempt that one is given up', async t => {
  const setup = new Setup()
  setup.silent()
  t.notOk(setup.redialer.lost())
  t.ok(setup.signal?.aborted)
  await setup.clock.advance(60_000)
  t.equal(setup.attemptsMs.length, 1)
})

t.test('nothing happens after stop', async t => {
  const setup = new Setup()
  setup.silent()
  setup.redialer.stop()
  t.ok(setup.signal?.aborted)
  setup.silent()
  await setup.clock.advance(60_000)
  t.equal(setup.attemptsMs.length, 1)
})
