// What is measured over the loopback.

import type { Case, Suite } from '../case.ts'
import type { Medium } from './pair.ts'
import { runTask, type Task } from './task.ts'

const LINKS = [1, 2, 4, 8]
const WRITE_SIZES: readonly (readonly [string, number])[] = [
  ['1B', 1],
  ['100B', 100],
  ['1KiB', 1_024],
  ['16KiB', 16_384],
  ['64KiB', 65_536],
  ['1MB', 1_000_000],
]
const SOCKETS: Record<Medium, string> = { tcp: 'net.Socket', tls: 'tls.TLSSocket', unix: 'pipe' }

const linksText = (links: number): string => `${links} ${links === 1 ? 'link' : 'links'}`

/** The plain socket first, and hawser over each number of links beside it. */
function besidePlain(table: string, prefix: string, medium: Medium, links: readonly number[], taskOf: (links: number) => Task) {
  const baseline = `${prefix} ${SOCKETS[medium]}`
  return [0, ...links].map((count): Case => {
    const name = count === 0 ? baseline : `${prefix} ${linksText(count)}`
    return { name, table, measure: () => runTask(taskOf(count)), ...(count === 0 ? {} : { baseline }) }
  })
}

function throughputCases(medium: Medium, ways: 'one' | 'both', links: readonly number[], sizes = WRITE_SIZES): Case[] {
  const way = ways === 'one' ? 'one-way' : 'both-ways'
  return sizes.flatMap(([sizeText, writeSize]) =>
    besidePlain(
      `Throughput ${way}, ${SOCKETS[medium]} as links`,
      `throughput ${way} ${medium} ${sizeText}`,
      medium,
      links,
      count => ({
        measure: 'throughput',
        medium,
        links: count,
        ways,
        writeSize,
      }),
    ),
  )
}

const pingPong = (medium: Medium, links: readonly number[]): Case[] =>
  besidePlain('Ping-pong of 100 bytes', `ping-pong ${medium}`, medium, links, count => ({
    measure: 'ping-pong',
    medium,
    links: count,
  }))

export const loopback: Suite = {
  name: 'loopback',
  cases: [
    ...throughputCases('tcp', 'one', LINKS),
    ...throughputCases('tcp', 'both', LINKS),
    ...throughputCases('tls', 'one', [1, 2]),
    ...throughputCases('unix', 'one', [1, 2]),
    ...pingPong('tcp', [1, 2, 4]),
    ...pingPong('tls', [1]),
    ...pingPong('unix', [1]),
  ],
}
