// Who was called back may use the buffer again, although links may be lost later and carry it once more.

import { once } from 'node:events'
import t from 'tap'
import { connecting, listening, working } from '../support/loopback.ts'
import { Relay } from '../support/relay.ts'

/** A connection over one path that delivers nothing until it is lost, and works when it is made again. */
async function overStalledPath(t: Parameters<typeof listening>[0]) {
  const { server, port } = await listening(t)
  const relay = await Relay.start(t, port)
  const client = connecting(t, { port: relay.port, reconnectDelay: 10 })
  const [accepted] = await once(server, 'connection')
  await working(client)
  relay.stall()
  const lose = () => {
    relay.resume()
    relay.reset()
  }
  return { client, accepted, lose }
}

t.test('a write with a callback', async t => {
  const { client, accepted, lose } = await overStalledPath(t)
  const buffer = Buffer.alloc(1_000, 'a')
  await new Promise<void>(resolve => client.write(buffer, () => resolve()))
  buffer.fill('b')
  await new Promise<void>(resolve => client.write(buffer, 'utf8', () => resolve()))
  buffer.fill('c')
  lose()
  client.end()
  t.equal((await accepted.toArray()).join(''), 'a'.repeat(1_000) + 'b'.repeat(1_000))
})

t.test('an end with a callback', async t => {
  const { client, accepted, lose } = await overStalledPath(t)
  const buffer = Buffer.alloc(1_000, 'a')
  await new Promise<void>(resolve => client.end(buffer, resolve))
  buffer.fill('b')
  lose()
  t.equal((await accepted.toArray()).join(''), 'a'.repeat(1_000))
})

t.test('a write before connect, with a callback', async t => {
  const { server, port } = await listening(t)
  const client = connecting(t, { port })
  const buffer = Buffer.alloc(1_000, 'a')
  client.write(buffer, () => buffer.fill('b'))
  client.end()
  const [accepted] = await once(server, 'connection')
  t.equal((await accepted.toArray()).join(''), 'a'.repeat(1_000))
})

t.test('other views than Uint8Array, where Node takes them', async t => {
  const { client, accepted, lose } = await overStalledPath(t)
  const words = new Uint32Array([0x61616161, 0x61616161]).subarray(1)
  try {
    await new Promise<void>(resolve => client.write(words, () => resolve()))
  } catch (error) {
    t.match(error, { code: 'ERR_INVALID_ARG_TYPE' })
    return
  }
  words.fill(0x62626262)
  lose()
  client.end()
  t.equal((await accepted.toArray()).join(''), 'aaaa')
})
