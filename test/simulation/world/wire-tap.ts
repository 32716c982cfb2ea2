// Listens to all links of one connection: reads what goes over them and lets the judges of the wire have it.

import { defaults } from '../../../lib/config.ts'
import type { LinkMessage } from '../../../lib/protocol/messages.ts'
import { version097 } from '../roles/reference-version.ts'
import { describe, WireAuditor } from '../wire-auditor.ts'
import { type AckTimeouts, SilenceJudge } from './judges/silence.ts'
import type { ConnectionPlan, Role, Side, WorldPlan } from './plan.ts'
import type { Trace } from './trace.ts'
import type { VirtualLoop } from './virtual-loop.ts'
import { type ParsedMessage, WireParser } from './wire-parser.ts'

const ACCEPTED = 3
const DATA = 7
const FRAME_BYTES = 10

/** One direction of a link at one of its ends. */
interface Ear {
  readonly parser: WireParser
  readonly sinceMs: number
  /** Accepted has gone by. */
  joined: boolean
  /** Bytes of messages behind it, each framed. */
  bytes: number
}

export interface WireTapOptions {
  readonly world: WorldPlan
  readonly plan: ConnectionPlan
  readonly trace: Trace
  readonly loop: VirtualLoop
  /** Number of the connection. */
  readonly connection: number
  readonly roleOf: (side: Side) => Role
  readonly fail: (text: string) => never
}

export class WireTap {
  readonly auditor: WireAuditor
  readonly #options: WireTapOptions
  readonly #timeouts: Record<Side, AckTimeouts>
  readonly #ears = new Map<string, Ear>()
  readonly #silences = new Map<string, SilenceJudge>()

  constructor(options: WireTapOptions) {
    const { world, plan, connection, roleOf, fail } = options
    const limits = (side: Side, sending: ConnectionPlan['config'], receiving: ConnectionPlan['config']) => ({
      spanLimit: roleOf(side) === '0.9.7' ? version097.sentSpan : undefined,
      sendBuffer: sending.sendBuffer ?? 0,
      remoteRecvBuffer: receiving.recvBuffer ?? 0,
      firstSequence: world.firstSequence,
    })
    const { config } = plan
    this.auditor = new WireAuditor(
      { client: limits('client', config, world.serverConfig), server: limits('server', world.serverConfig, config) },
      text => fail(`connection ${connection}: ${text}`),
      { seesArrival: true },
    )
    this.#options = options
    this.#timeouts = { client: ackTimeoutsOf(config), server: ackTimeoutsOf(world.serverConfig) }
  }

  saw(link: number, packets: boolean, side: Side, direction: 'sent' | 'received', chunk: Uint8Array): void {
    const key = `${link} ${side} ${direction}`
    let ear = this.#ears.get(key)
    if (!ear) {
      ear = { parser: new WireParser(packets), sinceMs: this.#options.loop.nowMs, joined: false, bytes: 0 }
      this.#ears.set(key, ear)
    }
    for (const message of ear.parser.push(chunk)) this.#hear(ear, link, side, direction, message)
  }

  /** Bytes of messages that went over a link after its handshake, each framed as on a byte stream. */
  bytesOf(link: number, side: Side, direction: 'sent' | 'received'): number {
    return this.#ears.get(`${link} ${side} ${direction}`)?.bytes ?? 0
  }

  #hear(ear: Ear, link: number, side: Side, direction: 'sent' | 'received', message: ParsedMessage): void {
    const { type, sequence = 0, bytes = 0, wireBytes } = message
    const { trace, loop, connection } = this.#options
    const asMessage = message as unknown as LinkMessage
    const told = [link * 4 + (side === 'client' ? 2 : 0) + (direction === 'sent' ? 1 : 0), type, sequence, bytes]
    trace.wire(told, () => `${side} ${connection} link ${link} ${direction} ${describe(asMessage)}`)
    const handshake = !ear.joined && type <= 4
    if (type === ACCEPTED || type > 4) ear.joined = true
    if (handshake) return
    ear.bytes += wireBytes + FRAME_BYTES * (type === DATA ? 2 : 1)
    const { roleOf } = this.#options
    if (roleOf('client') === 'hostile' || roleOf('server') === 'hostile') return
    if (direction === 'sent') this.auditor.sent(side, link, asMessage, loop.nowMs)
    else this.auditor.received(side, link, asMessage, loop.nowMs)
    if (roleOf(side) === 'hawser') this.#judgeSilence(ear, link, side, direction, message)
  }

  #judgeSilence(ear: Ear, link: number, side: Side, direction: 'sent' | 'received', message: ParsedMessage): void {
    const { loop, connection, fail } = this.#options
    const key = `${link} ${side}`
    let judge = this.#silences.get(key)
    if (!judge) {
      judge = new SilenceJudge(this.#timeouts[side], loop.nowMs - ear.sinceMs)
      this.#silences.set(key, judge)
    }
    if (direction === 'received') judge.received(message, loop.nowMs)
    else {
      const wrong = judge.sent(message, loop.nowMs, loop.punctualSinceMs(side))
      if (wrong) fail(`connection ${connection}: ${side} sent a message on link ${link}, where ${wrong}`)
    }
  }
}

function ackTimeoutsOf({ link }: ConnectionPlan['config']): AckTimeouts {
  const { ackTimeoutMin, ackTimeoutMax, ackTimeoutFactor } = { ...defaults.link, ...link }
  return { minMs: ackTimeoutMin, maxMs: ackTimeoutMax, factor: ackTimeoutFactor }
}
