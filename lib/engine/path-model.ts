// What the acks of one link tell about the path below it: round trip, delivery rate, and from them how much the link
// may hold in flight, how large its messages are and when a message would arrive.
//
// Rates are measured as in BBR (Cardwell et al., "BBR: Congestion-Based Congestion Control", 2016): bytes delivered
// between the last ack before a send and the ack of what was sent, over the longer of the time between the acks and the
// time between the sends. The window adds a standing queue of `head` ms instead of probing: a faster path raises the
// next sample by itself. What the window lets out is paced, at little more than the rate while data comes in on the link,
// too: there acks wait behind data, and what they let out at once would make the acks of the other side come at once as
// well, in ever larger bursts.

import type { LinkConfig } from '../config.ts'
import { Flight } from './flight.ts'

/** A round trip of nothing would make rates infinite; no real path is quicker. */
const LEAST_ROUND_TRIP_MS = 0.1
/** The minimum round trip is the least of the current and the previous bucket of at least this length. */
const ROUND_TRIP_BUCKET_MS = 5_000
/** The delivery rate is the highest of so many round trips, ... */
const RATE_ROUNDS = 10
/**
 * ... and of so many times as many while data comes in, too: the side whose queue is the longer holds up the acks of the other, which
 * then delivers less than it could. Were that soon taken for its rate its window would shrink with it, for good. ...
 */
const BOTH_WAYS_ROUNDS = 8
/** ... So often it tries, too, whether a window so much larger delivers more, for a round trip and the one of its acks, ... */
const PROBE_GAIN = 1.25
const PROBE_ROUNDS = 2
/** ... and once more when that made the rate so much higher. */
const PROBE_GROWTH = 1.1
/** Hides the event loops of both ends and the gaps between their acks. */
const LEAST_HEAD_MS = 12
/**
 * What hides more than this, of links as quick as memory, drives what the other links hold out of the caches of the processor:
 * eight links over the loopback carry a quarter more with it.
 */
const MOST_HEAD_BYTES = 131_072
/** Test data that takes longer, and four round trips, shows a slow path and not the delays of an event loop. */
const SLOW_TEST_MS = 250
/** Bursts of acks count for the window as far as they could be the delay of an event loop or of acks. */
const MOST_EXTRA_MS = 200
/** The same while data comes in, too: mostly the acks wait behind it, and the other side's behind what this lets out. */
const MOST_EXTRA_BOTH_WAYS_MS = 15
/**
 * No event loop that is merely busy is silent for so long: there peers delay their acks, up to half a second. What comes after a
 * shorter silence may be all that the links hold, and one that was given room for it holds more the next time: over eight quick
 * links the loop took ever longer for its turn, until 19 MB were in flight.
 */
const LONG_SILENCE_MS = 100
/** So much is for the bursts after shorter silences, of all links together: what they hold should fit into the caches. */
const MOST_BURST_BYTES = 1_572_864
/** Data comes in on the link, too, if in a round trip at least this share of what is in flight does. */
const BOTH_WAYS_SHARE = 1 / 16
/** A link sends at most so much faster than a window per round trip, so that its queue does not come and go in waves, ... */
const PACE = 1.25
/** ... while its rate is not known so much faster, for the window doubles in each, ... */
const STARTUP_PACE = 2.5
/** ... while data comes in, too, so much faster than it delivers, ... */
const PACE_BOTH_WAYS = 1.05
/** ... but for what it could have sent within so long before. */
const PACING_BURST_MS = 4
/** A link with less in flight measures too little to ever earn more. */
const LEAST_WINDOW_BYTES = 32_768
/** A message takes about so long on its link: short enough not to hold up the stream, long enough to cost little CPU. */
const CHUNK_MS = 3
const LEAST_CHUNK_BYTES = 4_096
const MOST_CHUNK_BYTES = 262_144

/** For low latency: a shorter queue, at the price of idle moments of the path, and shorter messages. */
const SHORT_HEAD_MS = 4
const SHORT_CHUNK_MS = 1

export class PathModel {
  config: LinkConfig
  /** Keeps the queue on the path short. */
  shortQueues = false
  /** Most bytes per ms that are sent. */
  limitBytesPerMs = Number.POSITIVE_INFINITY
  /** Links of the connection, which share what is there for bursts. */
  linkCount = 1

  // A field that is a number from the beginning on is changed in place; one that was undefined gets a new object for each fraction.
  #smoothedMs = 0
  #fastDeviationMs = 0
  #slowDeviationMs = 0
  #minMs = 0
  #bucketMinMs = 0
  #previousMinMs = 0
  #bucketEndMs = 0
  #drainUntilMs = 0

  #inFlightBytes = 0
  #deliveredBytes = 0
  /** When the newest ack came, and when what it acknowledged had been sent. */
  #deliveredMs: number | undefined
  #deliveredSentMs: number | undefined
  /** Pacing: what has been sent is spread until then. */
  #pacedUntilMs = 0
  #applicationLimitedUntilBytes = 0

  #round = 0
  #roundEndBytes = 0
  /** Highest sample of each of the last rounds; one of these may last some round trips. */
  readonly #rateOfRound: number[] = []
  #rateRound = 0
  #roundMeasured = false
  #probeEndRound = 0
  /** The rate when the probe began. */
  #probeRate = 0
  /** Payload that came in on the link in this round; whether it was much in the last one. */
  #receivedBytes = 0
  #bothWays = false
  #rate = 0
  #averageRate = 0

  /** Most bytes acknowledged beyond `rate` x time, of each of the last rounds: acks come in bursts when a loop is slow. */
  readonly #extraOfRound: number[] = []
  #extraBytes = 0
  #burstStartMs = 0
  #burstBytes = 0
  /** What counts of it. */
  #burstLimitBytes = 0

  #startup = true
  /** What was sent until then was predicted by a rate that was not known. */
  #startupEndMs = 0
  #startupWindowBytes = 0
  #startupRate = 0
  #roundsWithoutGrowth = 0
  #lateAcksInRound = 0

  /** Error of `predictedAckMs`, mean and mean deviation. */
  #predictionErrorMs = 0
  #predictionDeviationMs = 0

  /** @param roundTripMs - measured by the handshake */
  constructor(config: LinkConfig, roundTripMs: number, nowMs: number) {
    this.config = config
    const first = Math.max(roundTripMs, LEAST_ROUND_TRIP_MS)
    this.#smoothedMs = first
    this.#fastDeviationMs = first / 2
    this.#slowDeviationMs = first / 2
    this.#minMs = first
    this.#bucketMinMs = first
    this.#previousMinMs = first
    this.#bucketEndMs = nowMs + ROUND_TRIP_BUCKET_MS
    this.#startupWindowBytes = config.windowInit
  }

  get inFlightBytes(): number {
    return this.#inFlightBytes
  }

  get minRoundTripMs(): number {
    return this.#minMs
  }

  get roundTripMs(): number {
    return this.#smoothedMs
  }

  get roundTripDeviationMs(): number {
    return this.#fastDeviationMs
  }

  /** Delivery rate in bytes per ms; 0 while unknown. */
  get rateBytesPerMs(): number {
    return this.#rate
  }

  /** Start-up is over: arrivals are predicted by the rate. */
  get isRateKnown(): boolean {
    return !this.#startup
  }

  get predictionErrorMs(): number {
    return this.#predictionErrorMs
  }

  get predictionDeviationMs(): number {
    return this.#predictionDeviationMs
  }

  /** Bytes that the link may have in flight. */
  windowBytes(nowMs: number): number {
    const wanted = this.#startup
      ? Math.max(this.#startupWindowBytes, 2 * this.#rate * this.minRoundTripMs)
      : this.#steadyWindowBytes(nowMs)
    return Math.min(Math.max(wanted, LEAST_WINDOW_BYTES), this.config.windowLimit)
  }

  /** Whether a message of `bytes` fits into the window and its time has come. */
  isOpen(bytes: number, nowMs: number): boolean {
    return this.#inFlightBytes === 0 || (nowMs >= this.#pacedUntilMs && this.hasRoom(bytes, nowMs))
  }

  /** Whether a message of `bytes` fits into the window; one message always may be in flight. */
  hasRoom(bytes: number, nowMs: number): boolean {
    return this.#inFlightBytes === 0 || this.#inFlightBytes + bytes <= this.windowBytes(nowMs)
  }

  /** Time of the next message while there is something in flight. */
  get pacedUntilMs(): number {
    return this.#pacedUntilMs
  }

  /** Best payload size of a message on this link. */
  chunkBytes(): number {
    const chunkMs = this.shortQueues ? SHORT_CHUNK_MS : CHUNK_MS
    const bytes = this.#rate > 0 ? chunkMs * Math.min(this.#rate, this.limitBytesPerMs) : this.#startupWindowBytes / 4
    return Math.min(Math.max(LEAST_CHUNK_BYTES, Math.floor(bytes)), MOST_CHUNK_BYTES)
  }

  /** Time in ms until `bytes` more would have arrived at the other end. @param weight - a path so many times quicker */
  arrivalMs(bytes: number, nowMs: number, weight = 1): number {
    const halfTripMs = this.minRoundTripMs / 2
    const rate = this.serviceRate(nowMs) * weight
    return Math.max(halfTripMs, this.#inFlightBytes / rate - halfTripMs) + bytes / rate
  }

  /** The same for everything that is in flight if the path never carried more than has been seen of it; 0 while that is nothing. */
  latestArrivalMs(): number {
    return this.#rate > 0 ? this.#inFlightBytes / this.#rate - this.minRoundTripMs / 2 : 0
  }

  /** Time in ms until an ack sent on the link by itself would be here. */
  answerMs(): number {
    return this.minRoundTripMs / 2
  }

  /** A transmission begins. */
  send(sent: Flight['sent'], link: Flight['link'], wireBytes: number, nowMs: number): Flight {
    const idle = this.#inFlightBytes === 0
    const predictedAckMs = nowMs + this.arrivalMs(wireBytes, nowMs) + this.answerMs()
    this.#inFlightBytes += wireBytes
    const owedUntilMs = idle ? 0 : this.#pacedUntilMs
    this.#pacedUntilMs = Math.max(nowMs - PACING_BURST_MS, owedUntilMs) + wireBytes / this.#paceBytesPerMs(nowMs)
    const limited = idle || this.#applicationLimitedUntilBytes > this.#deliveredBytes
    return new Flight(
      sent,
      link,
      wireBytes,
      nowMs,
      predictedAckMs,
      this.#deliveredBytes,
      this.#deliveredMs,
      this.#deliveredSentMs,
      limited,
    )
  }

  /** The link had room that nothing was there to fill: what is in flight now measures the application. */
  limitedByApplication(): void {
    this.#applicationLimitedUntilBytes = this.#deliveredBytes + this.#inFlightBytes
  }

  /** Payload of the peer came in. */
  received(bytes: number): void {
    this.#receivedBytes += bytes
  }

  /** The transmission was acknowledged on this link. */
  delivered(flight: Flight, nowMs: number): void {
    this.#inFlightBytes -= flight.wireBytes
    this.#deliveredBytes += flight.wireBytes
    const previousDeliveryMs = this.#deliveredMs
    this.#deliveredMs = nowMs
    this.#deliveredSentMs = flight.sentMs
    this.#takeBurst(flight, previousDeliveryMs ?? 0, nowMs)
    if (flight.tainted) return
    const roundTripMs = Math.max(nowMs - flight.sentMs, LEAST_ROUND_TRIP_MS)
    this.#takeRoundTrip(roundTripMs, nowMs)
    if (!this.#startup && flight.sentMs > this.#startupEndMs) this.#takePredictionError(nowMs - flight.predictedAckMs)
    this.#takeRate(flight, nowMs)
    this.#advanceRound(flight, roundTripMs, nowMs)
  }

  /** The transmission will never be acknowledged: its link is gone. */
  forget(flight: Flight): void {
    this.#inFlightBytes -= flight.wireBytes
  }

  /** A ping came back. */
  takePing(roundTripMs: number, nowMs: number): void {
    this.#takeRoundTrip(Math.max(roundTripMs, LEAST_ROUND_TRIP_MS), nowMs)
  }

  /**
   * The ping behind `bytes` of test data came back: nothing known before says as much about the path under load. If the
   * data took much longer than the path itself, its rate is known and needs no start-up, which would flood a slow path.
   */
  takeTest(roundTripMs: number, bytes: number, nowMs: number): void {
    const transferMs = roundTripMs - this.minRoundTripMs
    this.takePing(roundTripMs, nowMs)
    this.#smoothedMs = Math.max(this.#smoothedMs, roundTripMs)
    if (this.#rate > 0 || bytes === 0 || transferMs < Math.max(SLOW_TEST_MS, 4 * this.minRoundTripMs)) return
    this.#rate = bytes / transferMs
    this.#rateOfRound[this.#rateRound % RATE_ROUNDS] = this.#rate
    this.#averageRate = this.#rate
    this.#startup = false
  }

  /** Begins anew, at half of what was known: the link was in doubt or is new again. */
  restart(): void {
    this.#startupWindowBytes = Math.max(this.#rate * this.minRoundTripMs, LEAST_WINDOW_BYTES)
    this.#rateOfRound.fill(0)
    this.#rate /= 2
    this.#rateOfRound[this.#rateRound % RATE_ROUNDS] = this.#rate
    this.#averageRate = this.#rate
    this.#startup = true
    this.#startupRate = 0
    this.#roundsWithoutGrowth = 0
    this.#lateAcksInRound = 0
  }

  #steadyWindowBytes(nowMs: number): number {
    const minMs = this.minRoundTripMs
    if (nowMs < this.#drainUntilMs) return 0.8 * this.#rate * minMs
    const headMs = this.shortQueues
      ? Math.max(SHORT_HEAD_MS, minMs / 10)
      : Math.max(LEAST_HEAD_MS, minMs / 4, Math.min(2 * this.#slowDeviationMs, minMs + 10))
    const extraMs = this.#bothWays ? MOST_EXTRA_BOTH_WAYS_MS : MOST_EXTRA_MS
    const headBytes = Math.min(this.#rate * headMs, MOST_HEAD_BYTES)
    const extraBytes = Math.min(this.#extraBytes, this.#rate * extraMs)
    const steadyBytes = this.#rate * minMs + headBytes + extraBytes + 2 * Math.min(this.chunkBytes(), MOST_HEAD_BYTES / 2)
    return this.#isProbing ? PROBE_GAIN * steadyBytes : steadyBytes
  }

  get #isProbing(): boolean {
    return this.#bothWays && this.#round < this.#probeEndRound
  }

  #paceBytesPerMs(nowMs: number): number {
    const minMs = this.minRoundTripMs
    if (this.#bothWays && !this.#startup) {
      return (this.#isProbing ? PROBE_GAIN : PACE_BOTH_WAYS) * Math.max(this.#rate, LEAST_WINDOW_BYTES / (minMs + LEAST_HEAD_MS))
    }
    return ((this.#startup ? STARTUP_PACE : PACE) * this.windowBytes(nowMs)) / Math.max(1, minMs)
  }

  /** Bytes per ms that the path is expected to carry. */
  serviceRate(nowMs: number): number {
    const rate = this.#startup
      ? Math.max(this.windowBytes(nowMs) / Math.max(1, this.minRoundTripMs), this.#rate)
      : Math.min(this.#averageRate, this.#rate)
    return Math.max(Math.min(rate, this.limitBytesPerMs), 0.001)
  }

  #takeRoundTrip(roundTripMs: number, nowMs: number): void {
    if (nowMs >= this.#bucketEndMs) {
      // A bucket shorter than some round trips would see nothing but the queue.
      const bucketMs = Math.max(ROUND_TRIP_BUCKET_MS, 8 * this.#smoothedMs)
      this.#previousMinMs = nowMs >= this.#bucketEndMs + bucketMs ? roundTripMs : this.#bucketMinMs
      this.#bucketMinMs = roundTripMs
      this.#bucketEndMs = nowMs + bucketMs
      // Without a look at the empty path the standing queue would enter the minimum and the window creep up.
      this.#drainUntilMs = nowMs + 1.5 * this.#smoothedMs
    } else if (roundTripMs < this.#bucketMinMs) this.#bucketMinMs = roundTripMs
    this.#minMs = Math.min(this.#bucketMinMs, this.#previousMinMs)
    const errorMs = Math.abs(roundTripMs - this.#smoothedMs)
    this.#smoothedMs += (roundTripMs - this.#smoothedMs) / 8
    this.#fastDeviationMs += (errorMs - this.#fastDeviationMs) / 4
    this.#slowDeviationMs += (errorMs - this.#slowDeviationMs) / 32
  }

  #takePredictionError(errorMs: number): void {
    const deviationMs = Math.abs(errorMs - this.#predictionErrorMs)
    this.#predictionErrorMs += (errorMs - this.#predictionErrorMs) / 16
    this.#predictionDeviationMs += (deviationMs - this.#predictionDeviationMs) / 16
  }

  #takeRate(flight: Flight, nowMs: number): void {
    const { deliveredMs, deliveredSentMs } = flight
    if (deliveredMs === undefined || deliveredSentMs === undefined) return
    const intervalMs = Math.max(nowMs - deliveredMs, flight.sentMs - deliveredSentMs)
    if (intervalMs < this.minRoundTripMs) return
    const sample = (this.#deliveredBytes - flight.deliveredBytes) / intervalMs
    if (flight.applicationLimited && sample <= this.#rate) return
    const slot = this.#rateRound % RATE_ROUNDS
    this.#roundMeasured = true
    if (sample > (this.#rateOfRound[slot] ?? 0)) this.#rateOfRound[slot] = sample
    if (sample > this.#rate) this.#rate = sample
    this.#averageRate = this.#averageRate === 0 ? sample : this.#averageRate + (sample - this.#averageRate) / 16
  }

  #takeBurst({ wireBytes, sentMs }: Flight, previousDeliveryMs: number, nowMs: number): void {
    const expectedBytes = this.#rate * (nowMs - this.#burstStartMs)
    if (this.#burstBytes <= expectedBytes) {
      this.#burstStartMs = nowMs
      this.#burstBytes = wireBytes
      // Silence since the ack before, as far as one could be expected.
      this.#burstLimitBytes = this.#burstLimitAfter(nowMs - Math.max(previousDeliveryMs, sentMs))
    } else this.#burstBytes += wireBytes
    const extraBytes = Math.min(this.#burstBytes - this.#rate * (nowMs - this.#burstStartMs), this.#burstLimitBytes)
    const slot = this.#round % RATE_ROUNDS
    if (extraBytes > (this.#extraOfRound[slot] ?? 0)) this.#extraOfRound[slot] = extraBytes
    if (extraBytes > this.#extraBytes) this.#extraBytes = extraBytes
  }

  /** A burst that an event loop made is as large as what was in flight: to make room for all of it makes the next one larger. */
  #burstLimitAfter(silenceMs: number): number {
    if (silenceMs > LONG_SILENCE_MS) return Number.POSITIVE_INFINITY
    return silenceMs > LEAST_HEAD_MS ? Math.max(MOST_HEAD_BYTES, MOST_BURST_BYTES / this.linkCount) : MOST_HEAD_BYTES
  }

  #advanceRound(flight: Flight, roundTripMs: number, nowMs: number): void {
    if (this.#startup) {
      if (!flight.applicationLimited)
        this.#startupWindowBytes = Math.min(this.#startupWindowBytes + flight.wireBytes, this.config.windowLimit)
      this.#watchLateness(roundTripMs, nowMs)
    }
    if (flight.deliveredBytes < this.#roundEndBytes) return
    this.#roundEndBytes = this.#deliveredBytes + this.#inFlightBytes
    this.#bothWays = this.#receivedBytes > BOTH_WAYS_SHARE * this.#inFlightBytes
    this.#receivedBytes = 0
    if (!this.#roundMeasured) return
    this.#roundMeasured = false
    if (this.#startup) this.#judgeStartup(nowMs)
    this.#round++
    const oldest = this.#round % RATE_ROUNDS
    this.#extraOfRound[oldest] = 0
    this.#extraBytes = Math.max(...this.#extraOfRound)
    const isLongRound = this.#round % BOTH_WAYS_ROUNDS === 0
    if (isLongRound || (this.#round === this.#probeEndRound && this.#rate > PROBE_GROWTH * this.#probeRate)) this.#probe()
    if (this.#bothWays && !isLongRound) return
    this.#rateRound++
    this.#rateOfRound[this.#rateRound % RATE_ROUNDS] = 0
    this.#rate = Math.max(...this.#rateOfRound)
  }

  #probe(): void {
    this.#probeEndRound = this.#round + PROBE_ROUNDS
    this.#probeRate = this.#rate
  }

  /** Acks that come ever later while the window grows: the path is full. */
  #watchLateness(roundTripMs: number, nowMs: number): void {
    const minMs = this.minRoundTripMs
    const lateMs = minMs + Math.max(8, minMs / 4, Math.min(2 * this.#slowDeviationMs, minMs))
    if (roundTripMs <= lateMs) return
    this.#lateAcksInRound++
    if (this.#lateAcksInRound >= 8 && this.#startupWindowBytes > 65_536) this.#endStartup(nowMs)
  }

  #judgeStartup(nowMs: number): void {
    const grown = this.#rate >= this.#startupRate * 1.25
    if (grown) {
      this.#startupRate = this.#rate
      this.#roundsWithoutGrowth = 0
    } else {
      this.#roundsWithoutGrowth++
      if (this.#roundsWithoutGrowth >= 3 || this.#lateAcksInRound >= 4) this.#endStartup(nowMs)
    }
    this.#lateAcksInRound = 0
  }

  #endStartup(nowMs: number): void {
    if (this.#rate === 0) return
    this.#startup = false
    this.#startupEndMs = nowMs
  }
}
