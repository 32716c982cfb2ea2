// Makes text that came from outside fit to print.

/** Most characters that `printable` returns, unless told otherwise. */
export const PRINTABLE_LIMIT = 64

/** Control, format, unassigned and private characters, lone surrogates, line and paragraph separators. */
const UNPRINTABLE = /^[\p{C}\p{Zl}\p{Zp}]$/u

/**
 * Makes text of unknown origin fit for a log line or a terminal.
 *
 * Whatever could move the cursor, change colours or the direction of writing, or break the line becomes an escape such
 * as `\x1b` or `\u{202e}`, and a backslash is doubled so that escapes are unambiguous. Markup and quotes stay: a web page
 * escapes those itself. The work is bounded by `limit`, however long `text` is.
 *
 * @param text - bytes are read as UTF-8
 * @param limit - most characters of the result; what is longer ends in `…`
 */
export function printable(text: string | Uint8Array, limit: number = PRINTABLE_LIMIT): string {
  let result = ''
  let shortened = ''
  for (const character of head(text, limit)) {
    const piece = escaped(character)
    if (result.length + piece.length > limit) return `${shortened}…`
    result += piece
    if (result.length < limit) shortened = result
  }
  return result
}

/** At least `limit + 1` characters of `text`, if it has so many. */
function head(text: string | Uint8Array, limit: number): string {
  if (typeof text === 'string') return text.slice(0, limit + 1)
  const longestSequence = 4
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(text.subarray(0, (limit + 1) * longestSequence))
}

function escaped(character: string): string {
  if (character === '\\') return '\\\\'
  if (!UNPRINTABLE.test(character)) return character
  const hex = (character.codePointAt(0) ?? 0).toString(16)
  return hex.length <= 2 ? `\\x${hex.padStart(2, '0')}` : `\\u{${hex}}`
}
