// One of two almost like paths is away for some 4 s in a transfer and comes back: how soon it is used again, whoever writes and whichever of
// the two it is. The client dials it anew as over TCP: the old socket carries again only when its retransmission timer, which
// doubles each time, has fired after the return, and a SYN that was lost is sent again after 1 and 3 s.

import t from 'tap'
import { Redialer } from '../../../lib/transports/redialer.ts'
import { path, rateOf } from '../link-shapes.ts'
import type { Side } from '../simulated-link.ts'
import { SimulatedPair } from '../simulated-pair.ts'

const ROUND_TRIP_MS = 20
/** What a reader tells the writer goes over the quicker one only. */
const SHAPES = [path(50, ROUND_TRIP_MS), path(50, ROUND_TRIP_MS + 1)]
const FULL_RATE = SHAPES.reduce((sum, shape) => sum + rateOf(shape), 0)
const WARM_MS = 1_000
/** Of the old socket, as the kernel begins with it. */
const RETRANSMIT_MS = 260
const SYN_MS = [0, 1_000, 3_000]
/** Connect, Welcome with its answer, Connect and Accepted; the test of the link is the engines'. */
const HANDSHAKE_ROUND_TRIPS = 3
/** Outages, so that the return meets attempts of every age. */
const LEAST_AWAY_MS = 3_900
const MOST_AWAY_MS = 4_250
const OUTAGES = 8
const STEP_MS = 5
const WINDOW_MS = 100
const WINDOWS = 3

/** The client's path `dead` is away from now on for `awayMs`, and is dialed anew while it is silent. */
function dialAnew(pair: SimulatedPair, dead: number, awayMs: number): () => void {
  const { clock, client } = pair
  const backMs = clock.nowMs + awayMs
  let retransmitMs = RETRANSMIT_MS
  while (clock.nowMs + retransmitMs < backMs) retransmitMs = 2 * retransmitMs + RETRANSMIT_MS
  pair.pause(dead, retransmitMs)
  let silent = (_roundTripMs: number): void => {}
  const old = {
    closed: new Promise(() => {}),
    watch: (watcher: { silent(roundTripMs: number): void }) => {
      silent = roundTripMs => watcher.silent(roundTripMs)
    },
    drop: () => pair.reset(dead),
  }
  const attempt = (signal: AbortSignal): Promise<{ closed: Promise<never>; watch(watcher: { working(): void }): void }> =>
    new Promise((resolve, reject) => {
      const synMs = SYN_MS.map(ms => clock.nowMs + ms).find(ms => ms >= backMs) ?? Number.POSITIVE_INFINITY
      const joined = clock.at(synMs + HANDSHAKE_ROUND_TRIPS * ROUND_TRIP_MS, () => {
        const index = pair.addLink(SHAPES[dead])
        resolve({
          closed: new Promise(() => {}),
          watch: watcher => {
            const look = () => void (client.isWorking(index) ? watcher.working() : clock.after(1, look))
            look()
          },
        })
      })
      signal.addEventListener('abort', () => {
        clock.cancel(joined)
        reject(signal.reason)
      })
    })
  new Redialer(old, {
    clock: {
      setTimer: (callback, ms) => clock.after(ms, callback),
      clearTimer: timer => timer !== undefined && clock.cancel(timer as ReturnType<typeof clock.after>),
      nowMs: () => clock.nowMs,
    },
    longestAttemptMs: 10_000,
    attempt,
    replaced: () => {},
  })
  let told = 0
  return () => {
    const changes = client.changes(dead)
    for (; told < changes.length; told++) if (changes[told]?.reason === 'ack-timeout') silent(ROUND_TRIP_MS)
  }
}

/** Time from the return until 85 % of what both paths carry, for three times 100 ms. */
async function comeback(writer: Side, dead: number, awayMs: number): Promise<number> {
  const pair = new SimulatedPair({ seed: 1 + dead, links: SHAPES })
  const reader = writer === 'client' ? pair.server : pair.client
  pair[writer].write(10_000 * FULL_RATE)
  pair.runUntil(WARM_MS)
  const look = dialAnew(pair, dead, awayMs)
  const backMs = WARM_MS + awayMs
  const windows = (WINDOW_MS * WINDOWS) / STEP_MS
  const read: number[] = []
  while (pair.nowMs < backMs + 3_000) {
    pair.runFor(STEP_MS)
    look()
    await new Promise(resolve => setImmediate(resolve))
    if (pair.nowMs < backMs) continue
    read.push(reader.readBytes)
    const first = read.length - 1 - windows
    if (first < 0) continue
    const reached = Array.from({ length: WINDOWS }, (_, index) => {
      const at = first + (index * WINDOW_MS) / STEP_MS
      return (read[at + WINDOW_MS / STEP_MS] as number) - (read[at] as number) >= 0.85 * WINDOW_MS * FULL_RATE
    })
    if (reached.every(Boolean)) return pair.nowMs - WINDOWS * WINDOW_MS - backMs
  }
  return Number.POSITIVE_INFINITY
}

for (const writer of ['client', 'server'] as const) {
  for (const dead of [0, 1]) {
    t.test(
      `path ${dead} is away for 4 s while the ${writer} writes: 85 % of the whole rate within 1 s of its return`,
      async t => {
        const all: number[] = []
        for (let index = 0; index < OUTAGES; index++) {
          all.push(await comeback(writer, dead, LEAST_AWAY_MS + ((MOST_AWAY_MS - LEAST_AWAY_MS) * index) / OUTAGES))
        }
        const text = all.map(ms => ms.toFixed()).join(', ')
        t.ok(Math.max(...all) <= 1_000, `${text} ms`)
        t.ok(Math.max(...all) - Math.min(...all) >= 150, 'the return met attempts of different age')
      },
    )
  }
}
