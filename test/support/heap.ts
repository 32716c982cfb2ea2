// What lives in the heap, garbage not counted: exact where bytes are not, for those change with whatever else the process does.

import { getHeapSnapshot, queryObjects } from 'node:v8'

/** How many objects of each of these classes there are. */
export function liveObjects(classes: readonly (abstract new (...args: never[]) => unknown)[]): number[] {
  return classes.map(type => queryObjects(type, { format: 'count' }) as number)
}

/** All strings of 32 hex digits, which is how ids of connections are kept. */
export async function idsInHeap(): Promise<ReadonlySet<string>> {
  const chunks: Buffer[] = []
  for await (const chunk of getHeapSnapshot()) chunks.push(Buffer.from(chunk))
  const text = Buffer.concat(chunks).toString('latin1')
  return new Set([...text.matchAll(/"([0-9a-f]{32})"/g)].map(([, id]) => id as string))
}
