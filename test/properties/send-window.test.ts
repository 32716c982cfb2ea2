// Send window and resend queue against a model: a list of messages, looked through from the beginning each time.

import { deepEqual, equal } from 'node:assert/strict'
import fc from 'fast-check'
import { ResendQueue } from '../../lib/engine/resend-queue.ts'
import { SEQUENCE_SPAN_LIMIT, SendWindow, type SentMessage } from '../../lib/engine/send-window.ts'
import { MessageType, type ReliableMessage } from '../../lib/protocol/messages.ts'
import { addSequence } from '../../lib/protocol/sequence.ts'
import { holds } from './holds.ts'

interface ModelMessage {
  readonly sequence: number
  readonly bytes: number
  acked: boolean
  /** Some link that is not in doubt carries it. */
  carried: boolean
  waiting: boolean
}

class Model {
  readonly first: number
  readonly sent: ModelMessage[] = []
  unconsumedBytes = 0

  constructor(first: number) {
    this.first = first
  }

  get oldest(): number {
    const index = this.sent.findIndex(message => !message.acked)
    return index < 0 ? this.sent.length : index
  }

  get toResend(): ModelMessage[] {
    return this.sent.filter(message => message.waiting && !message.acked && !message.carried)
  }
}

class Real {
  readonly window: SendWindow
  readonly resends = new ResendQueue()
  readonly sent: SentMessage[] = []

  constructor(first: number) {
    this.window = new SendWindow(first)
  }
}

const sumOf = (messages: readonly ModelMessage[]) => messages.reduce((sum, { bytes }) => sum + bytes, 0)

function compare(model: Model, { window, resends }: Real): void {
  const { sent, oldest } = model
  equal(window.nextSequence, addSequence(model.first, sent.length))
  equal(window.span, sent.length - oldest)
  equal(window.unackedBytes, sumOf(sent.filter(({ acked }) => !acked)))
  const ackedAheadBytes = sumOf(sent.slice(oldest).filter(({ acked }) => acked))
  equal(window.unconsumableBytes, Math.min(ackedAheadBytes, model.unconsumedBytes))
  equal(window.unconsumedBytes, model.unconsumedBytes)
  equal(window.hasRoomForData, window.span < SEQUENCE_SPAN_LIMIT - 1_024)
  equal(window.fromOldest(0)?.sequence, sent[oldest]?.sequence)
  equal(window.fromOldest(sent.length - oldest), undefined)
  equal(resends.length, model.toResend.length)
  equal(resends.peek()?.sequence, model.toResend[0]?.sequence)
}

abstract class Step implements fc.Command<Model, Real> {
  check(_model: Readonly<Model>): boolean {
    return true
  }

  run(model: Model, real: Real): void {
    this.apply(model, real)
    compare(model, real)
  }

  abstract apply(model: Model, real: Real): void
  abstract toString(): string
}

/** So many new messages go out on a link that is fine. */
class Append extends Step {
  readonly #bytes: number
  readonly #count: number

  constructor(bytes: number, count: number) {
    super()
    this.#bytes = bytes
    this.#count = count
  }

  apply(model: Model, { window, sent }: Real): void {
    const bytes = this.#bytes
    for (let index = 0; index < this.#count; index++) {
      const sequence = window.nextSequence
      const message: ReliableMessage =
        bytes > 0
          ? { type: MessageType.Data, sequence, payload: [new Uint8Array(bytes)], bytes }
          : { type: MessageType.Consumed, sequence, bytes: 17 }
      const appended = window.append(message)
      appended.liveFlights = 1
      sent.push(appended)
      model.sent.push({ sequence, bytes, acked: false, carried: true, waiting: false })
      model.unconsumedBytes += bytes
    }
  }

  toString(): string {
    return `append(${this.#bytes} bytes, ${this.#count} times)`
  }
}

/** Messages chosen by their distance behind the newest one. */
abstract class OnMessages extends Step {
  readonly #from: number
  readonly #count: number

  constructor(from: number, count: number) {
    super()
    this.#from = from
    this.#count = count
  }

  override check(model: Readonly<Model>): boolean {
    return model.sent.length > 0
  }

  apply(model: Model, real: Real): void {
    const last = model.sent.length - 1 - (this.#from % model.sent.length)
    const first = Math.max(0, last - this.#count)
    this.applyTo(model.sent.slice(first, last + 1), real.sent.slice(first, last + 1), real)
  }

  toString(): string {
    return `${this.constructor.name}(${this.#from} behind the newest, and ${this.#count} more)`
  }

  abstract applyTo(model: ModelMessage[], sent: SentMessage[], real: Real): void
}

class Acknowledge extends OnMessages {
  applyTo(model: ModelMessage[], sent: SentMessage[], { window }: Real): void {
    for (const [index, message] of model.entries()) {
      message.acked = true
      window.acknowledge(sent[index] as SentMessage)
    }
  }
}

/** The link that carried them is in doubt. */
class Doubt extends OnMessages {
  applyTo(model: ModelMessage[], sent: SentMessage[], { resends }: Real): void {
    for (const message of model) {
      message.carried = false
      message.waiting = true
    }
    for (const message of sent) message.liveFlights = 0
    // Links are told in any order.
    resends.add([...sent].reverse())
  }
}

/** The link that carried them is trusted again. */
class Trust extends OnMessages {
  applyTo(model: ModelMessage[], sent: SentMessage[]): void {
    for (const message of model) message.carried = true
    for (const message of sent) message.liveFlights = 1
  }
}

class Resend extends Step {
  apply(model: Model, { resends }: Real): void {
    const due = model.toResend[0]
    const taken = resends.take()
    equal(taken?.sequence, due?.sequence)
    if (due) Object.assign(due, { waiting: false, carried: true })
    if (taken) taken.liveFlights = 1
  }

  toString(): string {
    return 'resend()'
  }
}

class Consume extends Step {
  readonly #bytes: number

  constructor(bytes: number) {
    super()
    this.#bytes = bytes
  }

  apply(model: Model, { window }: Real): void {
    const fits = this.#bytes <= model.unconsumedBytes
    deepEqual(window.consumed(this.#bytes), fits)
    if (fits) model.unconsumedBytes -= this.#bytes
  }

  toString(): string {
    return `consume(${this.#bytes})`
  }
}

const some = fc.nat(300)
const few = fc.nat(5)
const commands = fc.commands<Model, Real>(
  [
    fc.tuple(fc.nat(5_000), fc.integer({ min: 1, max: 200 })).map(([bytes, count]) => new Append(bytes, count)),
    fc.tuple(some, few).map(([from, count]) => new Acknowledge(from, count)),
    fc.tuple(some, some).map(([from, count]) => new Acknowledge(from, count)),
    fc.tuple(some, some).map(([from, count]) => new Doubt(from, count)),
    fc.tuple(some, few).map(([from, count]) => new Trust(from, count)),
    fc.constant(new Resend()),
    fc.nat(20_000).map(bytes => new Consume(bytes)),
  ],
  { maxCommands: 60, size: 'max' },
)

holds(
  'send window and resend queue do what a plain list does, also where the numbers wrap',
  fc.property(fc.constantFrom(0, 2 ** 31 - 40, 2 ** 32 - 40, 77), commands, (first, commands) => {
    fc.modelRun(() => ({ model: new Model(first), real: new Real(first) }), commands)
  }),
  100,
)

holds(
  'a message counts as sent from its number on, as far as 2^31 numbers tell',
  fc.property(fc.nat(0xffff_ffff), fc.integer({ min: -(2 ** 31) + 2, max: 2 ** 31 - 2 }), (first, ahead) => {
    const window = new SendWindow(first)
    window.append({ type: MessageType.SendFinish, sequence: first })
    return window.wasSent(addSequence(first, ahead)) === ahead <= 0
  }),
)
