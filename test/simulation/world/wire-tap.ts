// Listens to all links of one connection: reads what goes over them and lets the wire auditor judge it.

import type { LinkMessage } from '../../../lib/protocol/messages.ts'
import { describe, WireAuditor } from '../wire-auditor.ts'
import type { ConnectionPlan, Side, WorldPlan } from './plan.ts'
import type { Trace } from './trace.ts'
import { type ParsedMessage, WireParser } from './wire-parser.ts'

const ACCEPTED = 3

/** One side of a link. */
interface Ear {
  readonly parser: WireParser
  /** Accepted has gone by. */
  joined: boolean
}

export class WireTap {
  readonly #auditor: WireAuditor
  readonly #trace: Trace
  readonly #connection: number
  readonly #ears = new Map<string, Ear>()

  constructor(world: WorldPlan, plan: ConnectionPlan, trace: Trace, connection: number, fail: (text: string) => never) {
    const limits = (sending: ConnectionPlan['config'], receiving: ConnectionPlan['config']) => ({
      sendBuffer: sending.sendBuffer ?? 0,
      remoteRecvBuffer: receiving.recvBuffer ?? 0,
      firstSequence: world.firstSequence,
    })
    const { config } = plan
    this.#auditor = new WireAuditor(
      { client: limits(config, world.serverConfig), server: limits(world.serverConfig, config) },
      text => fail(`connection ${connection}: ${text}`),
      { seesArrival: true },
    )
    this.#trace = trace
    this.#connection = connection
  }

  saw(link: number, packets: boolean, side: Side, direction: 'sent' | 'received', chunk: Uint8Array): void {
    const key = `${link} ${side} ${direction}`
    let ear = this.#ears.get(key)
    if (!ear) {
      ear = { parser: new WireParser(packets), joined: false }
      this.#ears.set(key, ear)
    }
    for (const message of ear.parser.push(chunk)) this.#hear(ear, link, side, direction, message)
  }

  #hear(ear: Ear, link: number, side: Side, direction: 'sent' | 'received', message: ParsedMessage): void {
    const { type, sequence = 0, bytes = 0 } = message
    const asMessage = message as LinkMessage
    const told = [link * 4 + (side === 'client' ? 2 : 0) + (direction === 'sent' ? 1 : 0), type, sequence, bytes]
    this.#trace.wire(told, () => `${side} ${this.#connection} link ${link} ${direction} ${describe(asMessage)}`)
    const handshake = !ear.joined && type <= 4
    if (type === ACCEPTED || type > 4) ear.joined = true
    if (handshake) return
    if (direction === 'sent') this.#auditor.sent(side, link, asMessage, 0)
    else this.#auditor.received(side, link, asMessage, 0)
  }
}
