// What `echo.ts` tells of pings beside a transfer.

/** When it was sent, and its round trip; `null`: lost. */
export type Ping = readonly [sentMs: number, roundTripMs: number | null]

/** Round trips of what was sent in that time, the shortest first; a lost one is longer than any. */
export function roundTrips(pings: readonly Ping[], fromMs = 0, toMs = Number.POSITIVE_INFINITY): number[] {
  return pings
    .filter(([sentMs]) => sentMs >= fromMs && sentMs < toMs)
    .map(([, roundTripMs]) => roundTripMs ?? Number.POSITIVE_INFINITY)
    .sort((a, b) => a - b)
}
