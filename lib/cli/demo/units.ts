// Numbers as the demo prints them.

export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`

export const speed = (bytesPerSecond: number): string => `${megabytes(bytesPerSecond)}/s`

/** Rounded down, so that nothing looks better than it is. */
export const percent = (share: number): string => `${(Math.floor(share * 1_000) / 10).toFixed(1)} %`

export const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`

/** A time that may be short: milliseconds up to a second, rounded up. */
export const duration = (ms: number): string => (ms < 1_000 ? `${Math.ceil(ms)} ms` : seconds(ms))
