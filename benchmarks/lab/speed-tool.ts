// agg-speed, the reference's own speed test. It counts what its buffers took, not what arrived.

import { stripVTControlCharacters } from 'node:util'
import { SERVER_ADDRESS } from '../../test/lab/laboratory.ts'
import type { Direction } from './messages.ts'

export const SPEED_PORT = 5830
const WEBSOCKET_PORT = 5831

export const speedServer = ['server', '-n', '--tcp', `${SPEED_PORT}`, '--websocket', `${WEBSOCKET_PORT}`]

export function speedClient(direction: Direction, seconds: number): string[] {
  const only = direction === 'up' ? '--send-only' : '--recv-only'
  return ['client', '-n', '--time', `${seconds}`, '--tcp', `${SERVER_ADDRESS}:${SPEED_PORT}`, only]
}

/** It says MB for 1,048,576 bytes, three digits. Its report in JSON has no speed of what it received. */
const UNITS: Record<string, number> = { 'B/s': 1, 'KB/s': 1_024, 'MB/s': 1_048_576, 'GB/s': 1_073_741_824 }

/**
 * Mbit/s.
 *
 * @throws {Error} the tool told none
 */
export function speedOf(output: string, direction: Direction): number {
  const name = direction === 'up' ? 'Upstream' : 'Downstream'
  const [, number, unit] = new RegExp(`${name}: +([\\d.]+) +(\\S+)`).exec(stripVTControlCharacters(output)) ?? []
  const scale = UNITS[unit ?? '']
  if (number === undefined || scale === undefined) throw new Error(`agg-speed tells no speed: ${output.trim()}`)
  return (Number(number) * scale * 8) / 1e6
}
