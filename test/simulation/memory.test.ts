// What connections hold when one direction is full, in the heap.

import t from 'tap'
import { type Case, GAP, MIB, unacknowledged, weighed } from './weighed-worlds.ts'

const cases: Record<string, Partial<Case>> = {
  'nobody reads': { serverReads: false },
  'nobody reads, eight links': { serverReads: false, links: 8 },
  'nobody reads messages of 100 bytes': { serverReads: false, messageBytes: 100, bufferBytes: MIB },
  'nobody reads messages of one byte': { serverReads: false, messageBytes: 1, bufferBytes: 32_768 },
  'nobody acknowledges': unacknowledged(),
  'nobody reads or acknowledges': { ...unacknowledged(), serverReads: false },
  'nobody acknowledges messages of 100 bytes': { ...unacknowledged(), messageBytes: 100 },
  'nobody acknowledges messages of one byte': { ...unacknowledged(), messageBytes: 1, bufferBytes: 65_536 },
  'a gap stays open': GAP,
  'a gap stays open before messages of 100 bytes': { ...GAP, messageBytes: 100 },
}

for (const [what, differs] of Object.entries(cases)) {
  t.test(`${what}: the bound holds in the heap, and the accountant counts it right`, weighed(differs))
}
