import { printable } from './printable.ts'
import type { LinkTag } from './transports/transport.ts'

let count = 0

/** The tag of a link that was added by hand. */
export function manualTag(direction: LinkTag['direction'], tag?: string | LinkTag): LinkTag {
  if (typeof tag === 'object' && tag !== null) return tag
  const number = ++count
  const name = printable(tag ?? `link ${number}`)
  return { transport: 'manual', direction, key: `manual:${number}`, toString: () => name }
}
