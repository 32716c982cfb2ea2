import { Duplex, type DuplexOptions } from 'node:stream'
import { runInNewContext } from 'node:vm'
import t, { type Test } from 'tap'
import { type ChannelEnd, type ChannelHandler, LinkChannel } from '../lib/link-channel.ts'
import { type LinkMessage, MessageType } from '../lib/protocol/messages.ts'
import { StreamEncoder } from '../lib/protocol/stream-encoder.ts'
import { encodeAll } from './protocol/helpers.ts'
import { corePair } from './support/duplex-pairs.ts'
import { stopTime } from './support/stop-time.ts'
import { settled } from './transports/manual-clock.ts'

/** Longest wait for the other end after `end`. */
const LINGER_MS = 5_000

/** Notes what it is told, and may do something about messages. */
class Recorder implements ChannelHandler {
  readonly sequences: number[] = []
  readonly calls: string[] = []
  readonly ends: [how: ChannelEnd, error: Error | undefined][] = []
  /** Calls from inside of a method of the channel, see `inside`. */
  nested = 0
  inside = false
  onMessage: (sequence: number) => void = () => {}
  onBatchEnd: () => void = () => {}

  message(message: LinkMessage): void {
    const sequence = message.type === MessageType.Ack ? message.sequence : -1
    this.#note('message')
    this.sequences.push(sequence)
    this.onMessage(sequence)
  }

  batchEnd(): void {
    this.#note('batchEnd')
    this.onBatchEnd()
  }

  drained(): void {
    this.#note('drained')
  }

  closed(how: ChannelEnd, error: Error | undefined): void {
    this.#note('closed')
    this.ends.push([how, error])
  }

  #note(call: string): void {
    if (this.inside) this.nested++
    this.calls.push(call)
  }
}

/** A Duplex that the test feeds by `push` or `emit`, with what was written to it. */
class TestDuplex extends Duplex {
  readonly written: Buffer[] = []

  constructor(options: DuplexOptions = {}) {
    super({
      read() {},
      write(chunk, _encoding, callback) {
        ;(this as TestDuplex).written.push(chunk)
        callback()
      },
      ...options,
    })
  }

  get writtenBytes(): number {
    return Buffer.concat(this.written).length
  }
}

const ack = (sequence: number): LinkMessage => ({ type: MessageType.Ack, sequence })
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

/** Bytes of acks numbered `from` 0 up to `count`, from the beginning of a link. */
function acks(count: number): Buffer {
  return Buffer.concat(encodeAll(new StreamEncoder(), upTo(count).map(ack)))
}

/** All that is under way has happened. */
async function quiet(): Promise<void> {
  for (let round = 0; round < 12; round++) await settled()
}

async function open(stream: Duplex = new TestDuplex()): Promise<{ channel: LinkChannel; handler: Recorder }> {
  const handler = new Recorder()
  const channel = new LinkChannel(stream, handler)
  await settled()
  return { channel, handler }
}

function listeners(stream: Duplex): string[] {
  return stream.eventNames().flatMap(name => Array<string>(stream.listenerCount(name)).fill(String(name)))
}

/** The channel told its end once, and holds on to nothing; whatever the stream does now is of no consequence. */
async function checkGone(t: Test, stream: Duplex, handler: Recorder, how: ChannelEnd, error?: object): Promise<void> {
  await quiet()
  t.match(handler.ends, [[how, error]])
  t.equal(handler.ends.length, 1)
  t.equal(handler.calls.at(-1), 'closed')
  t.same(listeners(stream), ['error'])
  const calls = handler.calls.length
  for (const event of ['data', 'end', 'drain', 'finish', 'error', 'close']) stream.emit(event, Buffer.from('late'))
  await quiet()
  t.equal(handler.calls.length, calls, 'nothing is told after the end')
}

// ---------------------------------------------------------------- sending

t.test('what is sent goes out with flush, as one vectored write', async t => {
  const batches: Buffer[][] = []
  const stream = new TestDuplex({
    writev(chunks, callback) {
      batches.push(chunks.map(({ chunk }) => chunk))
      callback()
    },
  })
  const { channel } = await open(stream)
  const payload = Buffer.alloc(5_000)
  channel.send({ type: MessageType.Data, sequence: 1, payload: [payload], bytes: 5_000 })
  channel.send(ack(7))
  t.same([batches.length, stream.written.length], [0, 0])
  channel.flush()
  t.equal(batches.length, 1)
  const expected = encodeAll(new StreamEncoder(), [
    { type: MessageType.Data, sequence: 1, payload: [payload], bytes: 5_000 },
    ack(7),
  ])
  t.ok(Buffer.concat(batches[0]!).equals(Buffer.concat(expected)))
  channel.flush()
  t.equal(batches.length, 1, 'nothing more to write')
})

t.test('a full Duplex is written to without waiting for flush, then needs a drain', async t => {
  let callback = () => {}
  const stream = new TestDuplex({
    highWaterMark: 100,
    write(_chunk, _encoding, done) {
      callback = done
    },
  })
  const { channel, handler } = await open(stream)
  for (const sequence of upTo(6)) channel.send(ack(sequence))
  t.equal(stream.writableLength, 0)
  t.ok(channel.writable)
  channel.send(ack(6))
  t.equal(stream.writableLength, 105)
  t.notOk(channel.writable)
  t.ok(channel.open)
  callback()
  await quiet()
  t.same(handler.calls, ['drained'])
  t.ok(channel.writable)
})

for (const highWaterMark of [0, 1]) {
  t.test(`highWaterMark ${highWaterMark}: every batch needs a drain, and gets it`, async t => {
    const stream = new TestDuplex({ highWaterMark, write: (_chunk, _encoding, callback) => void setImmediate(callback) })
    const { channel, handler } = await open(stream)
    for (const sequence of upTo(3)) {
      channel.send(ack(sequence))
      t.notOk(channel.writable)
      await quiet()
      t.ok(channel.writable)
    }
    t.same(handler.calls, ['drained', 'drained', 'drained'])
  })
}

t.test('a Duplex that needs a drain when it is handed over is not writable before', async t => {
  let callback: () => void = () => {}
  const stream = new TestDuplex({
    highWaterMark: 1,
    write(_chunk, _encoding, done) {
      callback = done
    },
  })
  stream.write('before')
  const { channel, handler } = await open(stream)
  t.notOk(channel.writable)
  callback()
  await quiet()
  t.ok(channel.writable)
  t.same(handler.calls, ['drained'])
})

t.test('a Duplex that drains inside of write, or tells nothing of drains, is not waited for', async t => {
  const stream = new TestDuplex()
  Object.defineProperty(stream, 'writableNeedDrain', { value: undefined })
  const { channel, handler } = await open(stream)
  stream.write = () => {
    stream.emit('drain')
    return false
  }
  channel.send(ack(0))
  channel.flush()
  t.ok(channel.writable, 'drained inside')
  Object.assign(stream, { write: () => undefined })
  channel.send(ack(1))
  channel.flush()
  t.ok(channel.writable, 'not refused')
  stream.write = () => false
  channel.send(ack(2))
  channel.flush()
  t.notOk(channel.writable)
  stream.emit('drain')
  t.ok(channel.writable)
  t.same(handler.calls, ['drained'])
})

t.test('a drain is not told when the Duplex is full again by then', async t => {
  const stream = new TestDuplex({ highWaterMark: 1 })
  Object.defineProperty(stream, 'writableNeedDrain', { value: true })
  const { channel, handler } = await open(stream)
  stream.write = () => {
    stream.emit('drain')
    return false
  }
  channel.send(ack(0))
  await quiet()
  t.same(handler.calls, [])
  t.notOk(channel.writable)
  stream.emit('drain')
  t.same(handler.calls, ['drained'])
})

// ---------------------------------------------------------------- receiving

t.test('bytes of any kind and from any realm are taken, cut anywhere', async t => {
  const stream = new TestDuplex()
  const { handler } = await open(stream)
  const bytes = new Uint8Array(acks(6))
  const pieces = Array.from({ length: 6 }, (_, index) => bytes.slice(index * 15, index * 15 + 15))
  const foreign = (kind: string, piece: Uint8Array) => runInNewContext(`${kind}.from(piece)`, { piece: [...piece] }) as Uint8Array
  stream.emit('data', pieces[0]!.buffer)
  stream.emit('data', new DataView(bytes.buffer, 15, 15))
  stream.emit('data', foreign('Uint8Array', pieces[2]!))
  stream.emit('data', foreign('Uint8Array', pieces[3]!).buffer)
  stream.emit('data', Buffer.from(pieces[4]!.subarray(0, 7)))
  stream.emit('data', pieces[4]!.subarray(7))
  const shared = new Uint8Array(new SharedArrayBuffer(15))
  shared.set(pieces[5]!)
  stream.emit('data', shared.buffer)
  t.same(handler.sequences, upTo(6))
})

for (const [kind, chunk] of [
  ['a string', 'text'],
  ['an object', { length: 3 }],
  ['null', null],
  ['an array', [1, 2, 3]],
] as const) {
  t.test(`${kind} instead of bytes ends the channel`, async t => {
    const stream = new TestDuplex()
    const { handler } = await open(stream)
    stream.emit('data', chunk)
    t.ok(stream.destroyed)
    await checkGone(t, stream, handler, 'protocol-error', { message: /not bytes/ })
  })
}

t.test('a stream whose reads are decoded to text ends the channel', async t => {
  const stream = new TestDuplex().setEncoding('utf8')
  const { handler } = await open(stream)
  stream.push(acks(1))
  await checkGone(t, stream, handler, 'protocol-error', { message: /not bytes/ })
})

t.test('bytes that are no message end the channel behind the messages before them', async t => {
  const stream = new TestDuplex()
  const { handler } = await open(stream)
  stream.push(Buffer.concat([acks(3), Buffer.alloc(30, 0xff)]))
  t.same(handler.sequences, upTo(3))
  await checkGone(t, stream, handler, 'protocol-error', { message: /a packet of 4294967295 bytes/ })
})

t.test('a message that the handler finds wrong is the last one', async t => {
  const stream = new TestDuplex()
  const { handler } = await open(stream)
  const { ProtocolError } = await import('../lib/protocol/protocol-error.ts')
  handler.onMessage = sequence => {
    if (sequence === 1) throw new ProtocolError('not now')
  }
  stream.push(acks(4))
  await checkGone(t, stream, handler, 'protocol-error', { message: 'not now' })
  t.same(handler.sequences, [0, 1])
})

t.test('what a handler throws by mistake goes to whoever gave the bytes; the messages behind it are not lost', async t => {
  const stream = new TestDuplex()
  const { channel, handler } = await open(stream)
  handler.onMessage = sequence => {
    if (sequence === 1) throw new RangeError('mistake')
  }
  t.throws(() => stream.emit('data', acks(4)), RangeError)
  await quiet()
  t.same(handler.sequences, upTo(4))
  t.ok(channel.open)
})

t.test('bytes that come while a message is being handled wait until it is', async t => {
  const stream = new TestDuplex()
  const { handler } = await open(stream)
  const bytes = acks(4)
  let depth = 0
  let deepest = 0
  handler.onMessage = sequence => {
    deepest = Math.max(deepest, ++depth)
    if (sequence === 0) stream.emit('data', bytes.subarray(30))
    depth--
  }
  stream.push(bytes.subarray(0, 30))
  t.same(handler.sequences, upTo(4))
  t.equal(deepest, 1)
  t.equal(handler.calls.filter(call => call === 'batchEnd').length, 1)
})

t.test('a batch goes to whoever handles the channel at each message', async t => {
  const stream = new TestDuplex()
  const { channel, handler: first } = await open(stream)
  const second = new Recorder()
  first.onMessage = sequence => {
    if (sequence === 2) channel.handler = second
  }
  stream.push(acks(5))
  t.same(
    [first.sequences, second.sequences],
    [
      [0, 1, 2],
      [3, 4],
    ],
  )
  t.same([first.calls.length, second.calls], [3, ['message', 'message', 'batchEnd']])
  stream.destroy()
  await checkGone(t, stream, second, 'failed')
  t.equal(first.ends.length, 0)
})

for (const how of ['end', 'destroy'] as const) {
  t.test(`${how} at a message makes it the last one`, async t => {
    const stream = new TestDuplex()
    const { channel, handler } = await open(stream)
    handler.onMessage = sequence => {
      if (sequence === 2) channel[how]()
    }
    stream.push(acks(5))
    stream.push(null)
    await quiet()
    t.same(handler.calls, ['message', 'message', 'message'])
    t.ok(stream.destroyed)
    t.same(listeners(stream), ['error'])
  })
}

t.test('a stream that is paused, or has bytes waiting, is read from its beginning', async t => {
  const stream = new TestDuplex()
  stream.push(acks(3))
  stream.pause()
  const { handler } = await open(stream)
  t.same(handler.sequences, upTo(3))
})

t.test('bytes and the end that came before the stream was handed over are not lost', async t => {
  const stream = new TestDuplex()
  stream.push(acks(3_000))
  stream.push(null)
  const { handler } = await open(stream)
  await checkGone(t, stream, handler, 'ended')
  t.same(handler.sequences, upTo(3_000))
})

t.test('the handler that is set behind the constructor learns everything', async t => {
  const stream = new TestDuplex()
  stream.resume = () => {
    stream.emit('data', acks(2))
    stream.emit('end')
    return stream
  }
  const nobody = new Recorder()
  const handler = new Recorder()
  new LinkChannel(stream, nobody).handler = handler
  t.same(handler.calls, [])
  await checkGone(t, stream, handler, 'ended')
  t.same(handler.calls, ['message', 'message', 'batchEnd', 'closed'])
  t.same(nobody.calls, [])
})

// ---------------------------------------------------------------- turns, pausing

t.test('more than 1,024 messages of a chunk are handed over in several turns, and others get theirs in between', async t => {
  const busy = new TestDuplex()
  const other = new TestDuplex()
  const { handler } = await open(busy)
  const { handler: otherHandler } = await open(other)
  let before = -1
  otherHandler.onMessage = () => {
    before = handler.sequences.length
  }
  busy.push(acks(10_000))
  t.equal(handler.sequences.length, 1_024)
  setImmediate(() => other.push(acks(1)))
  await quiet()
  t.ok(before > 0 && before <= 2_048, `${before} before the other's`)
  t.same(handler.sequences, upTo(10_000))
  t.equal(handler.calls.filter(call => call === 'batchEnd').length, 10)
})

t.test('a turn ends after 256 KiB of payload', async t => {
  const stream = new TestDuplex()
  const { channel, handler } = await open(stream)
  channel.finishHandshake(131_072, false)
  const payload = [Buffer.alloc(131_072)]
  const data = upTo(6).map((sequence): LinkMessage => ({ type: MessageType.Data, sequence, payload, bytes: 131_072 }))
  stream.push(Buffer.concat(encodeAll(new StreamEncoder(), data)))
  t.equal(handler.sequences.length, 2)
  await quiet()
  t.equal(handler.sequences.length, 6)
})

t.test('a turn ends after 256 KiB of one message, which comes in pieces', async t => {
  const stream = new TestDuplex()
  const { channel, handler } = await open(stream)
  channel.finishHandshake(1_048_576, false)
  const data: LinkMessage = { type: MessageType.Data, sequence: 0, payload: [Buffer.alloc(1_048_576)], bytes: 1_048_576 }
  const bytes = Buffer.concat(encodeAll(new StreamEncoder(), [data]))
  let pieces = 0
  for (let at = 0; at < bytes.length && !stream.isPaused(); at += 65_536, pieces++) stream.push(bytes.subarray(at, at + 65_536))
  t.equal(pieces, 8, 'four are read, four wait')
  for (let at = 65_536 * pieces; at < bytes.length; at += 65_536) stream.push(bytes.subarray(at, at + 65_536))
  await quiet()
  t.equal(handler.sequences.length, 1)
})

t.test('chunks that fill a read buffer make one batch, up to 256 KiB or until no more comes in this turn', async t => {
  const stream = new TestDuplex()
  const { channel, handler } = await open(stream)
  channel.finishHandshake(65_536, false)
  const chunkOf = (sequence: number): Buffer => {
    const payload = [Buffer.alloc(65_536 - 25)]
    return Buffer.concat(encodeAll(encoder, [{ type: MessageType.Data, sequence, payload, bytes: 65_536 - 25 }]))
  }
  const encoder = new StreamEncoder()
  const ends = (): number[] => handler.calls.flatMap((call, index) => (call === 'batchEnd' ? [index] : []))
  for (const sequence of upTo(5)) stream.push(chunkOf(sequence))
  t.same([handler.sequences.length, ends()], [4, [4]], 'the fifth waits for its turn')
  await quiet()
  t.same(ends(), [4, 6], 'what was left over')
  stream.push(chunkOf(5))
  stream.push(Buffer.concat(encodeAll(encoder, [ack(6)])))
  t.same(ends(), [4, 6, 9], 'a short chunk is the last of its batch')
  await quiet()
  t.same(ends(), [4, 6, 9])
})

t.test('a source that always has more does not keep others from running', async t => {
  const bytes = acks(50_000)
  let given = 0
  const stream = new TestDuplex({
    read() {
      const start = given
      given = Math.min(start + 1_500, bytes.length)
      if (given > start) this.push(bytes.subarray(start, given))
    },
  })
  const { handler } = await open(stream)
  const soon = handler.sequences.length
  t.ok(soon <= 2 * 1_024, `${soon} in two turns`)
  while (handler.sequences.length < 50_000 && handler.ends.length === 0) await settled()
  t.same(handler.sequences, upTo(50_000))
})

t.test('nothing is handed over while paused, and the stream is stopped', async t => {
  const stream = new TestDuplex()
  const { channel, handler } = await open(stream)
  channel.pause()
  t.ok(stream.isPaused())
  stream.push(acks(3))
  await quiet()
  t.same(handler.calls, [])
  channel.resume()
  t.same(handler.calls, [], 'not from inside of resume')
  await quiet()
  t.same(handler.sequences, upTo(3))
  t.notOk(stream.isPaused())
})

t.test('the last of pause and resume counts, also in the middle of a batch', async t => {
  const stream = new TestDuplex()
  const { channel, handler } = await open(stream)
  handler.onMessage = sequence => {
    if (sequence % 10 !== 9) return
    channel.pause()
    channel.resume()
    channel.pause()
  }
  stream.push(acks(30))
  for (const count of [10, 20, 30]) {
    t.same(handler.sequences, upTo(count))
    await quiet()
    t.same(handler.sequences, upTo(count))
    channel.resume()
    channel.pause()
    channel.resume()
    await quiet()
  }
  t.same(handler.sequences, upTo(30))
})

t.test('a pause at the end of a turn holds, although the turn had more', async t => {
  const stream = new TestDuplex()
  const { channel, handler } = await open(stream)
  handler.onMessage = sequence => {
    if (sequence === 1_023) channel.pause()
  }
  stream.push(acks(1_500))
  await quiet()
  t.equal(handler.sequences.length, 1_024)
  channel.resume()
  await quiet()
  t.same(handler.sequences, upTo(1_500))
})

for (const how of ['end', 'error', 'close'] as const) {
  t.test(`messages that wait for their turn are handed over although '${how}' came, paused or not`, async t => {
    const stream = new TestDuplex()
    const { channel, handler } = await open(stream)
    handler.onMessage = sequence => {
      if (sequence === 1_500) channel.pause()
    }
    stream.emit('data', acks(3_000))
    await settled()
    t.equal(handler.sequences.length, 1_501)
    stream.emit(how, new Error('broken'))
    t.notOk(channel.open)
    t.ok(stream.destroyed)
    await checkGone(t, stream, handler, how === 'end' ? 'ended' : 'failed', how === 'error' ? { message: 'broken' } : undefined)
    t.same(handler.sequences, upTo(3_000))
  })
}

t.test('a stream that ignores being paused is given up after 16 MiB', async t => {
  const stream = new TestDuplex()
  const { channel, handler } = await open(stream)
  channel.finishHandshake(1_000_000, false)
  channel.pause()
  const encoder = new StreamEncoder()
  const payload = [Buffer.alloc(1_000_000)]
  for (let sequence = 0; !stream.destroyed && sequence < 20; sequence++) {
    encoder.encode({ type: MessageType.Data, sequence, payload, bytes: 1_000_000 })
    stream.emit('data', Buffer.concat(encoder.take()))
    t.equal(stream.destroyed, sequence === 16)
  }
  while (handler.ends.length === 0) await settled()
  await checkGone(t, stream, handler, 'failed', { message: /although it is paused/ })
})

t.test('no handler is called from inside of a method of the channel, whatever the stream does there', async t => {
  const stream = new TestDuplex({ highWaterMark: 1 })
  const { channel, handler } = await open(stream)
  const bytes = acks(400)
  let given = 0
  const give = () => {
    given += 15
    stream.emit('data', bytes.subarray(given - 15, given))
  }
  for (const method of ['pause', 'resume', 'cork', 'uncork', 'write', 'end', 'destroy'] as const) {
    const original = stream[method] as (...args: unknown[]) => unknown
    Object.assign(stream, {
      [method](...args: unknown[]) {
        give()
        const result = Reflect.apply(original, stream, args)
        stream.emit('drain')
        if (method === 'destroy') for (const event of ['end', 'close', 'error']) stream.emit(event, new Error('late'))
        return result
      },
    })
  }
  const inside = async (action: () => void) => {
    handler.inside = true
    action()
    handler.inside = false
    await quiet()
  }
  await inside(() => channel.send(ack(0)))
  await inside(() => channel.pause())
  await inside(() => channel.resume())
  await inside(() => {
    channel.send({ type: MessageType.Data, sequence: 0, payload: [Buffer.alloc(5_000)], bytes: 5_000 })
    channel.flush()
  })
  t.ok(given > 0)
  t.same(handler.sequences, upTo(given / 15))
  await inside(() => channel.end())
  stream.push(null)
  await quiet()
  t.equal(handler.nested, 0)
  t.same(handler.ends, [])
  t.same(listeners(stream), ['error'])
})

t.test('messages that come while one is being written are not mixed into it', async t => {
  const { client, server } = corePair()
  const { channel: one, handler: first } = await open(client)
  const { channel: two, handler: second } = await open(server)
  // Every message is answered at once, inside of the write that brought it, but for the last.
  const answer = (channel: LinkChannel) => (sequence: number) => {
    // -1: not an ack
    if (sequence < 0 || sequence >= 200) return
    channel.send({ type: MessageType.Consumed, sequence, bytes: sequence })
    channel.send(ack(sequence + 1))
    channel.flush()
  }
  first.onMessage = answer(one)
  second.onMessage = answer(two)
  one.send(ack(0))
  one.flush()
  for (let round = 0; round < 500; round++) await settled()
  t.equal(Math.max(...first.sequences, ...second.sequences), 200)
  t.same([...first.ends, ...second.ends], [])
})

// ---------------------------------------------------------------- ends

for (const [state, how, make] of [
  ['destroyed', 'failed', () => new TestDuplex().destroy()],
  ['destroyed with an error', 'failed', () => new TestDuplex().destroy(new Error('broken'))],
  [
    'destroyed and that long ago',
    'failed',
    async () => {
      const stream = new TestDuplex().destroy()
      await quiet()
      return stream
    },
  ],
  [
    'failed without being destroyed',
    'failed',
    async () => {
      const stream = new TestDuplex({ autoDestroy: false, write: (_chunk, _encoding, callback) => callback(new Error('broken')) })
      stream.on('error', () => {})
      stream.write('x')
      await quiet()
      return stream.removeAllListeners('error')
    },
  ],
  [
    'read to its end',
    'ended',
    async () => {
      const stream = new TestDuplex({ allowHalfOpen: true, autoDestroy: false })
      stream.push(null)
      stream.resume()
      await quiet()
      return stream
    },
  ],
  ['without a readable side', 'ended', () => new TestDuplex({ readable: false } as DuplexOptions)],
] as [string, ChannelEnd, () => Duplex | Promise<Duplex>][]) {
  t.test(`a stream handed over ${state} is told as ${how}`, async t => {
    const stream = await make()
    const { channel, handler } = await open(stream)
    t.notOk(channel.open)
    t.notOk(channel.writable)
    const error = /error|without being/.test(state) ? { message: 'broken' } : undefined
    await checkGone(t, stream, handler, how, error)
  })
}

t.test('a stream whose writable side has ended fails at the first write', async t => {
  const stream = new TestDuplex()
  stream.end()
  await quiet()
  const { channel, handler } = await open(stream)
  channel.send(ack(0))
  channel.flush()
  await checkGone(t, stream, handler, 'failed', { code: 'ERR_STREAM_WRITE_AFTER_END' })
})

t.test('the end of the stream is told once, behind what came before', async t => {
  const stream = new TestDuplex()
  const { handler } = await open(stream)
  stream.push(acks(2))
  stream.push(null)
  await checkGone(t, stream, handler, 'ended')
  t.same(handler.calls, ['message', 'message', 'batchEnd', 'closed'])
})

for (const [what, events] of [
  ['fails twice', ['error', 'error']],
  ["fails after 'close'", ['close', 'error']],
  ["closes without 'end'", ['close']],
  ['closes and then ends', ['close', 'end']],
  ['gives bytes after its end', ['end', 'data']],
  ['ends twice', ['end', 'end']],
] as const) {
  t.test(`a stream that ${what} is told once`, async t => {
    const stream = new TestDuplex()
    const { handler } = await open(stream)
    for (const event of events) stream.emit(event, event === 'data' ? acks(1) : new Error('broken'))
    const error = events[0] === 'error' ? { message: 'broken' } : undefined
    await checkGone(t, stream, handler, events[0] === 'end' ? 'ended' : 'failed', error)
  })
}

t.test('an error that is none becomes one', async t => {
  const stream = new TestDuplex()
  const { handler } = await open(stream)
  stream.emit('error', 'plain text')
  await checkGone(t, stream, handler, 'failed', new Error('plain text'))
})

for (const [what, write, error] of [
  ['calls back twice', (_stream, callback) => [callback(), callback()], { code: 'ERR_MULTIPLE_CALLBACK' }],
  ['calls back with an error', (_stream, callback) => callback(new Error('broken')), { message: 'broken' }],
  ['destroys the stream', stream => stream.destroy(), undefined],
  ['destroys the stream with an error', stream => stream.destroy(new Error('broken')), { message: 'broken' }],
  ['ends reading', stream => stream.push(null), undefined],
  [
    'throws',
    () => {
      throw new Error('broken')
    },
    { message: 'broken' },
  ],
] as [string, (stream: Duplex, callback: (error?: Error) => void) => unknown, object | undefined][]) {
  for (const emitClose of [true, false]) {
    const suffix = emitClose ? '' : ", without 'close' afterwards"
    t.test(`a stream whose write ${what} is told once${suffix}`, async t => {
      const stream = new TestDuplex({
        emitClose,
        write(_chunk, _encoding, callback) {
          write(this, callback)
        },
      })
      const { channel, handler } = await open(stream)
      channel.send(ack(0))
      channel.send({ type: MessageType.Data, sequence: 0, payload: [Buffer.alloc(5_000)], bytes: 5_000 })
      handler.inside = true
      channel.flush()
      handler.inside = false
      await checkGone(t, stream, handler, what === 'ends reading' ? 'ended' : 'failed', error)
      t.equal(handler.nested, 0)
      channel.send(ack(1))
      channel.flush()
      channel.end()
      channel.destroy()
    })
  }
}

for (const method of ['write', 'cork', 'uncork', 'pause', 'resume', 'end', 'destroy'] as const) {
  t.test(`a stream that throws in ${method} throws at nobody`, async t => {
    const clock = stopTime(t)
    const stream = new TestDuplex()
    const { channel, handler } = await open(stream)
    Object.assign(stream, {
      [method]() {
        throw new Error('broken')
      },
    })
    const actions: Record<typeof method, () => void | Promise<void>> = {
      write: () => channel.flush(),
      cork: () => channel.flush(),
      uncork: () => channel.flush(),
      pause: () => channel.pause(),
      resume: async () => {
        channel.pause()
        channel.resume()
        await quiet()
      },
      end: () => channel.end(),
      destroy: () => channel.destroy(),
    }
    channel.send({ type: MessageType.Data, sequence: 0, payload: [Buffer.alloc(5_000)], bytes: 5_000 })
    await actions[method]()
    await quiet()
    t.notOk(channel.open)
    t.equal(clock.timers, 0)
    if (method === 'end' || method === 'destroy') {
      t.same(handler.calls, [], 'this side closed it')
      t.same(listeners(stream), ['error'])
    } else await checkGone(t, stream, handler, 'failed', { message: 'broken' })
  })
}

t.test('a stream that throws when it is first resumed is told as failed', async t => {
  const stream = new TestDuplex()
  stream.resume = () => {
    throw new Error('broken')
  }
  const { handler } = await open(stream)
  await checkGone(t, stream, handler, 'failed', { message: 'broken' })
})

t.test('a stream that throws in destroy when it failed is told once', async t => {
  const stream = new TestDuplex()
  const { handler } = await open(stream)
  stream.destroy = () => {
    throw new Error('cannot')
  }
  stream.emit('error', new Error('broken'))
  await checkGone(t, stream, handler, 'failed', { message: 'broken' })
})

t.test('destroy is told to the stream, not to the handler, and may be called twice', async t => {
  const stream = new TestDuplex()
  const { channel, handler } = await open(stream)
  channel.send(ack(0))
  channel.destroy()
  channel.destroy()
  channel.end()
  channel.send(ack(1))
  channel.flush()
  channel.pause()
  channel.resume()
  await quiet()
  t.ok(stream.destroyed)
  t.same(handler.calls, [])
  t.same(listeners(stream), ['error'])
  t.same(stream.written, [])
})

t.test('destroy while the end is still to be told keeps it from being told', async t => {
  const stream = new TestDuplex()
  const { channel, handler } = await open(stream)
  stream.emit('data', acks(3_000))
  stream.emit('error', new Error('broken'))
  channel.destroy()
  await quiet()
  t.equal(handler.sequences.length, 1_024)
  t.same(handler.ends, [])
})

// ---------------------------------------------------------------- end in good order

t.test('end flushes, takes what still comes without telling, and destroys once both directions have ended', async t => {
  const clock = stopTime(t)
  const stream = new TestDuplex({ autoDestroy: false })
  const { channel, handler } = await open(stream)
  channel.send(ack(5))
  channel.end()
  t.notOk(channel.open)
  await quiet()
  t.equal(stream.writtenBytes, 15)
  t.ok(stream.writableFinished)
  stream.push(acks(2_000))
  await quiet()
  t.equal(stream.readableLength, 0)
  t.notOk(stream.destroyed)
  t.equal(clock.timers, 1)
  t.equal(clock.referencedTimers, 0, 'the process need not wait')
  stream.push(null)
  await quiet()
  t.ok(stream.destroyed)
  t.same(handler.calls, [])
  t.same(listeners(stream), ['error'])
  t.equal(clock.timers, 0)
})

t.test('end waits until what was written is out, even if the other end has ended', async t => {
  let callback = () => {}
  const stream = new TestDuplex({
    write(_chunk, _encoding, done) {
      callback = done
    },
  })
  const { channel } = await open(stream)
  channel.send(ack(0))
  channel.end()
  stream.push(null)
  await quiet()
  t.notOk(stream.destroyed)
  callback()
  await quiet()
  t.ok(stream.destroyed)
  t.same(listeners(stream), ['error'])
})

t.test('end in the middle of a pause reads on', async t => {
  const stream = new TestDuplex()
  const { channel, handler } = await open(stream)
  channel.pause()
  stream.push(acks(3))
  stream.push(null)
  channel.end()
  await quiet()
  t.ok(stream.destroyed)
  t.same(handler.calls, [])
})

for (const [what, options] of [
  ['that never calls back', { write() {} }],
  ['whose other end never ends', {}],
] as [string, DuplexOptions][]) {
  t.test(`end of a stream ${what} lingers 5 s, then destroys it`, async t => {
    const clock = stopTime(t)
    const stream = new TestDuplex(options)
    const { channel, handler } = await open(stream)
    channel.send(ack(0))
    channel.end()
    await clock.advance(LINGER_MS - 1)
    t.notOk(stream.destroyed)
    await clock.advance(1)
    t.ok(stream.destroyed)
    t.same(handler.calls, [])
    t.same(listeners(stream), ['error'])
  })
}

for (const event of ['error', 'close'] as const) {
  t.test(`'${event}' while ending is the end of it`, async t => {
    const clock = stopTime(t)
    const stream = new TestDuplex()
    const { channel, handler } = await open(stream)
    channel.end()
    stream.emit(event, new Error('broken'))
    stream.emit(event, new Error('broken'))
    await quiet()
    t.ok(stream.destroyed)
    t.same(handler.calls, [])
    t.equal(clock.timers, 0)
    t.same(listeners(stream), ['error'])
  })
}
