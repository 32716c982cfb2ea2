// Matches what both sides of each connection tell, and says what must not have happened.

import type { SideOutcome } from './outcome.ts'
import type { EndingKind, LifePlan } from './plan.ts'

/** What a side may get that never was connected: what the system says of a path, or hawser of its links. */
const CANNOT_CONNECT = [
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
  'EPROTO',
]
CANNOT_CONNECT.push('EADDRNOTAVAIL', 'ENODEV')

/** Whoever accepted a connection that its client never used, or ended before it said a word. */
const UNUSED = ['all-links-failed', 'no-links-timeout', 'terminated', 'closed-by-peer']

/** What the other side of an abrupt ending may be told. The end by force may be lost with the last link. */
const ABRUPT: Record<Exclude<EndingKind, 'end'>, readonly string[]> = {
  terminate: ['terminated', 'no-links-timeout', 'aborted-by-server'],
  destroy: ['closed-by-peer', 'terminated', 'no-links-timeout', 'aborted-by-server'],
  destroySoon: ['closed-by-peer', 'terminated', 'no-links-timeout', 'aborted-by-server'],
}

/** What a client may be told whose server was killed. */
const KILLED = ['server-id-mismatch', 'aborted-by-server', 'no-links-timeout', 'all-links-failed']

interface Life {
  readonly plan: LifePlan
  client?: SideOutcome
  accepted?: SideOutcome
}

export interface JudgeCounts {
  /** Connections that both sides ended in good order, and those that were ended abruptly as planned. */
  whole: number
  abrupt: number
  /** Connections to the server that is killed. */
  mortal: number
  /** Connections that did not come about, for there was no way at that moment. */
  notConnected: number
  unclaimed: number
  bytes: number
}

export class Judge {
  readonly mistakes: string[] = []
  readonly counts: JudgeCounts = { whole: 0, abrupt: 0, mortal: 0, notConnected: 0, unclaimed: 0, bytes: 0 }
  readonly #lives = new Map<number, Life>()

  begun(plan: LifePlan): void {
    this.#lives.set(plan.life, { plan })
  }

  outcome(outcome: SideOutcome): void {
    const life = this.#lives.get(outcome.life)
    if (!life) {
      this.mistakes.push(`connection ${outcome.life} is told of that is over or never was`)
      return
    }
    life[outcome.side] = outcome
    this.counts.bytes += outcome.read
    this.#judgeSide(life.plan, outcome)
    if (life.client && (life.accepted || life.plan.server === 'mortal')) this.#close(life)
  }

  unclaimed(error: SideOutcome['error']): void {
    this.counts.unclaimed++
    if (error && !UNUSED.includes(error.reason ?? '')) this.mistakes.push(`a connection without a plan: ${error.message}`)
  }

  /** No more outcomes come. */
  finish(): void {
    for (const life of [...this.#lives.values()]) this.#close(life)
  }

  #close({ plan, client, accepted }: Life): void {
    this.#lives.delete(plan.life)
    if (!client) this.mistakes.push(`connection ${plan.life}: its client never closed`)
    else if (plan.server === 'mortal') this.#judgeMortal(plan, client)
    else if (accepted) this.#judgePair(plan, client, accepted)
    else if (!client.connected) this.#judgeUnconnected(client)
    else if (plan.client.ending === 'end') this.#mistake(plan, `nobody accepted it; its client: ${show(client)}`)
    else this.counts.abrupt++ // ended before a word of it arrived
  }

  #judgeSide(plan: LifePlan, outcome: SideOutcome): void {
    const { side, wrongAt, mistakes, error, hadError } = outcome
    if (wrongAt !== null) this.#mistake(plan, `${side} read a wrong byte at ${wrongAt}`)
    if (mistakes.length > 0) this.#mistake(plan, `${side}: ${mistakes.join(', ')}`)
    if (hadError !== (error !== null)) this.#mistake(plan, `${side}: close(${hadError}) with error ${error?.message}`)
    if (error && error.code === null) this.#mistake(plan, `${side}: an error without a code: ${error.message}`)
  }

  #judgeUnconnected(client: SideOutcome): void {
    this.counts.notConnected++
    const { error } = client
    if (error && !CANNOT_CONNECT.includes(error.code ?? '')) this.mistakes.push(`connecting: ${error.message}`)
  }

  #judgeMortal(plan: LifePlan, client: SideOutcome): void {
    this.counts.mortal++
    if (!client.connected) {
      this.#judgeUnconnected(client)
      return
    }
    const due = [...KILLED, ...this.#dueTo(plan, 'client')]
    if (client.error && !due.includes(client.error.reason ?? ''))
      this.#mistake(plan, `client of the killed server: ${show(client)}`)
    const whole = plan.accepted.bytes
    if (client.ended && plan.accepted.ending === 'end' && plan.client.ending === 'end' && client.read !== whole) {
      this.#mistake(plan, `end after ${client.read} of ${whole} bytes from the killed server`)
    }
  }

  #judgePair(plan: LifePlan, client: SideOutcome, accepted: SideOutcome): void {
    const abrupt = plan.client.ending !== 'end' || plan.accepted.ending !== 'end'
    this.counts[abrupt ? 'abrupt' : 'whole']++
    for (const [own, other] of [
      [client, accepted],
      [accepted, client],
    ] as const) {
      if (own.read > other.wrote) this.#mistake(plan, `${own.side} read ${own.read} bytes of ${other.wrote}`)
      if (own.ended && own.read !== other.wrote) {
        this.#mistake(plan, `${own.side}: end after ${own.read} of ${other.wrote} bytes`)
      }
      const { bytes } = plan[own.side]
      const unexpected = own.error && !this.#dueTo(plan, own.side).includes(own.error.reason ?? '')
      const cutShort = !own.ended || !own.finished || (bytes !== null && own.wrote !== bytes)
      if (unexpected || (!abrupt && cutShort)) this.#mistake(plan, `${own.side}: ${show(own)}`)
    }
  }

  /** Reasons of errors that the ending of the other side may bring. */
  #dueTo(plan: LifePlan, side: SideOutcome['side']): readonly string[] {
    const { ending } = plan[side === 'client' ? 'accepted' : 'client']
    return ending === 'end' ? [] : ABRUPT[ending]
  }

  #mistake(plan: LifePlan, text: string): void {
    this.mistakes.push(`connection ${plan.life}: ${text}\n      plan ${JSON.stringify(plan)}`)
  }
}

function show({ connected, wrote, read, ended, finished, error }: SideOutcome): string {
  const ending = `${ended ? 'end' : 'no end'}, ${finished ? 'finish' : 'no finish'}`
  return `${connected ? '' : 'not connected, '}wrote ${wrote}, read ${read}, ${ending}, ${error ? `${error.code} ${error.reason}: ${error.message}` : 'no error'}`
}
