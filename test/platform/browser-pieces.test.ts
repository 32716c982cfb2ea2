// What a bundler takes for a browser, run in Node: the Duplex of readable-stream, Web Crypto, a CRC-32 of our own.

import t from 'tap'
import { run } from '../support/child.ts'

const program = `
  import { createHash } from 'node:crypto'
  import { Duplex as NodeDuplex } from 'node:stream'
  import { Duplex } from 'readable-stream'
  import { createServer, Socket } from 'hawser'

  const server = createServer({ allowHalfOpen: true }, socket => socket.pipe(socket))
  const client = new Socket({ allowHalfOpen: true })
  console.log('Duplex of readable-stream:', client instanceof Duplex, Object.getPrototypeOf(Socket) !== NodeDuplex)
  for (let index = 0; index < 2; index++) {
    const [near, far] = pair()
    server.addLink(far)
    await client.addLink(near)
  }
  const sent = Buffer.alloc(1_000_000, 'hawser in a browser ')
  const closed = new Promise(resolve => client.on('close', resolve))
  client.end(sent)
  const received = createHash('sha256')
  for await (const chunk of client) received.update(chunk)
  console.log('comes back:', received.digest('hex') === createHash('sha256').update(sent).digest('hex'))
  console.log('closed with an error:', await closed)

  function pair() {
    const ends = []
    for (const other of [1, 0]) {
      ends.push(new Duplex({
        read() {},
        write(chunk, _encoding, callback) { ends[other].push(chunk); callback() },
        final(callback) { ends[other].push(null); callback() },
      }))
    }
    return ends
  }`

t.test('a connection with the pieces for browsers, and the process ends', async t => {
  const { code, stdout, stderr } = await run('--conditions=browser', '--input-type=module', '--eval', program)
  t.equal(stderr, '')
  t.equal(stdout, 'Duplex of readable-stream: true true\ncomes back: true\nclosed with an error: false\n')
  t.equal(code, 0)
})
