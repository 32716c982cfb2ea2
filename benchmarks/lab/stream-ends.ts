// The two ends of a transfer: one writes the pattern for a time, the other checks it and notes when it arrives.

import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { checkPattern, patternAt } from '../pattern.ts'
import { nowMs } from './clock.ts'
import { type Plan, type Side, say } from './messages.ts'

const WRITE_BYTES = 65_536
const STALL_MS = 250
/** From the end of one stall to the next. */
const STALL_EVERY_MS = 1_750

/** Writes until the time of the plan is over, then ends the stream. */
export async function write(stream: Duplex, plan: Plan): Promise<void> {
  const stopStalling = plan.stalls === 'writer' ? stall() : undefined
  const endMs = nowMs() + plan.durationMs
  for (let position = 0; nowMs() < endMs && stream.writable; position += WRITE_BYTES) {
    if (!stream.write(patternAt(position, WRITE_BYTES))) await once(stream, 'drain')
  }
  stopStalling?.()
  stream.end()
}

/** Takes everything that comes; resolves when the log is told. */
export function read(stream: Duplex, plan: Plan, side: Side, first: Buffer): Promise<void> {
  const stopStalling = plan.stalls === 'reader' ? stall() : undefined
  const timesMs: number[] = []
  const totals: number[] = []
  let total = 0
  let trouble: string | null = null
  const take = (bytes: Buffer): void => {
    const atMs = nowMs()
    if (total === 0) say({ kind: 'started', id: plan.id, atMs })
    try {
      checkPattern(bytes, total)
    } catch (error) {
      trouble ??= (error as Error).message
    }
    total += bytes.length
    timesMs.push(atMs)
    totals.push(total)
  }
  if (first.length > 0) take(first)
  stream.on('data', take).resume()
  return new Promise(resolve => {
    const finish = (problem?: string): void => {
      stopStalling?.()
      stream.off('data', take)
      say({ kind: 'arrived', id: plan.id, side, trouble: trouble ?? problem ?? null, timesMs, totals })
      resolve()
    }
    stream.once('end', () => finish())
    stream.once('close', () => stream.readableEnded || finish('closed before its end'))
  })
}

/** Lets the event loop stand still again and again; returns what stops that. */
function stall(): () => void {
  const cell = new Int32Array(new SharedArrayBuffer(4))
  const timer = setInterval(() => Atomics.wait(cell, 0, 0, STALL_MS), STALL_EVERY_MS)
  return () => clearInterval(timer)
}
