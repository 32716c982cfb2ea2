// What an application has in its heap beside its connections.
//
// V8 marks no heap of old objects that is smaller than 8 MB (`kV8ActivationThreshold`). Above, what sockets read counts, too: against
// a limit that follows from the size of the heap, and is only a little more than 8 MB at first. So a process is marked after
// each 32 MB that it reads while its heap has 8 to 12 MB, some twenty times a second, and hardly ever below and beyond. A bare
// process with plain sockets has 7 MB and one with hawser 9: what they differ by would be the collector.

interface Item {
  readonly number: number
  readonly parts: readonly number[]
}

/** Some 20 MB. */
const ITEMS = 200_000
const kept: Item[] = []

export function keepApplicationHeap(): void {
  for (let number = kept.length; number < ITEMS; number++) kept.push({ number, parts: [number, number] })
}
