import { getEventListeners } from 'node:events'
import t from 'tap'
import type { Duplex } from '#platform/stream'
import { HawserError } from '../../lib/errors.ts'
import { type DialedLink, Dialer, MAX_DIALS, MAX_TAGS } from '../../lib/transports/dialer.ts'
import type { LinkWatcher } from '../../lib/transports/redialer.ts'
import type { LinkTag } from '../../lib/transports/transport.ts'
import { FakeTransport } from './fake-transport.ts'
import { ManualClock, settled } from './manual-clock.ts'

const DELAY = 10_000

/** A dialer over fake transports, and a record of all that it said. */
class Setup {
  readonly clock = new ManualClock()
  readonly dialer: Dialer
  readonly errors: string[] = []
  readonly initialFailures: (readonly Error[])[] = []
  /** Links that are up, by key. */
  readonly links = new Map<string, { readonly stream: Duplex; readonly lose: () => void }>()
  /** Who wants to know whether a link works, oldest first. */
  readonly watchers: LinkWatcher[] = []
  /** Keys of links that were taken away because another one had taken their place. */
  readonly dropped: string[] = []
  /** What the handshake makes of a tag; by default it succeeds. */
  handshake: (key: string) => Error | undefined = () => undefined

  constructor(transports: FakeTransport[], options: { attemptTimeout?: number; reconnectDelay?: number } = {}) {
    this.dialer = new Dialer({
      transports,
      clock: this.clock,
      ...options,
      establish: (stream, tag) => this.#establish(stream, tag),
      onError: (error, tag) => this.errors.push(`${tag?.key}: ${error.message}`),
      onInitialFailure: errors => this.initialFailures.push(errors),
    })
  }

  async start(): Promise<this> {
    this.dialer.start()
    await settled()
    return this
  }

  async lose(key: string): Promise<void> {
    this.links.get(key)?.lose()
    await settled()
  }

  async #establish(stream: Duplex, { key }: LinkTag): Promise<DialedLink> {
    const error = this.handshake(key)
    if (error) throw error
    const closed = new Promise<void>(resolve => {
      const lose = () => {
        this.links.delete(key)
        resolve()
      }
      this.links.set(key, { stream, lose })
    })
    return {
      closed,
      watch: watcher => this.watchers.push(watcher),
      drop: () => this.dropped.push(key),
    }
  }
}

const refused = () => new HawserError('ECONNREFUSED', 'link-refused', 'redundant')

t.test('every tag is dialed as soon as it is listed', async t => {
  const transport = new FakeTransport('a', 'b')
  const setup = await new Setup([transport]).start()
  t.same([...setup.links.keys()], ['a', 'b'])
  transport.list(['a', 'b', 'c'])
  await settled()
  t.same(transport.attempts, ['a', 'b', 'c'], 'those that exist are left alone')
  t.same(
    setup.dialer.tags.map(tag => tag.key),
    ['a', 'b', 'c'],
  )
})

t.test('a tag that failed is tried again after 0.5 to 1.5 times the reconnect delay', async t => {
  for (const [chance, delay] of [
    [0, DELAY / 2],
    [0.999, 1.499 * DELAY],
  ] as const) {
    const transport = new FakeTransport('a')
    transport.outcome = () => new Error('no route')
    const setup = new Setup([transport])
    setup.clock.chance = chance
    await setup.start()
    t.same(setup.errors, ['a: no route'])
    await setup.clock.advance(delay - 1)
    t.equal(transport.attempts.length, 1)
    transport.outcome = () => undefined
    await setup.clock.advance(2)
    t.equal(transport.attempts.length, 2)
    t.ok(setup.links.has('a'))
  }
})

t.test('a failed handshake counts as a failure and its stream is destroyed', async t => {
  const transport = new FakeTransport('a')
  const setup = new Setup([transport])
  setup.handshake = () => new Error('not the protocol')
  await setup.start()
  t.same(setup.errors, ['a: not the protocol'])
  t.ok(transport.streams[0]?.destroyed)
  setup.handshake = () => undefined
  await setup.clock.advance(DELAY)
  t.ok(setup.links.has('a'))
})

t.test('a link lost early waits for the reconnect delay', async t => {
  const transport = new FakeTransport('a')
  const setup = await new Setup([transport]).start()
  await setup.clock.advance(DELAY - 1)
  await setup.lose('a')
  await setup.clock.advance(DELAY - 1)
  t.equal(transport.attempts.length, 1)
  await setup.clock.advance(1)
  t.equal(transport.attempts.length, 2)
  t.same(setup.errors, [], 'losses are not reported here')
})

t.test('a link lost after a long life is tried again within a second, but only once', async t => {
  const transport = new FakeTransport('a')
  const setup = await new Setup([transport]).start()
  await setup.clock.advance(DELAY)
  await setup.lose('a')
  t.equal(transport.attempts.length, 1, 'not at once')
  transport.outcome = () => new Error('down')
  await setup.clock.advance(1_000)
  t.equal(transport.attempts.length, 2)
  await setup.clock.advance(DELAY - 1_000)
  t.equal(transport.attempts.length, 2)
  await setup.clock.advance(1_000)
  t.equal(transport.attempts.length, 3)
})

t.test('a path that resets every link at once is dialed no more than a few times a minute', async t => {
  const transport = new FakeTransport('a', 'b')
  const setup = await new Setup([transport], { reconnectDelay: DELAY }).start()
  for (let second = 0; second < 600; second++) {
    await setup.lose('a')
    await setup.clock.advance(1_000)
  }
  const attempts = transport.attempts.filter(key => key === 'a').length
  t.ok(attempts > 50 && attempts < 70, `${attempts} attempts in 10 minutes`)
  t.equal(transport.attempts.filter(key => key === 'b').length, 1, 'the other link is left alone')
})

t.test('a reconnect delay of 0 is no tight loop', async t => {
  const transport = new FakeTransport('a')
  transport.outcome = () => new Error('down')
  const setup = await new Setup([transport], { reconnectDelay: 0 }).start()
  await setup.clock.advance(1_000)
  t.ok(transport.attempts.length <= 101, `${transport.attempts.length} attempts in a second`)
})

t.test('a tag that a filter refused is tried again when another link is lost', async t => {
  const transport = new FakeTransport('a', 'b')
  const setup = new Setup([transport])
  setup.handshake = key => (key === 'b' && setup.links.has('a') ? refused() : undefined)
  await setup.start()
  t.same([...setup.links.keys()], ['a'])
  await setup.clock.advance(3_000)
  await setup.lose('a')
  await setup.clock.advance(1_000)
  t.same([...setup.links.keys()], ['b'])
})

t.test('a tag that a filter refused is tried again when the tags change', async t => {
  const transport = new FakeTransport('a', 'b')
  const setup = new Setup([transport])
  setup.handshake = key => (key === 'b' ? refused() : undefined)
  await setup.start()
  transport.list(['b'])
  await setup.clock.advance(1_000)
  t.same(transport.attempts, ['a', 'b', 'b'])
})

t.test('a tag that filters keep refusing is tried less and less often', async t => {
  const transport = new FakeTransport('a')
  const setup = new Setup([transport])
  setup.handshake = refused
  await setup.start()
  await setup.clock.advance(DELAY)
  t.equal(transport.attempts.length, 2)
  await setup.clock.advance(DELAY)
  t.equal(transport.attempts.length, 2)
  await setup.clock.advance(DELAY)
  t.equal(transport.attempts.length, 3)
  await setup.clock.advance(3_600_000)
  t.ok(transport.attempts.length < 20, `${transport.attempts.length} attempts in an hour`)
  t.ok(transport.attempts.length > 12, 'but does not give up')
})

t.test('a tag that is listed no more is not dialed again', async t => {
  const transport = new FakeTransport('failed', 'linked', 'hanging')
  transport.outcome = key => (key === 'failed' ? new Error('down') : key === 'hanging' ? 'never' : undefined)
  const setup = await new Setup([transport]).start()
  transport.list(['other'])
  await settled()
  t.ok(transport.signals[2]?.aborted, 'the attempt under way is given up')
  t.ok(setup.links.has('linked'), 'the link that exists stays')
  for (const release of transport.release) release()
  await setup.lose('linked')
  await setup.clock.advance(10 * DELAY)
  t.same(transport.attempts, ['failed', 'linked', 'hanging', 'other'])
  t.same(setup.errors, ['failed: down'], 'giving up is no error')
  t.ok(transport.streams[1]?.destroyed, 'a stream that comes too late is destroyed')
})

t.test('a tag that is listed again while its link still exists is dialed when that is lost', async t => {
  const transport = new FakeTransport('a')
  const setup = await new Setup([transport]).start()
  transport.list([])
  await settled()
  transport.list(['a'])
  await setup.lose('a')
  await setup.clock.advance(DELAY)
  t.same(transport.attempts, ['a', 'a'])
})

t.test('a listing that fails is reported and begun again after the reconnect delay', async t => {
  const transport = new FakeTransport('a')
  const setup = await new Setup([transport]).start()
  transport.list(new Error('no resolver'))
  await settled()
  t.same(setup.errors, ['undefined: no resolver'])
  t.equal(transport.listings, 1)
  await setup.clock.advance(DELAY)
  t.equal(transport.listings, 2)
  transport.list(['b'])
  await settled()
  t.same([...setup.links.keys()], ['a', 'b'])
})

t.test('a disabled tag is not dialed until it is enabled', async t => {
  const transport = new FakeTransport('linked', 'failed', 'hanging')
  transport.outcome = key => (key === 'failed' ? new Error('down') : key === 'hanging' ? 'never' : undefined)
  const setup = await new Setup([transport]).start()
  for (const key of ['linked', 'failed', 'hanging', 'later']) setup.dialer.disable(key)
  t.ok(setup.links.has('linked'), 'the link that exists is for its owner to close')
  await setup.lose('linked')
  transport.list(['linked', 'failed', 'hanging', 'later'])
  await setup.clock.advance(10 * DELAY)
  t.same(transport.attempts, ['linked', 'failed', 'hanging'])
  t.equal(setup.clock.timers, 0)
  for (const key of ['linked', 'later', 'unknown']) setup.dialer.enable(key)
  await settled()
  t.same(transport.attempts.slice(3), ['linked', 'later'])
})

t.test('no way through is told once, with the last error of every tag and transport', async t => {
  const transports = [new FakeTransport('a', 'b'), new FakeTransport()]
  transports[0]!.outcome = key => new Error(`${key} is down`)
  const setup = await new Setup(transports).start()
  t.same(setup.initialFailures, [], 'the second transport has not told its tags')
  transports[1]!.list(new Error('no resolver'))
  await settled()
  const told = setup.initialFailures.map(errors => errors.map(error => error.message).sort())
  t.same(told, [['a is down', 'b is down', 'no resolver']])
  await setup.clock.advance(10 * DELAY)
  t.equal(setup.initialFailures.length, 1)
  t.ok(transports[0]!.attempts.length > 10, 'dialing goes on')
})

t.test('a transport without any tags is a failure without errors', async t => {
  const transport = new FakeTransport()
  transport.list([])
  const setup = await new Setup([transport]).start()
  t.same(setup.initialFailures, [[]])
})

t.test('one link that came up is no initial failure, even if it is lost later', async t => {
  const transport = new FakeTransport('a', 'b')
  transport.outcome = key => (key === 'a' ? new Error('down') : undefined)
  const setup = await new Setup([transport]).start()
  transport.outcome = () => new Error('down')
  await setup.lose('b')
  await setup.clock.advance(3 * DELAY)
  t.same(setup.initialFailures, [])
})

t.test('a tag that vanishes while it is the last one tried leaves an initial failure', async t => {
  const transport = new FakeTransport('a', 'b')
  transport.outcome = key => (key === 'a' ? new Error('down') : 'never')
  const setup = await new Setup([transport]).start()
  t.same(setup.initialFailures, [])
  transport.list(['a'])
  await settled()
  t.equal(setup.initialFailures.length, 1)
})

t.test('an attempt that hangs ends at its time limit even if the transport ignores its signal', async t => {
  const transport = new FakeTransport('a')
  transport.outcome = () => 'never'
  const setup = await new Setup([transport], { attemptTimeout: 5_000 }).start()
  await setup.clock.advance(4_999)
  t.same(setup.initialFailures, [])
  await setup.clock.advance(1)
  t.match(setup.initialFailures, [[{ code: 'ETIMEDOUT', reason: 'connect-timeout' }]])
  transport.release[0]?.()
  await settled()
  t.ok(transport.streams[0]?.destroyed, 'a stream that comes too late is destroyed')
  t.notOk(setup.links.has('a'))
})

t.test('only so many attempts are under way at once', async t => {
  const keys = Array.from({ length: 3 * MAX_DIALS }, (_, index) => `tag ${index}`)
  const transport = new FakeTransport(...keys)
  transport.outcome = () => 'never'
  const setup = await new Setup([transport]).start()
  t.equal(transport.attempts.length, MAX_DIALS)
  transport.release[0]?.()
  await settled()
  t.equal(transport.attempts.length, MAX_DIALS + 1)
  await setup.clock.advance(200_000)
  t.same([...new Set(transport.attempts)], keys, 'all get their turn')
  setup.dialer.stop()
})

t.test('only so many tags are taken', async t => {
  const transport = new FakeTransport(...Array.from({ length: 2 * MAX_TAGS }, (_, index) => `tag ${index}`))
  const setup = await new Setup([transport]).start()
  t.equal(setup.dialer.tags.length, MAX_TAGS)
  t.equal(setup.links.size, MAX_TAGS)
})

t.test('a key that two transports list is dialed once, by the first, and by the second if that drops it', async t => {
  const transports = [new FakeTransport('a'), new FakeTransport('a')]
  const setup = await new Setup(transports).start()
  t.same([transports[0]!.attempts, transports[1]!.attempts], [['a'], []])
  transports[0]!.list([])
  await setup.lose('a')
  await setup.clock.advance(DELAY)
  t.same([transports[0]!.attempts, transports[1]!.attempts], [['a'], ['a']])
})

t.test('stop ends everything under way and leaves neither timers nor listeners', async t => {
  const transport = new FakeTransport('linked', 'failed', 'hanging')
  transport.outcome = key => (key === 'failed' ? new Error('down') : key === 'hanging' ? 'never' : undefined)
  const setup = await new Setup([transport]).start()
  const link = setup.links.get('linked')
  setup.dialer.stop()
  setup.dialer.stop()
  t.equal(setup.clock.timers, 0)
  await settled()
  t.ok(transport.signals[2]?.aborted)
  for (const signal of transport.signals) t.equal(getEventListeners(signal, 'abort').length, 0)
  t.notOk(link?.stream.destroyed, 'links that exist are left alone')
  for (const release of transport.release) release()
  await setup.lose('linked')
  setup.dialer.enable('linked')
  setup.dialer.disable('linked')
  transport.list(['more'])
  await setup.clock.advance(10 * DELAY)
  t.same(transport.attempts, ['linked', 'failed', 'hanging'])
  t.equal(setup.clock.timers, 0)
  t.same(setup.errors, ['failed: down'])
  t.same(setup.initialFailures, [])
})

t.test('stop from inside a callback leaves no timer', async t => {
  for (const keys of [['a'], new Error('no resolver')]) {
    const transport = new FakeTransport()
    transport.outcome = () => new Error('down')
    transport.list(keys)
    const setup = new Setup([transport])
    setup.initialFailures.push = () => {
      setup.dialer.stop()
      return 0
    }
    await setup.start()
    t.equal(setup.errors.length, 1)
    t.equal(setup.clock.timers, 0)
  }
})

t.test('stop before start dials nothing', async t => {
  const transport = new FakeTransport('a')
  const setup = new Setup([transport])
  setup.dialer.stop()
  await setup.start()
  t.equal(transport.listings, 0)
})

t.test('its timers keep the process alive only while referenced', async t => {
  const transport = new FakeTransport('a')
  transport.outcome = () => new Error('down')
  const setup = await new Setup([transport]).start()
  t.equal(setup.clock.referencedTimers, 1)
  setup.dialer.unref()
  t.equal(setup.clock.referencedTimers, 0)
  await setup.clock.advance(DELAY)
  t.equal(setup.clock.timers, 1)
  t.equal(setup.clock.referencedTimers, 0, 'new ones neither')
  setup.dialer.ref()
  t.equal(setup.clock.referencedTimers, 1)
})

t.test('an error of a stream that nobody listens to is swallowed', async t => {
  const transport = new FakeTransport('a')
  const setup = await new Setup([transport]).start()
  setup.links.get('a')?.stream.destroy(new Error('late'))
  await settled()
  t.ok(transport.streams[0]?.destroyed)
})

t.test('a transport that throws instead of rejecting is reported the same', async t => {
  const transport = new FakeTransport('a')
  transport.connect = () => {
    throw new Error('thrown')
  }
  const setup = await new Setup([transport]).start()
  t.same(setup.errors, ['a: thrown'])
})

t.test('the tag of a silent link is dialed anew beside it, and the new link has the place of the old one', async t => {
  const transport = new FakeTransport('a')
  const setup = await new Setup([transport]).start()
  const loseOld = setup.links.get('a')?.lose
  setup.watchers[0]?.silent(20)
  await settled()
  t.same(transport.attempts, ['a', 'a'])
  setup.watchers[1]?.working()
  t.same(setup.dropped, ['a'])
  loseOld?.()
  await setup.clock.advance(2 * DELAY)
  t.equal(transport.attempts.length, 2, 'that the old one is gone then is no loss')
  t.same(setup.errors, [])
  setup.watchers.at(-1)?.silent(20)
  await settled()
  t.equal(transport.attempts.length, 3, 'the new one is watched as well')
})

t.test('attempts for a silent link that fail are not reported, nor made for a tag that is disabled', async t => {
  const transport = new FakeTransport('a')
  const setup = await new Setup([transport]).start()
  transport.outcome = () => new Error('no route')
  setup.watchers[0]?.silent(20)
  await setup.clock.advance(1_000)
  t.equal(transport.attempts.length, 5)
  t.same(setup.errors, [])
  setup.dialer.disable('a')
  await setup.clock.advance(1_000)
  t.equal(transport.attempts.length, 5)
})
