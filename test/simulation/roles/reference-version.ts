// In what the versions of the reference differ: docs/protocol.md, section 7.

export interface ReferenceVersion {
  readonly name: '0.9.7' | '0.10'
  /** Payload of one Data message. */
  readonly writeBytes: number
  readonly ackTimeoutMinMs: number
  readonly ackTimeoutFactor: number
  /** Factor more while the round trip is not known well, and for messages sent again. */
  readonly ackTimeoutUnsureFactor: number
  readonly ackTimeoutMaxMs: number
  /** Acks wait so long for something that is sent anyway. */
  readonly flushDelayMs: number
  /** Test data of a link; `Infinity`: as much as it takes. */
  readonly testDataLimit: number
  readonly retestIntervalMs: number
  readonly nonWorkingTimeoutMs: number
  readonly noLinkTimeoutMs: number
  readonly terminationTimeoutMs: number
  readonly pingIntervalMs: number
  readonly pingTimeoutMs: number
  /** A link whose round trip exceeds the shortest so many times is not used. */
  readonly pingSpread: number
  /** Most numbers that may be outstanding: that it sends, and that it accepts. */
  readonly sentSpan: number
  readonly acceptedSpan: number
  /** Reports what was read when nothing more is there, too. */
  readonly reportsWhenEmpty: boolean
  readonly knowsTerminate: boolean
}

export const version097: ReferenceVersion = {
  name: '0.9.7',
  writeBytes: 8_192,
  ackTimeoutMinMs: 1_000,
  ackTimeoutFactor: 5,
  ackTimeoutUnsureFactor: 1,
  ackTimeoutMaxMs: 30_000,
  flushDelayMs: 500,
  testDataLimit: Number.POSITIVE_INFINITY,
  retestIntervalMs: 15_000,
  nonWorkingTimeoutMs: 600_000,
  noLinkTimeoutMs: 90_000,
  terminationTimeoutMs: 300_000,
  pingIntervalMs: 15_000,
  pingTimeoutMs: 40_000,
  pingSpread: Number.POSITIVE_INFINITY,
  // It knows no limit; its buffers are one, and the simulator remembers no more.
  sentSpan: 100_000,
  acceptedSpan: Number.POSITIVE_INFINITY,
  reportsWhenEmpty: true,
  knowsTerminate: false,
}

export const version010: ReferenceVersion = {
  name: '0.10',
  writeBytes: 8_192,
  ackTimeoutMinMs: 1_000,
  ackTimeoutFactor: 3,
  ackTimeoutUnsureFactor: 3,
  ackTimeoutMaxMs: 30_000,
  flushDelayMs: 50,
  testDataLimit: 65_536,
  retestIntervalMs: 3_000,
  nonWorkingTimeoutMs: 20_000,
  noLinkTimeoutMs: 120_000,
  terminationTimeoutMs: 300_000,
  pingIntervalMs: 15_000,
  pingTimeoutMs: 40_000,
  pingSpread: 5,
  sentSpan: 65_536,
  acceptedSpan: 65_536,
  reportsWhenEmpty: false,
  knowsTerminate: true,
}
