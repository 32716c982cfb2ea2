// The process of one case: takes its task as JSON in its argument, prints the outcome as JSON.

import { type Figure, Unavailable } from '../case.ts'
import { keepApplicationHeap } from './application-heap.ts'
import { measureConnections } from './connections.ts'
import { measureMemory } from './memory.ts'
import { measurePingPong } from './ping-pong.ts'
import { measureRedundant } from './redundant.ts'
import { measureSlowReader } from './slow-reader.ts'
import type { Outcome, Task } from './task.ts'
import { measureThroughput } from './throughput.ts'
import { measureApart } from './throughput-apart.ts'

const task: Task = JSON.parse(process.argv[2] ?? '{}')
if (task.measure !== 'memory' && task.measure !== 'slow-reader') keepApplicationHeap()
console.log(JSON.stringify(await outcome()))
process.exit()

async function outcome(): Promise<Outcome> {
  try {
    return { figures: await measure() }
  } catch (error) {
    if (error instanceof Unavailable) return { unavailable: error.message }
    throw error
  }
}

function measure(): Promise<Figure[]> {
  switch (task.measure) {
    case 'throughput':
      return measureThroughput(task)
    case 'throughput-apart':
      return measureApart(task)
    case 'ping-pong':
      return measurePingPong(task)
    case 'connections':
      return measureConnections(task)
    case 'memory':
      return measureMemory(task)
    case 'slow-reader':
      return measureSlowReader(task)
    case 'redundant':
      return measureRedundant(task)
  }
}
