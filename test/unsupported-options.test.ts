import t from 'tap'
import { connect, createServer } from '../lib/index.ts'

const refused = { code: 'ERR_INVALID_ARG_VALUE', reason: 'invalid-argument' }

t.test('who asks for TLS gets an error, not a connection without TLS', async t => {
  const options = { port: 1, host: '127.0.0.1', tls: {} }
  t.throws(() => connect(options), refused)
  t.throws(() => createServer({ tls: {} } as object), refused)
})
