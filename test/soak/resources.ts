// Memory of a process, and what is left of its resources at the end.

import { readdirSync } from 'node:fs'
import { Socket as NetSocket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { queryObjects } from 'node:v8'
import { Bond } from '../../lib/bond.ts'
import { Connection } from '../../lib/engine/connection.ts'
import { EngineLink } from '../../lib/engine/engine-link.ts'
import { Link, Socket } from '../../lib/index.ts'
import { LinkChannel } from '../../lib/link-channel.ts'
import { Dialer } from '../../lib/transports/dialer.ts'
import { type Leftovers, report } from './outcome.ts'
import { whenSettled } from './quiet.ts'

const CLASSES = { Bond, Connection, Dialer, EngineLink, Link, LinkChannel, NetSocket, Socket }
/** Timers that nobody waits for, as those of links that were just closed, may run so long. */
const MOST_SETTLING_MS = 20_000
const COLLECTING_MS = 50

const collect = globalThis.gc as (() => void) | undefined
if (!collect) throw new Error('a soak needs node --expose-gc')

/** Reports memory again and again until `signal` aborts, without the data that the sockets hold. */
export function sampleMemory(sockets: () => readonly Socket[], signal: AbortSignal): Promise<void> {
  return whenSettled(async () => {
    // What a collection frees outside of the heap is let go of a little later, and some of it by the next one only.
    for (let round = 0; round < 2; round++) {
      collect?.()
      await sleep(COLLECTING_MS)
    }
    const { heapUsed, external, rss } = process.memoryUsage() // `external` includes `arrayBuffers`
    const bytes = heapUsed + external - sockets().reduce((sum, socket) => sum + heldBytes(socket), 0)
    report({ kind: 'sample', sample: { timeMs: Date.now(), bytes, residentBytes: rss, links: queryObjects(Link) as number } })
  }, signal)
}

/** Data under way: written and not acknowledged, or received and not taken. */
function heldBytes({ stats, writableLength, readableLength }: Socket): number {
  return (stats?.unacked ?? 0) + (stats?.receivedUnconsumed ?? 0) + writableLength + readableLength
}

interface Inventory {
  readonly resources: ReadonlyMap<string, number>
  readonly objects: Readonly<Record<string, number>>
  readonly descriptors: number
}

/** Takes stock; the returned function says what there is more once everything had time to go. */
export function takeStock(): () => Promise<Leftovers> {
  // Node makes these when it first needs them.
  void [process.stdin, process.stdout, process.stderr]
  const before = inventory()
  return async () => {
    const deadlineMs = performance.now() + MOST_SETTLING_MS
    let left = difference(before, inventory())
    while (!isNothing(left) && performance.now() < deadlineMs) {
      await sleep(250)
      left = difference(before, inventory())
    }
    return left
  }
}

function inventory(): Inventory {
  collect?.()
  const resources = new Map<string, number>()
  for (const name of process.getActiveResourcesInfo()) resources.set(name, (resources.get(name) ?? 0) + 1)
  const objects = Object.fromEntries(Object.entries(CLASSES).map(([name, type]) => [name, queryObjects(type) as number]))
  return { resources, objects, descriptors: descriptors() }
}

/** Open file descriptors, where the system tells. */
function descriptors(): number {
  return process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0
}

function difference(before: Inventory, now: Inventory): Leftovers {
  const resources: string[] = []
  for (const [name, count] of now.resources) {
    for (let more = (before.resources.get(name) ?? 0) + 1; more <= count; more++) resources.push(name)
  }
  const objects: Record<string, number> = {}
  for (const [name, count] of Object.entries(now.objects)) {
    const more = count - (before.objects[name] ?? 0)
    if (more > 0) objects[name] = more
  }
  return { resources, objects, descriptors: Math.max(0, now.descriptors - before.descriptors) }
}

function isNothing({ resources, objects, descriptors }: Leftovers): boolean {
  return resources.length === 0 && Object.keys(objects).length === 0 && descriptors === 0
}
