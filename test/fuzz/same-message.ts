// Whether two decoded messages are the same, quicker than by their text.

import type { LinkMessage } from '../../lib/protocol/messages.ts'

export function sameMessage(one: LinkMessage, other: LinkMessage): boolean {
  const fields = one as unknown as Record<string, unknown>
  const others = other as unknown as Record<string, unknown>
  for (const key in fields) if (!sameField(fields[key], others[key])) return false
  for (const key in others) if (!(key in fields)) return false
  return true
}

function sameField(one: unknown, other: unknown): boolean {
  if (one === other) return true
  if (one instanceof Uint8Array) return other instanceof Uint8Array && Buffer.compare(one, other) === 0
  if (!Array.isArray(one) || !Array.isArray(other)) return false
  return Buffer.compare(whole(one), whole(other)) === 0
}

function whole(pieces: readonly Uint8Array[]): Uint8Array {
  return pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces)
}
