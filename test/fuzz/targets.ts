import type { FuzzTarget } from './target.ts'
import { engine } from './targets/engine.ts'
import { frameParser } from './targets/frame-parser.ts'
import { handshake } from './targets/handshake.ts'
import { messageParser } from './targets/message-parser.ts'

export const targets: readonly FuzzTarget[] = [frameParser, messageParser, handshake, engine]

/** @throws {RangeError} there is none of this name */
export function targetNamed(name: string): FuzzTarget {
  const target = targets.find(candidate => candidate.name === name)
  if (!target) throw new RangeError(`no target ${name}; there are ${targets.map(({ name }) => name).join(', ')}`)
  return target
}
