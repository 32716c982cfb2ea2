// A process that closed its connections ends by itself: no timer, socket or handle is left.

import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import t from 'tap'
import { runFixture } from '../support/child.ts'
import { listening } from '../support/loopback.ts'

const scenarios = [
  'both sides end',
  'the client is destroyed',
  'the server destroys',
  'both are destroyed',
  'terminate',
  'connection refused',
  'name not found',
  'connections ended after server.close',
  'destroyed while connecting',
  'connecting to something that says nothing, destroyed',
  'both closed while the server thinks about the link',
  'a client that waits to dial again, destroyed',
  'a client whose server is gone, terminated',
  'a server with a handshake under way',
  'links in memory',
  'a timeout and a listener of statistics',
  'a second connection of the same socket',
  'an idle connection without reference',
  'a connection without reference from before connect',
  'connecting without reference',
  'a connection without reference and without a link',
]

t.jobs = 2
for (const scenario of scenarios) {
  t.test(scenario, async t => {
    const { code, stdout, stderr } = await runFixture('exit-scenarios', scenario)
    t.equal(stdout, 'closed\nleft: \nexit 0\n')
    t.equal(stderr, '')
    t.equal(code, 0)
  })
}

t.test('destroyed while a server elsewhere thinks about the link', async t => {
  const cue = createServer()
  const cued = once(cue, 'connection') as Promise<[Socket]>
  cue.listen(0, '127.0.0.1')
  t.teardown(() => cue.close())
  await once(cue, 'listening')
  const authorize = async () => {
    const [socket] = await cued
    socket.write('now')
    return new Promise<boolean>(() => {})
  }
  const { server, port } = await listening(t, { authorize })
  server.on('connection', () => t.fail('not authorized'))
  const { code, stdout } = await runFixture('exit-scenarios', t.name, `${port}`, `${(cue.address() as AddressInfo).port}`)
  t.equal(stdout, 'closed\nleft: \nexit 0\n')
  t.equal(code, 0)
})

t.test('a destroyed socket whose peer has everything but reads nothing', async t => {
  const { server, port } = await listening(t, { pauseOnConnect: true })
  server.on('connection', accepted => accepted.on('error', () => {}))
  const { code, stdout } = await runFixture('exit-scenarios', t.name, `${port}`)
  t.equal(stdout, 'closed\nleft: \nexit 0\n')
  t.equal(code, 0)
  const [accepted] = server.connections
  t.equal((await accepted?.toArray())?.join(''), 'you never read this')
})
