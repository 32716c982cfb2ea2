// The clock that all processes of one machine share.

/** Monotonic milliseconds; the same in every process, whatever its network namespace. */
export const nowMs = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000
