// What decides on which link each message goes: the interface for schedulers of the library and of applications.

import type { LinkRole } from '../link-policy.ts'

/**
 * Chooses links. Must be quick: it is asked for every message. All that it is given is live and changes between calls;
 * nothing of it may be kept but links as keys.
 */
export interface Scheduler {
  /**
   * The link for the message at hand. `null`, or a link that is not open: nothing goes out for now; it is asked again after
   * whatever happens on a link, at the latest after 10 ms.
   *
   * @param links - those that may carry it: they work, nobody blocks them, their role allows it. At least one
   */
  choose(links: readonly ScheduledLink[], demand: Demand): ScheduledLink | null
  /**
   * Each message goes over so many links, open ones where it arrives first; the receiver drops what it has. An integer of at
   * least 1 or `Infinity`. @defaultValue 1
   */
  readonly linksPerMessage?: number
}

/** A link as schedulers see it. Times in ms, sizes in bytes, speeds in bytes per second. */
export interface ScheduledLink {
  /** `id` of the `Link`. */
  readonly id: number
  /** Its tag as text. */
  readonly tag: string
  readonly role: LinkRole
  /** `arrival` and `ready` take it into account. */
  readonly weight: number
  /** Takes the message now: the window has room, the stream below needs no drain, the rate limit allows it. */
  readonly open: boolean
  /** Time until the message would be at the other end if it were sent now, or as soon as the link takes it. */
  readonly arrival: number
  /** The same for a message without a byte: until everything that is on its way there. */
  readonly ready: number
  /** Mean deviation of the truth from `arrival` as it was predicted for earlier messages. */
  readonly arrivalDeviation: number
  /** Bytes that are sent and not acknowledged, framing included, and the most that may be. */
  readonly inFlight: number
  readonly window: number
  /** 0 while unknown. */
  readonly deliveryRate: number
  readonly roundTrip: number
  readonly roundTripDeviation: number
  readonly minRoundTrip: number
}

/** What is to be sent. */
export interface Demand {
  /** Payload bytes that wait, in this message and behind it. */
  readonly waiting: number
  /** The application has more: `waiting` is not all. */
  readonly more: boolean
  /** Bytes that the peer still takes. */
  readonly credit: number
}

/** The message at hand; one for each connection, changed from message to message. */
export class MessageDemand implements Demand {
  /** Another one for each message: what links answer for one is worked out once. */
  number = 0
  nowMs = 0
  waiting = 0
  more = false
  credit = 0
  /** Most payload bytes of the message. A link may want less. */
  mostBytes = 0
  /** Bytes around the payload. */
  overheadBytes = 0
}
