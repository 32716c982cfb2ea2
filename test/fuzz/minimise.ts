// Makes an input that fails as short and as plain as it can be.

/** Runs after which what was reached must do. */
const MOST_RUNS = 5_000

/** @param fails - whether an input fails in the same way */
export async function minimise(input: Uint8Array, fails: (input: Uint8Array) => Promise<boolean>): Promise<Uint8Array> {
  let smallest = input
  let runs = 0
  const replaceIfFails = async (candidate: Uint8Array): Promise<boolean> => {
    if (++runs > MOST_RUNS || !(await fails(candidate))) return false
    smallest = candidate
    return true
  }
  for (let before = -1; before !== smallest.length; ) {
    before = smallest.length
    for (let count = Math.max(1, smallest.length >> 1); count >= 1; count >>= 1) {
      for (let at = 0; at < smallest.length; ) {
        if (!(await replaceIfFails(without(smallest, at, count)))) at += count
      }
    }
  }
  for (let at = 0; at < smallest.length; at++) {
    if (smallest[at] !== 0) await replaceIfFails(smallest.with(at, 0))
  }
  return smallest
}

function without(bytes: Uint8Array, at: number, count: number): Uint8Array {
  const rest = new Uint8Array(Math.max(at, bytes.length - count))
  rest.set(bytes.subarray(0, at))
  rest.set(bytes.subarray(at + count), at)
  return rest
}
