// The running demo in text: a table for a terminal, one line for everything else.

import { percent, seconds, speed } from './units.ts'

export type LinkCondition = 'works' | 'cut' | 'down'

/** What happened since the snapshot before. Rates and speeds are bytes per second. */
export interface Snapshot {
  readonly elapsedMs: number
  readonly links: readonly {
    readonly name: string
    readonly rate: number
    /** What the link carried, with framing and everything sent twice. */
    readonly carried: number
    readonly condition: LinkCondition
  }[]
  /** Payload that reached the reader. */
  readonly goodput: number
}

const BAR_LENGTH = 30

export function formatTable({ elapsedMs, links, goodput }: Snapshot): string[] {
  const row = (name: string, limit: string, now: string, rest: string): string =>
    `${name.padEnd(8)}${limit.padStart(10)}${now.padStart(11)}  ${rest}`.trimEnd()
  const sumRate = sum(links.map(({ rate }) => rate))
  return [
    `${seconds(elapsedMs)}: ${links.length} links, one connection`,
    '',
    row('link', 'limit', 'now', ''),
    ...links.map(({ name, rate, carried, condition }) =>
      row(name, speed(rate), speed(carried), condition === 'works' ? bar(carried / rate) : condition),
    ),
    '',
    row('data', speed(sumRate), speed(goodput), `${bar(goodput / sumRate)} ${percent(goodput / sumRate)}`),
  ]
}

export function formatLine({ elapsedMs, links, goodput }: Snapshot): string {
  const each = links.map(({ name, carried, condition }) => `${name} ${condition === 'works' ? speed(carried) : condition}`)
  return `${seconds(elapsedMs).padStart(6)}  data ${speed(goodput)}  (${each.join(', ')})`
}

function bar(share: number): string {
  const length = Math.round(Math.min(1, Math.max(0, share)) * BAR_LENGTH)
  return '█'.repeat(length) + '·'.repeat(BAR_LENGTH - length)
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
