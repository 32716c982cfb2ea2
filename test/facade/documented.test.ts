// Every member that Node's documentation of net.Socket, net.Server and the functions that make them has is the beginning of
// the title of a test here, so that none is left out.

import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'

const documented = [
  'new net.Server',
  "Event: 'close'",
  "Event: 'connection'",
  "Event: 'error'",
  "Event: 'listening'",
  "Event: 'drop'",
  'server.address()',
  'server.close([callback])',
  'server[Symbol.asyncDispose]()',
  'server.getConnections(callback)',
  'server.listen(handle[, backlog][, callback])',
  'server.listen(options[, callback])',
  'server.listen(path[, backlog][, callback])',
  'server.listen([port[, host[, backlog]]][, callback])',
  'server.listening',
  'server.maxConnections',
  'server.dropMaxConnection',
  'server.ref()',
  'server.unref()',
  'new net.Socket([options])',
  "Event: 'connect'",
  "Event: 'connectionAttempt'",
  "Event: 'connectionAttemptFailed'",
  "Event: 'connectionAttemptTimeout'",
  "Event: 'data'",
  "Event: 'drain'",
  "Event: 'end'",
  "Event: 'lookup'",
  "Event: 'ready'",
  "Event: 'timeout'",
  'socket.address()',
  'socket.autoSelectFamilyAttemptedAddresses',
  'socket.bufferSize',
  'socket.bytesRead',
  'socket.bytesWritten',
  'socket.connect(options[, connectListener])',
  'socket.connect(path[, connectListener])',
  'socket.connect(port[, host][, connectListener])',
  'socket.connecting',
  'socket.destroy([error])',
  'socket.destroyed',
  'socket.destroySoon()',
  'socket.end([data[, encoding]][, callback])',
  'socket.localAddress',
  'socket.localPort',
  'socket.localFamily',
  'socket.pause()',
  'socket.pending',
  'socket.ref()',
  'socket.remoteAddress',
  'socket.remoteFamily',
  'socket.remotePort',
  'socket.server',
  'socket.resetAndDestroy()',
  'socket.resume()',
  'socket.setEncoding([encoding])',
  'socket.setKeepAlive([options])',
  'socket.setKeepAlive([enable][, initialDelay][, interval][, count])',
  'socket.setNoDelay([noDelay])',
  'socket.setTimeout(timeout[, callback])',
  'socket.getTypeOfService()',
  'socket.setTypeOfService(tos)',
  'socket.timeout',
  'socket.unref()',
  'socket.write(data[, encoding][, callback])',
  'socket.readyState',
  'net.connect(options[, connectListener])',
  'net.connect(path[, connectListener])',
  'net.connect(port[, host][, connectListener])',
  'net.createConnection(options[, connectListener])',
  'net.createConnection(path[, connectListener])',
  'net.createConnection(port[, host][, connectListener])',
  'net.createServer([options][, connectionListener])',
]

/** Names in titles that are made of a name and a rest, see the loops in the tests. */
const MADE: Record<string, readonly string[]> = {
  'net.${name}': ['net.connect', 'net.createConnection'],
  '${name}(': ['new net.Server(', 'net.createServer('],
}

function titlesIn(source: string): string[] {
  const titles = Array.from(source.matchAll(/bothKinds\(\s*t,\s*(['"`])(.*?)\1,\s/g), ([, , title = '']) => title)
  return titles.flatMap(title => {
    const [made, names = []] = Object.entries(MADE).find(([beginning]) => title.startsWith(beginning)) ?? []
    return made === undefined ? [title] : names.map(name => name + title.slice(made.length))
  })
}

t.test('every documented member has a test of its own', async t => {
  const folder = new URL('../../../test/facade/', import.meta.url)
  const sources = readdirSync(folder).map(file => readFileSync(new URL(file, folder), 'utf8'))
  const named = sources.flatMap(titlesIn).flatMap(title => title.split(/(?<=[\w)]), (?=socket\.|server\.)/))
  for (const member of documented)
    t.ok(
      named.some(title => title.startsWith(member)),
      member,
    )
})
