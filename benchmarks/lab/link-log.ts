// What becomes of the links of a bonded socket during a transfer.

import type { Duplex } from 'node:stream'
import type { Link, Socket } from '../../lib/index.ts'
import { nowMs } from './clock.ts'
import { type LinkReport, type Side, say } from './messages.ts'

/** Of other streams there are no links. */
export class LinkLog {
  id = 'unknown'
  readonly #links: Link[] = []

  constructor(stream: Duplex) {
    if (!('links' in stream)) return
    const socket = stream as Socket
    for (const link of socket.links) this.#add(link)
    socket.on('link', link => this.#add(link))
  }

  report(side: Side): void {
    if (this.#links.length > 0) say({ kind: 'links', id: this.id, side, links: this.#links.map(reportOf) })
  }

  #add(link: Link): void {
    if (this.#links.includes(link)) return
    this.#links.push(link)
    link.on('notworking', reason => {
      say({ kind: 'notworking', id: this.id, tag: String(link.tag), reason, atMs: nowMs() })
    })
  }
}

function reportOf(link: Link): LinkReport {
  const { bytesSent, hangs, resent, minRoundTrip } = link.stats
  return { tag: String(link.tag), bytesSent, hangs, resent, minRoundTripMs: minRoundTrip }
}
