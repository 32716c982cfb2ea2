// How long a path that was away is back before a new link over it works, for outages that meet every phase of the attempts.

import t from 'tap'
import { type DialedLink, type LinkWatcher, Redialer } from '../../lib/transports/redialer.ts'
import { ManualClock, settled } from './manual-clock.ts'

const ROUND_TRIP_MS = 20
/** The kernel sends a SYN again so long after the first one, RFC 6298 with its first timer of 1 s. */
const SYN_MS = [0, 1_000, 3_000, 7_000, 15_000]
/** Connect; Welcome comes with its answer, then Connect and Accepted, then the test. */
const ROUND_TRIPS = 4
/** As an attempt has at least. */
const SHORTEST_ATTEMPT_MS = 300
const ATTEMPT_SHARE = 1 / 12
/** From the outage to the silence that is told: of a side that writes and one that only reads. */
const NOTICED_MS = [1_000, 1_200]
const LENGTHS = 500
const FROM_MS = 1_250
const TO_MS = 10_000

/** What an attempt meets that begins while the path is away. */
type Absence =
  /** Its SYN is lost, and the next one that the kernel sends may find the path. */
  | 'cut'
  /** It fails at once. */
  | 'unplugged'
  /** It hangs for good, as behind a neighbour that does not answer. */
  | 'hanging'

/** One outage, from time 0 to `backMs`. */
class Outage {
  readonly clock = new ManualClock()
  workingMs: number | undefined
  attempts = 0
  readonly #absence: Absence
  readonly #backMs: number
  #watcher: LinkWatcher | undefined

  constructor(absence: Absence, backMs: number) {
    this.#absence = absence
    this.#backMs = backMs
    const link: DialedLink = {
      closed: new Promise(() => {}),
      watch: watcher => {
        this.#watcher = watcher
      },
    }
    new Redialer(link, {
      clock: this.clock,
      longestAttemptMs: 10_000,
      attempt: signal => this.#attempt(signal),
      replaced: () => {
        this.workingMs = this.clock.nowMs()
      },
    })
  }

  /** Returns how long the path is back when a link over it works. */
  async run(noticedMs: number): Promise<number> {
    await this.clock.advance(noticedMs)
    this.#watcher?.silent(ROUND_TRIP_MS)
    await this.clock.advance(this.#backMs + 2_000 - noticedMs)
    return (this.workingMs ?? Number.POSITIVE_INFINITY) - this.#backMs
  }

  async #attempt(signal: AbortSignal): Promise<DialedLink> {
    this.attempts++
    const beginMs = this.clock.nowMs()
    if (beginMs < this.#backMs && this.#absence === 'unplugged') throw new Error('no such address')
    const syns = this.#absence === 'cut' ? SYN_MS : [0]
    const synMs = syns.map(ms => beginMs + ms).find(ms => ms >= this.#backMs) ?? Number.POSITIVE_INFINITY
    await this.#until(synMs + (ROUND_TRIPS - 1) * ROUND_TRIP_MS, signal)
    return {
      closed: new Promise(() => {}),
      watch: watcher => void this.clock.setTimer(() => watcher.working(), ROUND_TRIP_MS),
    }
  }

  #until(timeMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.clock.setTimer(resolve, timeMs - this.clock.nowMs())
      signal.addEventListener('abort', () => {
        this.clock.clearTimer(timer)
        reject(signal.reason)
      })
    })
  }
}

for (const absence of ['cut', 'unplugged', 'hanging'] as const) {
  for (const noticedMs of NOTICED_MS) {
    const title = `${absence} for 1.25 to 10 s, noticed after ${noticedMs} ms: back after a twelfth of it or 300 ms, and four round trips`
    t.test(title, async t => {
      let worstMs = 0
      let late = 0
      for (let index = 0; index < LENGTHS; index++) {
        const backMs = FROM_MS + ((TO_MS - FROM_MS) * index) / LENGTHS
        const afterMs = await new Outage(absence, backMs).run(noticedMs)
        const mostMs = Math.max(SHORTEST_ATTEMPT_MS, (backMs - noticedMs) * ATTEMPT_SHARE) + ROUND_TRIPS * ROUND_TRIP_MS
        if (afterMs > mostMs + 1) late++
        worstMs = Math.max(worstMs, afterMs)
      }
      await settled()
      t.equal(late, 0)
      t.ok(worstMs > TO_MS * ATTEMPT_SHARE * 0.8, `every phase was met: the worst is ${worstMs.toFixed()} ms`)
    })
  }
}
