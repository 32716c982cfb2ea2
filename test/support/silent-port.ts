// A port at which attempts to connect get no answer at all, neither yes nor no.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Test } from 'tap'

/** Listens, says where, and never comes back to its event loop. */
const PROGRAM = `
  const server = require('node:net').createServer().listen({ port: 0, host: '0.0.0.0', backlog: 1 }, () => {
    require('node:fs').writeSync(1, String(server.address().port))
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })
`
/** That many the system answers for a process that does not accept: one more than the backlog. */
const ANSWERED = 2

/** On all addresses of 127.0.0.0/8, until the end of the test. */
export async function silentPort(t: Test): Promise<number> {
  const child = spawn(process.execPath, ['-e', PROGRAM], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const [text] = await once(child.stdout, 'data')
  const port = Number(text)
  for (let answered = 0; answered < ANSWERED; answered++) {
    const socket = connect(port, '127.0.0.1')
    t.teardown(() => socket.destroy())
    socket.on('error', () => {}) // the child is killed
    await once(socket, 'connect')
  }
  return port
}
