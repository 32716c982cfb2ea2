// What keeps a process alive, and what it may inherit, the same assertions for both kinds.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { bothKinds } from '../support/both-kinds.ts'
import { runFixture } from '../support/child.ts'

const outcomes: [title: string, scenario: string, printed: string][] = [
  ['socket.unref(), server.unref(): open ones do not keep the process', 'unref', 'connected\nexit\n'],
  ['socket.unref(), server.unref() before connect and listen', 'unref before listen and connect', 'connected\nexit\n'],
  ['socket.ref() keeps the process again', 'ref of a socket', 'alive\nexit\n'],
  ['server.ref() keeps the process again', 'ref of a server', 'alive\nexit\n'],
]

for (const [title, scenario, printed] of outcomes) {
  bothKinds(t, title, async (t, { name }) => {
    t.match(await runFixture('facade-process', name, scenario), { code: 0, stdout: printed, stderr: '' })
  })
}

bothKinds(t, 'server.listen(handle[, backlog][, callback]) with a descriptor', async (t, { name }) => {
  const bound = createServer().listen(0, '127.0.0.1')
  await once(bound, 'listening')
  const { fd } = (bound as unknown as { _handle: { fd: number } })._handle
  const program = fileURLToPath(new URL('../support/fixtures/facade-process.js', import.meta.url))
  const child: ChildProcess = spawn(process.execPath, [program, name, 'fd'], { stdio: ['ignore', 'pipe', 'inherit', fd] })
  t.teardown(() => child.kill('SIGKILL'))
  bound.close() // the child alone is to accept
  let printed = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    printed += chunk
  })
  t.same(await once(child, 'close'), [0, null])
  t.equal(printed, 'over a descriptor\nexit\n')
})
