// What is measured over the loopback.

import type { Case, Suite } from '../case.ts'
import type { Medium } from './pair.ts'
import { measureReference } from './reference.ts'
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

/** Client and server in processes of their own, as users have them. */
const apart: readonly Case[] = [
  ...besidePlain('Throughput between two processes', 'apart 64KiB', 'tcp', LINKS, links => ({
    measure: 'throughput-apart',
    links,
    direction: 'up',
    writeSize: 65_536,
    durationMs: 1_000,
  })),
]

const REFERENCE_SECONDS = 2

const besideReference: readonly Case[] = (['up', 'down'] as const).flatMap(direction =>
  LINKS.flatMap((links): Case[] => {
    const table = 'The speed test of the reference, two processes'
    const baseline = `reference ${direction} ${linksText(links)} agg-speed`
    const task: Task = {
      measure: 'throughput-apart',
      links,
      direction,
      writeSize: 65_536,
      durationMs: REFERENCE_SECONDS * 1_000,
    }
    return [
      { name: baseline, table, measure: () => measureReference(links, direction, REFERENCE_SECONDS) },
      { name: `reference ${direction} ${linksText(links)} hawser`, table, baseline, measure: () => runTask(task) },
    ]
  }),
)

const eventLoop = besidePlain('Event loop delay under load', 'event-loop tcp 64KiB', 'tcp', [1, 4], links => ({
  measure: 'throughput',
  medium: 'tcp',
  links,
  ways: 'one',
  writeSize: 65_536,
  eventLoop: true,
}))

const manyLinks = besidePlain('Growth with links', 'many-links tcp 64KiB', 'tcp', [1, 8, 16, 32], links => ({
  measure: 'throughput',
  medium: 'tcp',
  links,
  ways: 'one',
  writeSize: 65_536,
}))

const manyConnections = [1, 10, 100, 1_000].flatMap(connections =>
  besidePlain('Growth with connections', `many-connections ${connections}`, 'tcp', [1], links => ({
    measure: 'throughput',
    medium: 'tcp',
    links,
    ways: 'one',
    writeSize: 16_384,
    connections,
  })),
)

const connections = besidePlain('Connections', 'connections', 'tcp', [1, 2], links => ({ measure: 'connections', links }))

const memory = (['tcp', 'memory'] as const).flatMap(medium =>
  [false, true].flatMap(busy =>
    (medium === 'tcp' ? [1, 1_000, 10_000] : [10_000]).map((count): Case => {
      const task: Task = { measure: 'memory', connections: count, links: 2, medium, busy }
      const name = `memory ${count} ${busy ? 'busy' : 'idle'} over 2 ${medium === 'tcp' ? 'sockets' : 'Duplexes'}`
      return { name, table: 'Memory of connections', rounds: 3, measure: () => runTask(task) }
    }),
  ),
)

const slowReader = besidePlain('1 GB to a slow reader', 'slow-reader tcp', 'tcp', [1, 2], links => ({
  measure: 'slow-reader',
  medium: 'tcp',
  links,
})).map(one => ({ ...one, rounds: 3 }))

const redundant: readonly Case[] = ([1, 3] as const).map((links): Case => {
  const best = 'redundant the best link alone'
  const measure = () => runTask({ measure: 'redundant', links })
  const table = 'Ping-pong over three links, one of which stalls'
  return links === 1 ? { name: best, table, measure } : { name: 'redundant 3 links, one stalls', table, baseline: best, measure }
})

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
    ...apart,
    ...besideReference,
    ...eventLoop,
    ...manyLinks,
    ...manyConnections,
    ...connections,
    ...memory,
    ...slowReader,
    ...redundant,
  ],
}
