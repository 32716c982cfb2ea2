// What is measured. Every configuration is measured in a process of its own, both ends in it, over the loopback.

export interface Configuration {
  readonly measure: 'throughput' | 'ping-pong'
  /** Number of links of the hawser connection; 0: a plain net.Socket instead, the baseline. */
  readonly links: number
}

export const configurations: readonly Configuration[] = [
  { measure: 'throughput', links: 0 },
  { measure: 'throughput', links: 1 },
  { measure: 'throughput', links: 2 },
  { measure: 'throughput', links: 4 },
  { measure: 'ping-pong', links: 0 },
  { measure: 'ping-pong', links: 1 },
  { measure: 'ping-pong', links: 2 },
]

/** One run of one configuration. */
export type Result = ThroughputResult | PingPongResult

export interface ThroughputResult {
  readonly measure: 'throughput'
  readonly megabytesPerSecond: number
  /** Both ends together. */
  readonly cpuSecondsPerGigabyte: number
}

export interface PingPongResult {
  readonly measure: 'ping-pong'
  /** Round trips in microseconds. */
  readonly p50: number
  readonly p99: number
}
