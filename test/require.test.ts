// The package under its own name, from both kinds of modules.

import { createRequire } from 'node:module'
import t from 'tap'
import { run } from './support/child.ts'

const names = ['connect', 'createConnection', 'createServer', 'Socket', 'Server', 'Link', 'HawserError', 'defaults']

t.test('require and import give the same', async t => {
  const required = createRequire(import.meta.url)('hawser')
  const imported = await import('hawser' as string)
  for (const name of names) {
    t.ok(required[name], name)
    t.equal(required[name], imported[name], name)
  }
})

t.test('a CommonJS program makes a connection, and ends', async t => {
  const program = `
    const { connect, createServer } = require('hawser')
    const { tcpConnector } = require('hawser/tcp')
    const server = createServer(socket => socket.end('from CommonJS')).listen(0, '127.0.0.1', () => {
      const client = connect({ transports: [tcpConnector({ host: '127.0.0.1', port: server.address().port })] })
      client.pipe(process.stdout)
      client.on('close', () => server.close())
    })`
  const { code, stdout, stderr } = await run('--input-type=commonjs', '--eval', program)
  t.equal(stdout, 'from CommonJS')
  t.equal(stderr.replace(/^.*ExperimentalWarning.*\n.*\n/, ''), '', 'Node 20 only says that it is new')
  t.equal(code, 0)
})
