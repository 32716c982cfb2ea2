// What TestData messages carry: 0, 1, 2, ... 255, 0, 1, ..., as the reference sends it.

const PATTERN: Uint8Array = Uint8Array.from({ length: 65_536 }, (_, index) => index & 0xff)

/** So many bytes of test data, as views of one pattern: not to be written to. */
export function testDataPieces(bytes: number): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let left = bytes; left > 0; left -= PATTERN.length) {
    pieces.push(left >= PATTERN.length ? PATTERN : PATTERN.subarray(0, left))
  }
  return pieces
}
