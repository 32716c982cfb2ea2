// Inputs that failed once, as files of hex digits: `regressions/<target>/<name>.hex`. Lines with # are comments.

import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Of the sources, not of what is compiled. */
const root = fileURLToPath(new URL('../../../', import.meta.url))
const folder = join(root, 'test/fuzz/regressions')

export interface Regression {
  readonly name: string
  readonly input: Uint8Array
}

export function regressionsOf(target: string): Regression[] {
  const ours = join(folder, target)
  if (!existsSync(ours)) return []
  const names = readdirSync(ours).filter(name => name.endsWith('.hex'))
  return names.sort().map(name => ({ name, input: readInput(join(ours, name)) }))
}

export function readInput(path: string): Uint8Array {
  const digits = readFileSync(path, 'utf8').replace(/#.*$/gm, '').replace(/\s/g, '')
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new RangeError(`${path} does not consist of pairs of hex digits`)
  return new Uint8Array(Buffer.from(digits, 'hex'))
}

/** @returns path of the file, from the root of the repository */
export function saveRegression(target: string, input: Uint8Array, what: string): string {
  const hex = Buffer.from(input).toString('hex')
  const hash = createHash('sha256').update(input).digest('hex').slice(0, 12)
  const path = join(folder, target, `${hash}.hex`)
  mkdirSync(join(folder, target), { recursive: true })
  const comment = what.split('\n', 1)[0] as string
  writeFileSync(path, `# ${comment}\n${(hex.match(/.{1,96}/g) ?? []).join('\n')}\n`)
  return relative(root, path)
}
