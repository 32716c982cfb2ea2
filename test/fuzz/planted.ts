// A parser with planted bugs that only inputs found step by step can reach: what the fuzzer itself is tested with.

/** Code that a coverage of "the library" does not know. */
export function parsePlanted(input: Uint8Array): string {
  if (input[0] !== 0x61) return 'no a'
  if (input[1] !== 0x62) return 'no b'
  if (input[2] !== 0x63) return 'no c'
  if (input[3] !== 0x64) return 'no d'
  throw new RangeError(`planted, ${input.length} bytes`)
}
