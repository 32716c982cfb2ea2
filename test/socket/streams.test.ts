// A socket under everything that Node does with streams.

import { once } from 'node:events'
import * as streams from 'node:stream'
import { Duplex, finished, PassThrough, Readable, Transform, Writable } from 'node:stream'
import { finished as finishedPromise, pipeline } from 'node:stream/promises'
import * as readableStream from 'readable-stream'
import * as streamx from 'streamx'
import t from 'tap'
import { bothKinds } from '../support/both-kinds.ts'
import { eventLog } from '../support/event-log.ts'

bothKinds(t, 'finished settles once both directions have ended', async (t, { pair }) => {
  const { client, accepted } = await pair()
  accepted.resume()
  client.resume()
  const done = finishedPromise(client)
  client.end('bye')
  await done
  t.equal(client.readableEnded, true)
  t.equal(client.writableFinished, true)
})

bothKinds(t, 'finished of one direction does not wait for the other', async (t, { pair }) => {
  const { client, accepted } = await pair({ allowHalfOpen: true })
  accepted.resume()
  const done = finishedPromise(accepted, { writable: false })
  client.end()
  await done
  t.equal(accepted.destroyed, false)
})

bothKinds(t, 'finished tells a premature close, and the error of one with an error', async (t, { pair }) => {
  const first = await pair()
  const premature = finishedPromise(first.client)
  first.client.destroy()
  await t.rejects(premature, { code: 'ERR_STREAM_PREMATURE_CLOSE' })
  const second = await pair()
  const failed = new Promise<unknown>(resolve => finished(second.client, resolve))
  const reason = new Error('mine')
  second.client.destroy(reason)
  t.equal(await failed, reason)
})

bothKinds(t, 'pipeline through a socket and back', async (t, { pair }) => {
  const { client, accepted } = await pair()
  const echoed = pipeline(
    accepted,
    new Transform({ transform: (chunk, _encoding, callback) => callback(null, String(chunk).toUpperCase()) }),
    accepted,
  )
  let heard = ''
  await pipeline(Readable.from(['one ', 'two ', 'three']), client, async source => {
    for await (const chunk of source) heard += chunk
  })
  await echoed
  t.equal(heard, 'ONE TWO THREE')
})

bothKinds(t, 'pipeline whose source fails destroys the socket', async (t, { pair }) => {
  const { client, accepted } = await pair()
  accepted.resume()
  const failing = Readable.from(
    (function* () {
      yield 'some'
      throw new Error('no more')
    })(),
  )
  const closed = once(accepted, 'close')
  await t.rejects(pipeline(failing, client), { message: 'no more' })
  t.equal(client.destroyed, true)
  await closed
})

bothKinds(t, 'pipeline whose sink fails destroys the socket', async (t, { pair }) => {
  const { client, accepted } = await pair()
  const sink = new Writable({ write: (_chunk, _encoding, callback) => callback(new Error('full')) })
  client.write('some')
  await t.rejects(pipeline(accepted, sink), { message: 'full' })
  t.equal(accepted.destroyed, true)
})

bothKinds(t, 'iteration gives everything to the end, and destroys the socket when it is left early', async (t, { pair }) => {
  const first = await pair()
  first.client.end('all of it')
  let heard = ''
  for await (const chunk of first.accepted) heard += chunk
  t.equal(heard, 'all of it')
  const second = await pair()
  second.client.write('some')
  for await (const chunk of second.accepted) {
    t.equal(String(chunk), 'some')
    break
  }
  t.equal(second.accepted.destroyed, true)
})

bothKinds(t, 'Duplex.toWeb: both directions as Web Streams', async (t, { pair }) => {
  const { client, accepted } = await pair()
  accepted.pipe(accepted)
  const { readable, writable } = Duplex.toWeb(client)
  const writer = writable.getWriter()
  await writer.write(Buffer.from('over the web'))
  await writer.close()
  let heard = ''
  for await (const chunk of readable) heard += Buffer.from(chunk as Uint8Array)
  t.equal(heard, 'over the web')
})

bothKinds(t, 'compose', async (t, { pair }) => {
  const { client, accepted } = await pair()
  accepted.pipe(accepted)
  const upper = new Transform({ transform: (chunk, _encoding, callback) => callback(null, String(chunk).toUpperCase()) })
  const { compose } = streams as unknown as { compose(...parts: Duplex[]): Duplex } // missing in the types of Node 20
  const composed = compose(client, upper)
  composed.end('composed')
  let heard = ''
  for await (const chunk of composed) heard += chunk
  t.equal(heard, 'COMPOSED')
})

bothKinds(t, 'asyncDispose destroys the socket and waits for its close', async (t, { pair }) => {
  const { client, accepted } = await pair()
  const log = eventLog(client, ['close'])
  client.on('error', () => {})
  accepted.resume()
  const closed = once(accepted, 'close')
  await client[Symbol.asyncDispose]().catch(() => {})
  t.equal(client.destroyed, true)
  await closed
  t.match(log, [/^close/])
})

bothKinds(t, 'an encoding makes text of what arrives, also of characters cut in two', async (t, { pair }) => {
  const { client, accepted } = await pair()
  accepted.setEncoding('utf8')
  const bytes = Buffer.from('grün €')
  const chunks: unknown[] = []
  accepted.on('data', chunk => chunks.push(chunk))
  client.write(bytes.subarray(0, 3))
  await once(accepted, 'data')
  client.end(bytes.subarray(3))
  await once(accepted, 'end')
  t.equal(chunks.join(''), 'grün €')
  t.equal(typeof chunks[0], 'string')
})

bothKinds(t, 'text is written in the encoding asked for', async (t, { pair }) => {
  const { client, accepted } = await pair()
  client.write('c3bc', 'hex')
  client.write('w7w=', 'base64', () => {})
  client.setDefaultEncoding('latin1')
  client.end('ü')
  t.same(Buffer.concat(await accepted.toArray()), Buffer.from([0xc3, 0xbc, 0xc3, 0xbc, 0xfc]))
})

bothKinds(t, 'what is no bytes is refused', async (t, { pair }) => {
  const { client } = await pair()
  t.throws(() => client.write(5 as unknown as string), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => client.write(null as unknown as string), { code: 'ERR_STREAM_NULL_VALUES' })
  t.throws(() => client.write({} as unknown as string, () => {}), { code: 'ERR_INVALID_ARG_TYPE' })
  t.equal(client.destroyed, false)
  client.write(new Uint8Array([1]))
})

bothKinds(t, 'pause stops the data, resume lets it go on, nothing is lost', async (t, { pair }) => {
  const { client, accepted } = await pair()
  let heard = ''
  const ended = once(accepted, 'end')
  accepted.on('data', chunk => {
    heard += chunk
    accepted.pause()
  })
  client.write('one ')
  await once(accepted, 'data')
  t.equal(accepted.isPaused(), true)
  client.end('two')
  await once(client, 'finish')
  t.equal(heard, 'one ')
  accepted.resume()
  await once(accepted, 'data')
  accepted.resume()
  await ended
  t.equal(heard, 'one two')
})

bothKinds(t, 'read and unshift', async (t, { pair }) => {
  const { client, accepted } = await pair()
  client.end('header and body')
  while (accepted.readableLength < 15) await once(accepted, 'readable')
  t.equal(String(accepted.read(7)), 'header ')
  accepted.unshift('again ')
  t.equal((await accepted.toArray()).join(''), 'again and body')
})

bothKinds(t, 'cork gathers writes until uncork', async (t, { pair }) => {
  const { client, accepted } = await pair()
  client.cork()
  client.write('one ')
  client.write('two ')
  t.equal(client.writableLength, 8)
  client.uncork()
  client.end('three')
  t.equal((await accepted.toArray()).join(''), 'one two three')
})

bothKinds(t, 'an empty write calls back', async (t, { pair }) => {
  const { client, accepted } = await pair()
  await new Promise<void>(resolve => client.write('', () => resolve()))
  await new Promise<void>(resolve => client.write(Buffer.alloc(0), () => resolve()))
  client.end('and on')
  t.equal((await accepted.toArray()).join(''), 'and on')
})

bothKinds(t, 'end calls back once it is finished', async (t, { pair }) => {
  const { client, accepted } = await pair()
  accepted.resume()
  await new Promise<void>(resolve => client.end('bye', 'utf8', resolve))
  t.equal(client.writableFinished, true)
})

const otherStreams: [string, () => NodeJS.ReadWriteStream][] = [
  ['readable-stream', () => new readableStream.PassThrough() as unknown as NodeJS.ReadWriteStream],
  ['streamx', () => new streamx.PassThrough() as unknown as NodeJS.ReadWriteStream],
  ['node:stream', () => new PassThrough()],
]
for (const [name, makeStream] of otherStreams) {
  bothKinds(t, `pipes from and to streams of ${name}`, async (t, { pair }) => {
    const { client, accepted } = await pair()
    const source = makeStream()
    const sink = makeStream()
    source.pipe(client)
    accepted.pipe(sink)
    const text = 'piped '.repeat(50_000)
    source.end(text)
    let heard = ''
    for await (const chunk of sink) heard += chunk
    t.equal(heard.length, text.length)
    t.ok(heard === text)
  })
}
