/** Counts of a connection; bytes and messages. */
export interface ConnectionStats {
  /** When the first link worked, on the clock that drives the engine; `null` before. */
  readonly established: number | null
  /** Since when no link works; `null` while one does. */
  readonly notWorkingSince: number | null
  /** Bytes that may be sent before a buffer is full. */
  readonly sendSpace: number
  /** Bytes sent and not acknowledged. */
  readonly unacked: number
  /** Bytes sent that the peer's application has not taken. */
  readonly unconsumed: number
  /** Messages from the oldest unacknowledged one to the newest. */
  readonly unconsumedCount: number
  /** Bytes acknowledged that wait at the peer for an older message. */
  readonly unconsumable: number
  /** Messages that wait to be sent again. */
  readonly resendQueue: number
  /** Bytes received that the application has not taken. */
  readonly receivedUnconsumed: number
  readonly receivedUnconsumedCount: number
}

/** Before there is a connection. */
export const NO_CONNECTION_STATS: ConnectionStats = {
  established: null,
  notWorkingSince: null,
  sendSpace: 0,
  unacked: 0,
  unconsumed: 0,
  unconsumedCount: 0,
  unconsumable: 0,
  resendQueue: 0,
  receivedUnconsumed: 0,
  receivedUnconsumedCount: 0,
}
