// Plays a transcript: what one engine gets, and when, and what it must send and report then. The bytes go through the
// library's codec; what is expected was worked out from docs/protocol.md, whose sections the comments name.
//
//   0   A B work            | the links A and B have joined and passed their tests; later ones join with `C joins`
//   0   write 68 69         | input: the application writes two bytes
//       A > 07 00000000, 68 69
//   10  A < 08 00000000     | input: bytes that arrive
//       ! writable          | events
//
// A line begins with the time in ms, or has that of the line above. What stands behind `|` is comment. Bytes are in hex;
// `61*300` is a byte 300 times, a comma ends a packet. `A > ...` and `! ...` are what the engine does, everything else is
// what happens to it. Between two inputs all that it does must be told; the order counts on each link and among events.
// Where the protocol leaves the choice to the engine the comment says "free".

import t from 'tap'
import { type ConfigInput, resolveConfig } from '../../../lib/config.ts'
import { Connection } from '../../../lib/engine/connection.ts'
import type { EngineLink } from '../../../lib/engine/engine-link.ts'
import type { EngineEvent } from '../../../lib/engine/events.ts'
import { ProtocolError } from '../../../lib/protocol/protocol-error.ts'
import { StreamDecoder } from '../../../lib/protocol/stream-decoder.ts'
import { StreamEncoder } from '../../../lib/protocol/stream-encoder.ts'
import { FrameReader, FrameWriter } from './frames.ts'

export interface Setting {
  readonly config?: ConfigInput
  /** Receive buffer of the peer. @defaultValue 1,000,000 */
  readonly remoteRecvBuffer?: number
  /** The peer is a hawser. @defaultValue false: as the reference */
  readonly peerAcksAll?: boolean
  readonly firstSequence?: { readonly send: number; readonly receive: number }
}

interface Line {
  readonly timeMs: number
  readonly text: string
}

/** On the engine's clock the transcript begins then. */
const START_MS = 100_000
const ROUND_TRIP_MS = 10

/** Declares the test of a transcript. */
export function transcript(title: string, setting: Setting, text: string): void {
  t.test(title, async t => {
    const player = new Player(setting)
    const expected: Line[] = []
    const actual: Line[] = []
    const lines = parse(text)
    for (const [index, line] of lines.entries()) {
      if (isOutcome(line)) {
        expected.push(line)
        continue
      }
      actual.push(...player.advance(line.timeMs), ...player.input(line))
      const next = lines.slice(index + 1).find(later => !isOutcome(later))
      const until = next?.timeMs ?? Math.max(line.timeMs, lines.at(-1)?.timeMs ?? 0)
      // What becomes due at the time of the next input comes before it only if it is earlier.
      actual.push(...player.advance(next ? until - 0.001 : until))
    }
    t.same(sorted(actual), sorted(expected))
  })
}

function parse(text: string): Line[] {
  let timeMs = 0
  return text
    .split('\n')
    .map(line => (line.split('|')[0] as string).trim())
    .filter(line => line.length > 0)
    .map(line => {
      const [, time, rest] = /^(?:([\d.]+)\s+)?(.*)$/.exec(line) as unknown as [string, string | undefined, string]
      if (time !== undefined) timeMs = Number(time)
      return { timeMs, text: normal(rest) }
    })
}

/** One way to write what a line says. */
function normal(line: string): string {
  const text = line.replace(/\s+/g, ' ').replace(/ ?, ?/g, ', ')
  const [, head, bytes] = /^(\w+ > )(.*)$/.exec(text) ?? []
  return bytes === undefined ? text : `${head}${packetsOf(bytes).map(hexOf).join(', ')}`
}

function isOutcome({ text }: Line): boolean {
  return text.startsWith('!') || /^\w+ > /.test(text)
}

/** In order of time, then of links; what a link does keeps its order. */
function sorted(lines: readonly Line[]): string[] {
  const key = ({ text }: Line) => (text.startsWith('!') ? '!' : text.split(' ')[0])
  return lines
    .map((line, index) => ({ ...line, index }))
    .sort((one, other) => one.timeMs - other.timeMs || compare(key(one), key(other)) || one.index - other.index)
    .map(({ timeMs, text }) => `${timeMs} ${text}`)
}

function compare(one: string | undefined, other: string | undefined): number {
  return one === other ? 0 : (one ?? '') < (other ?? '') ? -1 : 1
}

interface Wire {
  readonly link: EngineLink
  readonly encoder: StreamEncoder
  readonly decoder: StreamDecoder
  readonly writer: FrameWriter
  readonly reader: FrameReader
}

class Player {
  readonly #setting: Setting
  readonly #engine: Connection
  readonly #wires = new Map<string, Wire>()
  #nowMs = START_MS

  constructor(setting: Setting) {
    this.#setting = setting
    const { link, ...rest } = setting.config ?? {}
    const config = resolveConfig({ ...rest, link: { testDataLimit: 0, ...link } })
    const { firstSequence } = setting
    this.#engine = new Connection({ config, ...(firstSequence && { firstSequence }) }, this.#nowMs - ROUND_TRIP_MS)
  }

  /** Runs all deadlines until then. */
  advance(timeMs: number): Line[] {
    const lines: Line[] = []
    const endMs = START_MS + timeMs
    for (;;) {
      const deadlineMs = this.#engine.nextDeadlineMs
      if (deadlineMs === undefined || deadlineMs > endMs) break
      this.#nowMs = Math.max(this.#nowMs, deadlineMs)
      this.#engine.expire(this.#nowMs)
      lines.push(...this.#take())
    }
    this.#nowMs = Math.max(this.#nowMs, endMs)
    return lines
  }

  input({ text, timeMs }: Line): Line[] {
    this.#nowMs = START_MS + timeMs
    const words = text.split(' ')
    const nowMs = this.#nowMs
    const engine = this.#engine
    if (words.at(-1) === 'work') {
      for (const name of words.slice(0, -1)) this.#addWorking(name)
      return []
    }
    const [first = '', verb = ''] = words
    switch (first) {
      case 'write':
        for (const chunk of packetsOf(words.slice(1).join(' '))) engine.write([chunk], nowMs)
        return this.#take()
      case 'read':
        return this.#read(timeMs, words.slice(1).join(' '))
      case 'finish':
      case 'closeRead':
      case 'dropRead':
      case 'terminate':
        engine[first](nowMs)
        return this.#take()
      case 'wait':
        return this.#take()
    }
    if (verb === 'joins') this.#add(first, nowMs)
    else if (verb === '<') this.#receive(this.#wire(first), packetsOf(words.slice(2).join(' ')))
    else if (verb === '<raw') this.#push(this.#wire(first), Buffer.concat(packetsOf(words.slice(2).join(' '))))
    else this.#meddle(this.#wire(first).link, verb)
    return this.#take()
  }

  #meddle(link: EngineLink, verb: string): void {
    const nowMs = this.#nowMs
    const engine = this.#engine
    if (verb === 'breaks') engine.linkLost(link, 'io-error', nowMs)
    else if (verb === 'blocks') engine.setBlocked(link, true, nowMs)
    else if (verb === 'unblocks') engine.setBlocked(link, false, nowMs)
    else if (verb === 'leaves') engine.disconnectLink(link, nowMs)
    else if (verb === 'fills') engine.setWritable(link, false, nowMs)
    else if (verb === 'drains') engine.setWritable(link, true, nowMs)
    else throw new Error(`what is "${verb}"?`)
  }

  #wire(name: string): Wire {
    const wire = this.#wires.get(name)
    if (!wire) throw new Error(`there is no link ${name}`)
    return wire
  }

  #add(name: string, nowMs: number): EngineLink {
    const { config, remoteRecvBuffer = 1_000_000, peerAcksAll } = this.#setting
    const link = this.#engine.addLink(
      {
        config: resolveConfig({ link: { testDataLimit: 0, ...config?.link } }).link,
        roundTripMs: ROUND_TRIP_MS,
        remoteRecvBuffer,
        remoteAcksAll: peerAcksAll,
      },
      nowMs,
    )
    const decoder = new StreamDecoder()
    decoder.finishHandshake()
    const wire = { link, encoder: new StreamEncoder(), decoder, writer: new FrameWriter(), reader: new FrameReader() }
    this.#wires.set(name, wire)
    return link
  }

  /** A link as it is once the Pong of its test has come, one round trip before the transcript. */
  #addWorking(name: string): void {
    const link = this.#add(name, START_MS - ROUND_TRIP_MS)
    const output = this.#engine.takeOutput(START_MS - ROUND_TRIP_MS)
    if (output?.link !== link || output.message.type !== 5) throw new Error('a new link is pinged')
    this.#engine.receive(link, { type: 6 }, START_MS)
    while (this.#engine.takeEvent());
  }

  #receive(wire: Wire, packets: readonly Uint8Array[]): void {
    for (const packet of packets) this.#push(wire, wire.writer.frame(packet))
  }

  #push(wire: Wire, bytes: Uint8Array): void {
    const { decoder, link } = wire
    try {
      decoder.push(bytes)
      for (let message = decoder.next(); message; message = decoder.next()) this.#engine.receive(link, message, this.#nowMs)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      if (error.scope === 'connection') this.#engine.abort('protocol-error', this.#nowMs)
      else this.#engine.linkLost(link, 'protocol-error', this.#nowMs)
    }
  }

  #read(timeMs: number, expected: string): Line[] {
    const pieces: Uint8Array[] = []
    for (let piece = this.#engine.read(); piece; piece = this.#engine.read()) pieces.push(piece)
    const got = hexOf(Buffer.concat(pieces))
    const wanted = hexOf(Buffer.concat(packetsOf(expected)))
    // As an outcome of its own, so that a difference shows beside the others.
    return [...(got === wanted ? [] : [{ timeMs, text: `! read ${got}` }]), ...this.#take()]
  }

  #take(): Line[] {
    const lines: Line[] = []
    const timeMs = Math.round((this.#nowMs - START_MS) * 1_000) / 1_000
    for (let more = true; more; ) {
      more = false
      for (let output = this.#engine.takeOutput(this.#nowMs); output; output = this.#engine.takeOutput(this.#nowMs)) {
        const [name, wire] = this.#named(output.link)
        wire.encoder.encode(output.message)
        const packets = wire.reader.packets(Buffer.concat(wire.encoder.take()))
        lines.push({ timeMs, text: `${name} > ${packets.map(hexOf).join(', ')}` })
        more = true
      }
      for (let event = this.#engine.takeEvent(); event; event = this.#engine.takeEvent()) {
        lines.push({ timeMs, text: `! ${this.#describe(event)}` })
        more = true
      }
    }
    return lines
  }

  #named(link: EngineLink): [string, Wire] {
    for (const entry of this.#wires) if (entry[1].link === link) return entry
    throw new Error('a link without a name')
  }

  #describe(event: EngineEvent): string {
    const parts: string[] = [event.kind]
    if ('link' in event) parts.push(this.#named(event.link)[0])
    if ('reason' in event) parts.push(event.reason)
    if ('abrupt' in event && event.abrupt) parts.push('abruptly')
    if (event.kind === 'closed' && event.failure) parts.push(event.failure)
    return parts.join(' ')
  }
}

/** `61 62*3, 63` as packets. */
function packetsOf(text: string): Uint8Array[] {
  return text.split(', ').map(packet =>
    Buffer.concat(
      packet
        .split(' ')
        .filter(word => word.length > 0)
        .map(word => {
          const [hex = '', count = '1'] = word.split('*')
          if (!/^([0-9a-f]{2})+$/.test(hex)) throw new Error(`"${word}" is no hex`)
          return Buffer.concat(Array.from({ length: Number(count) }, () => Buffer.from(hex, 'hex')))
        }),
    ),
  )
}

/** One way to write bytes: each by itself, long runs with a count. */
function hexOf(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex')
  const words = hex.match(/../g) ?? []
  const runs: string[] = []
  for (let at = 0; at < words.length; ) {
    let end = at
    while (words[end] === words[at]) end++
    runs.push(...(end - at > 8 ? [`${words[at]}*${end - at}`] : words.slice(at, end)))
    at = end
  }
  return runs.join(' ')
}
