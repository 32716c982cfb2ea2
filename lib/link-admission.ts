// Asks the link filters, one link after the other, so that two links that may not both join are never both let in.

import type { Link } from './link.ts'
import type { LinkFilter } from './transports/transport.ts'

/** A filter that has not answered by then has said no. */
const FILTER_TIMEOUT_MS = 10_000
/** What the first link waits for. */
const NOTHING: Promise<unknown> = Promise.resolve()

export class LinkAdmission {
  /** The links that are there. */
  readonly #present: () => readonly Link[]
  /** Let in, but not there yet. */
  readonly #admitted = new Set<Link>()
  /** Given up, perhaps before the filters answered. */
  readonly #released = new WeakSet<Link>()
  #last = NOTHING

  constructor(present: () => readonly Link[]) {
    this.#present = present
  }

  /**
   * Whether all `filters` let `link` in. A yes holds until `release`.
   *
   * @param wanted - whether the link still waits for the answer: nobody is asked about those that are gone, or a slow
   * filter would be busy with them only
   */
  admit(link: Link, filters: readonly (LinkFilter | undefined)[], wanted = () => true): boolean | Promise<boolean> {
    const asked = filters.filter(filter => filter !== undefined)
    if (asked.length === 0) return true
    const answer = this.#last.then(() => this.#ask(link, asked, wanted))
    this.#last = answer
    return answer
  }

  /** The link joined, or will not. */
  release(link: Link): void {
    this.#released.add(link)
    this.#admitted.delete(link)
  }

  async #ask(link: Link, filters: readonly LinkFilter[], wanted: () => boolean): Promise<boolean> {
    for (const filter of filters) {
      if (this.#released.has(link) || !wanted()) return false
      if (!(await saysYes(filter, link, this.#existing()))) return false
    }
    if (this.#released.has(link) || !wanted()) return false
    this.#admitted.add(link)
    return true
  }

  #existing(): readonly Link[] {
    return [...new Set([...this.#present(), ...this.#admitted])]
  }
}

async function saysYes(filter: LinkFilter, link: Link, existing: readonly Link[]): Promise<boolean> {
  return answersYes(() => filter(link, existing), FILTER_TIMEOUT_MS)
}

/** Whether the application says yes: no is also a throw, a rejection, anything but `true`, and no answer in time. */
export async function answersYes(ask: () => unknown, timeoutMs: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const tooLate = new Promise<false>(resolve => {
    timer = setTimeout(() => resolve(false), timeoutMs)
    timer.unref?.()
  })
  try {
    return (await Promise.race([ask(), tooLate])) === true
  } catch {
    return false
  } finally {
    clearTimeout(timer)
  }
}
