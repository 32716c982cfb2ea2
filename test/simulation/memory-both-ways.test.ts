// What connections hold when both directions are full, in the heap: the most there is.

import t from 'tap'
import { type Case, MIB, unacknowledged, weighed } from './weighed-worlds.ts'

const cases: Record<string, Partial<Case>> = {
  'both directions are full, with messages of 256 bytes': { ...unacknowledged(), messageBytes: 256, bothWays: true },
  'the same with buffers of 16 MiB': { ...unacknowledged(), messageBytes: 256, bothWays: true, bufferBytes: 16 * MIB },
  'the same over eight links that all carry the same': {
    ...unacknowledged(8),
    messageBytes: 256,
    bothWays: true,
    schedule: 'redundant',
    // Each takes everything at once, so that every message finds all of them open.
    linkBytes: 4 * MIB,
  },
}

for (const [what, differs] of Object.entries(cases)) {
  t.test(`${what}: the bound holds in the heap, and the accountant counts it right`, weighed(differs))
}
