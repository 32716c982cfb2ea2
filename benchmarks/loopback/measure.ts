// The process of one case: takes its task as JSON in its argument, prints the figures as JSON.

import type { Figure } from '../case.ts'
import { measurePingPong } from './ping-pong.ts'
import type { Task } from './task.ts'
import { measureThroughput } from './throughput.ts'

const task: Task = JSON.parse(process.argv[2] ?? '{}')
console.log(JSON.stringify(await measure(task)))
process.exit()

function measure(task: Task): Promise<Figure[]> {
  switch (task.measure) {
    case 'throughput':
      return measureThroughput(task)
    case 'ping-pong':
      return measurePingPong(task)
  }
}
