// What arguments and options must be, with the codes that Node has for those that are not.

import type { BlockList } from 'node:net'
import { HawserError } from './errors.ts'

/** @throws {HawserError} `ERR_INVALID_ARG_TYPE`; what is not given is fine */
export function checkFunction(value: unknown, name: string): void {
  if (value === undefined || value === null || typeof value === 'function') return
  throw wrongType(name, 'a function', value)
}

/** @throws {HawserError} `ERR_INVALID_ARG_TYPE`; what is not given is fine */
export function checkBoolean(value: unknown, name: string): void {
  if (value === undefined || value === null || typeof value === 'boolean') return
  throw wrongType(name, 'a boolean', value)
}

/** @throws {HawserError} `ERR_INVALID_ARG_TYPE`; `undefined` is fine */
export function checkNumber(value: unknown, name: string): void {
  if (value === undefined || typeof value === 'number') return
  throw wrongType(name, 'a number', value)
}

/** @throws {HawserError} `ERR_INVALID_ARG_TYPE`, `ERR_OUT_OF_RANGE` */
export function checkInteger(value: unknown, name: string, least: number, most: number): void {
  if (typeof value !== 'number' || Number.isNaN(value)) throw wrongType(name, 'a number', value)
  if (Number.isInteger(value) && value >= least && value <= most) return
  const text = `The value of "${name}" is out of range. It must be an integer from ${least} to ${most}. Received ${value}`
  throw new HawserError('ERR_OUT_OF_RANGE', 'invalid-argument', text)
}

/** @throws {HawserError} `ERR_SOCKET_BAD_PORT`, as Node */
export function checkPort(port: unknown): void {
  const number = typeof port === 'string' && port.trim() !== '' ? Number(port) : port
  if (typeof number === 'number' && Number.isInteger(number) && number >= 0 && number <= 65_535) return
  throw new HawserError('ERR_SOCKET_BAD_PORT', 'invalid-argument', `Port should be >= 0 and < 65536. Received ${String(port)}`)
}

/** By what it can do: an `instanceof` would need `node:net`. @throws {HawserError} `ERR_INVALID_ARG_TYPE` */
export function checkBlockList(list: BlockList | undefined): void {
  if (!list || typeof list.check === 'function') return
  throw wrongType('blockList', 'a net.BlockList', list)
}

export function wrongType(name: string, wanted: string, value: unknown): HawserError {
  const received = value === null ? 'null' : `type ${typeof value}`
  return new HawserError(
    'ERR_INVALID_ARG_TYPE',
    'invalid-argument',
    `The "${name}" option must be ${wanted}. Received ${received}`,
  )
}
