// Asks the link filters, one link after the other, so that two links that may not both join are never both let in.

import type { Link } from './link.ts'
import type { LinkFilter } from './transports/transport.ts'

/** A filter that has not answered by then has said no. */
const FILTER_TIMEOUT_MS = 10_000

export class LinkAdmission {
  /** The links that are there. */
  readonly #present: () => readonly Link[]
  /** Let in, but not there yet. */
  readonly #admitted = new Set<Link>()
  #last: Promise<unknown> = Promise.resolve()

  constructor(present: () => readonly Link[]) {
    this.#present = present
  }

  /** Whether all `filters` let `link` in. A yes holds until `release`, or until the link is among the present ones. */
  admit(link: Link, filters: readonly (LinkFilter | undefined)[]): boolean | Promise<boolean> {
    const asked = filters.filter(filter => filter !== undefined)
    if (asked.length === 0) return true
    const answer = this.#last.then(() => this.#ask(link, asked))
    this.#last = answer
    return answer
  }

  /** The link joined, or will not. */
  release(link: Link): void {
    this.#admitted.delete(link)
  }

  async #ask(link: Link, filters: readonly LinkFilter[]): Promise<boolean> {
    const present = this.#present()
    const existing = [...present, ...Array.from(this.#admitted).filter(other => !present.includes(other))]
    for (const filter of filters) if (!(await inTime(filter, link, existing))) return false
    this.#admitted.add(link)
    return true
  }
}

async function inTime(filter: LinkFilter, link: Link, existing: readonly Link[]): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const tooLate = new Promise<false>(resolve => {
    timer = setTimeout(() => resolve(false), FILTER_TIMEOUT_MS)
  })
  try {
    return (await Promise.race([filter(link, existing), tooLate])) === true
  } catch {
    return false
  } finally {
    clearTimeout(timer)
  }
}
