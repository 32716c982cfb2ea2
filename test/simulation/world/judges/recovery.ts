// Judge of links that recover (threat model, L5): a link whose path works again works again itself within a time that can be
// computed, unless it is given up before; and one that is blocked is not given up for being silent.

import type { EngineLink } from '../../../../lib/engine/engine-link.ts'
import type { LinkCloseReason } from '../../../../lib/engine/events.ts'
import type { PipeShape } from '../../simulated-pipe.ts'
import type { PathPlan } from '../path.ts'

/** Timers and rounds of input, and what is said besides. */
const SLACK_MS = 200
type TestConfig = { readonly testDataLimit: number; readonly retestInterval: number }

/** Bytes of acks and pings that may wait beside what is tested with. */
const CONTROL_BYTES = 65_536

/** As chunk sizes are drawn. */
const MOST_PACKET_BYTES = 65_536

/** Until everything that may wait in a path as it was planned is through, both ways. */
function drainMs({ up, down, framing, highWaterMark }: PathPlan): number {
  const senderBytes = framing === 'packet' ? highWaterMark * MOST_PACKET_BYTES : highWaterMark
  return [up, down].reduce((sum, shape) => {
    return sum + shape.delayMs + shape.jitterMs + (shape.pipeBufferBytes + senderBytes) * msPerByte(shape)
  }, 0)
}

/** Of many bytes: a pipe holds no more at once than its buffer, so a long way with a small buffer is slow. */
function msPerByte({ rateBytesPerMs, delayMs, jitterMs, pipeBufferBytes }: PipeShape): number {
  return 1 / rateBytesPerMs + (delayMs + jitterMs) / pipeBufferBytes
}

/** Longest time until a ping is answered: it and the answer may wait behind all that, and the test data of both ends. */
export function answerMs(path: PathPlan, configs: readonly TestConfig[]): number {
  const testBytes = configs.reduce((sum, { testDataLimit }) => sum + testDataLimit, CONTROL_BYTES)
  return 2 * drainMs(path) + testBytes * Math.max(msPerByte(path.up), msPerByte(path.down))
}

export class RecoveryJudge {
  readonly #boundMs: number
  readonly #count: (what: string) => void
  /** Since when links do not work as they should, as far as was seen. */
  readonly #failing = new WeakMap<EngineLink, number>()

  /** @param configs - of both ends: each tests the link, and the data of one test waits for that of the other */
  constructor(path: PathPlan, configs: readonly TestConfig[], count: (what: string) => void) {
    const retestMs = Math.max(...configs.map(({ retestInterval }) => retestInterval))
    // What came too late is a test that failed, and the next one has an empty path before it.
    this.#boundMs = answerMs(path, configs) + retestMs + SLACK_MS
    this.#count = count
  }

  /**
   * @param healthySinceMs - since when the path works and both ends are punctual
   * @returns what is wrong
   */
  look(link: EngineLink, healthySinceMs: number, nowMs: number): string | undefined {
    const { status } = link
    if (status.kind === 'unconfirmed' || status.kind === 'suspect') {
      const sinceMs = this.#failing.get(link) ?? (status.kind === 'unconfirmed' ? status.sinceMs : nowMs)
      this.#failing.set(link, sinceMs)
      const waitsMs = nowMs - Math.max(sinceMs, healthySinceMs)
      return waitsMs > this.#boundMs ? `does not use a link again whose path works since ${waitsMs} ms` : undefined
    }
    if (status.kind === 'working' && this.#failing.delete(link)) this.#count('recovery working')
    return undefined
  }
}

/** What is said of links that answer nothing. */
const SILENT: ReadonlySet<LinkCloseReason> = new Set(['ping-timeout', 'send-timeout', 'non-working-timeout'])

/** Watches one link over a path on which nothing ever goes wrong. */
export class BlockedJudge {
  #sinceMs: number | undefined
  readonly #longMs: number
  readonly #count: (what: string) => void

  /** @param longMs - a link that is silent for so long may be given up */
  constructor(longMs: number, count: (what: string) => void) {
    this.#longMs = longMs
    this.#count = count
  }

  changed(blocked: boolean, nowMs: number): void {
    if (!blocked) this.#over(nowMs)
    else this.#sinceMs ??= nowMs
  }

  /** @returns what is wrong */
  closed(reason: LinkCloseReason, nowMs: number): string | undefined {
    const blocked = this.#sinceMs !== undefined
    this.#over(nowMs)
    return blocked && SILENT.has(reason) ? `gives up a link that is blocked: ${reason}` : undefined
  }

  #over(nowMs: number): void {
    if (this.#sinceMs !== undefined && nowMs - this.#sinceMs >= this.#longMs) this.#count('recovery blocked')
    this.#sinceMs = undefined
  }
}
