// CPU time of the calling thread: what a rate means on a machine that others use, too.

import { readFileSync } from 'node:fs'

/** In ms; `undefined` where neither Node (before 23.9) nor the system (other than Linux) tells. */
export function threadCpuMs(): number | undefined {
  const { threadCpuUsage } = process as { threadCpuUsage?: () => { user: number; system: number } }
  if (threadCpuUsage) {
    const { user, system } = threadCpuUsage.call(process)
    return (user + system) / 1_000
  }
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0]) / 1e6
  } catch {
    return undefined
  }
}
