// Attack A41 of the threat model, as far as streams of `node:tls` go that are given to hawser: who may start a
// connection, who may join it, and what a client does that reaches a server which is not who it should be.

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer as createTlsServer, type TLSSocket, connect as tlsConnect } from 'node:tls'
import t, { type Test } from 'tap'
import type { LinkRequest, ServerOptions } from '../../lib/index.ts'
import { MessageType, RefusedReason } from '../../lib/protocol/messages.ts'
import { connecting, listening } from '../support/loopback.ts'
import { randomId } from '../support/raw-link.ts'
import { Attacker } from './attacker.ts'
import { Scene } from './scene.ts'

const pem = (name: string) => readFileSync(new URL(`../../../test/support/fixtures/tls/${name}.pem`, import.meta.url))
const ca = pem('ca')
const certificateOf = (name: string) => ({ cert: pem(name), key: pem(`${name}-key`) })

/** A scene whose server also takes links over TLS, from clients with any certificate or none. */
async function tlsScene(t: Test, options: ServerOptions = {}) {
  const scene = await Scene.open(t, options)
  const tlsServer = createTlsServer({ ...certificateOf('server'), ca, requestCert: true, rejectUnauthorized: false }, socket => {
    scene.server.addLink(socket).catch(() => {}) // told by `linkerror`
  }).listen(0, '127.0.0.1')
  await once(tlsServer, 'listening')
  t.teardown(() => tlsServer.close())
  const { port } = tlsServer.address() as AddressInfo
  const dial = async (name?: string): Promise<Attacker> => {
    const own = name === undefined ? {} : certificateOf(name)
    const socket = tlsConnect({ port, host: '127.0.0.1', servername: 'hawser.test', ca, ...own })
    t.teardown(() => socket.destroy())
    await once(socket, 'secureConnect')
    return new Attacker(socket)
  }
  return { scene, dial }
}

t.test('authorize is told who the client is by its certificate, and from where', async t => {
  const requests: LinkRequest[] = []
  const { scene, dial } = await tlsScene(t, { authorize: request => requests.push(request) > 0 })
  await scene.during(async () => {
    for (const name of ['client', 'self-signed', undefined]) await (await dial(name)).join(randomId())
  })
  const [plain, known, unknown, none] = requests
  t.equal(plain?.tls, undefined)
  t.match(known, {
    remoteAddress: '127.0.0.1',
    tls: { authorized: true, certificate: { subject: { CN: 'hawser test client' } } },
  })
  t.match(known?.tls?.fingerprint, /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/)
  t.match(unknown?.tls, { authorized: false, fingerprint: /^[0-9A-F:]{95}$/ })
  t.same(none?.tls, { authorized: false, fingerprint: undefined, certificate: undefined })
})

t.test('A41 a client without the certificate that authorize asks for gets no connection', async t => {
  const { scene, dial } = await tlsScene(t, { authorize: ({ tls }) => tls === undefined || tls.authorized })
  await scene.during(async () => {
    for (const name of ['self-signed', 'expired', undefined]) {
      const told = once(scene.server, 'linkerror')
      const attacker = await dial(name)
      await attacker.ask(randomId())
      t.equal((await attacker.next(MessageType.Refused)).reason, RefusedReason.LinkRefused)
      t.match(await told, [{ code: 'ECONNREFUSED', reason: 'link-refused' }])
    }
    await (await dial('client')).join(randomId())
  })
})

t.test('A41 a link joins only with the identity of the first link', async t => {
  const { scene, dial } = await tlsScene(t)
  await scene.during(async () => {
    const id = randomId()
    const victim = scene.nextVictim()
    await (await dial('client')).join(id)
    const { socket } = await victim
    for (const join of [() => dial('other-client'), () => dial(), () => scene.dial()]) {
      const told = once(scene.server, 'linkerror')
      const attacker = await join()
      await attacker.ask(id, { existing: true })
      t.equal((await attacker.next(MessageType.Refused)).reason, RefusedReason.LinkRefused)
      t.match(await told, [{ code: 'ECONNREFUSED', reason: 'link-refused' }])
    }
    t.equal(socket.links.length, 1)
    await (await dial('client')).join(id, { existing: true })
    t.equal(socket.links.length, 2)
  })
})

t.test('A41 nor does one with an identity join a connection that began without', async t => {
  const { scene, dial } = await tlsScene(t)
  await scene.during(async () => {
    const { id, victim } = await scene.connection()
    const attacker = await dial('client')
    await attacker.ask(id, { existing: true })
    t.equal((await attacker.next(MessageType.Refused)).reason, RefusedReason.LinkRefused)
    await (await dial()).join(id, { existing: true }) // nobody in particular either
    t.equal(victim.socket.links.length, 2)
  })
})

const wrongServers: Record<string, readonly [certificate: string, servername: string, code: string]> = {
  'with a wrong name': ['server', 'other.test', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  'whose certificate expired': ['expired', 'hawser.test', 'CERT_HAS_EXPIRED'],
  'that signed itself': ['self-signed', 'hawser.test', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
}
for (const [what, [certificate, servername, code]] of Object.entries(wrongServers)) {
  t.test(`A41 a server ${what} is a link error, never a connection`, async t => {
    const { server } = await listening(t)
    server.on('connection', () => t.fail('the wrong server got a connection'))
    const accepted: TLSSocket[] = []
    const tlsServer = createTlsServer(certificateOf(certificate), socket => {
      accepted.push(socket)
      server.addLink(socket).catch(() => {})
    }).listen(0, '127.0.0.1')
    tlsServer.on('tlsClientError', () => {})
    await once(tlsServer, 'listening')
    t.teardown(() => {
      tlsServer.close()
      for (const socket of accepted) socket.destroy()
    })
    const { port } = tlsServer.address() as AddressInfo
    const client = connecting(t, { links: [tlsConnect({ port, host: '127.0.0.1', servername, ca })] })
    const linkError = once(client, 'linkerror')
    client.on('connect', () => t.fail('connected to the wrong server'))
    const failed = new Promise<Error>(resolve => client.once('error', resolve))
    t.match(await linkError, [{ code }])
    t.match(await failed, { code })
  })
}

t.test('A41 a client that shows no certificate where one is required gets no connection', async t => {
  const { server } = await listening(t)
  server.on('connection', () => t.fail('a client without a certificate got a connection'))
  const tlsServer = createTlsServer({ ...certificateOf('server'), ca, requestCert: true }, socket => {
    server.addLink(socket).catch(() => {})
  }).listen(0, '127.0.0.1')
  tlsServer.on('tlsClientError', () => {})
  await once(tlsServer, 'listening')
  t.teardown(() => tlsServer.close())
  const { port } = tlsServer.address() as AddressInfo
  for (const name of [undefined, 'self-signed', 'expired']) {
    const own = name === undefined ? {} : certificateOf(name)
    const client = connecting(t, { links: [tlsConnect({ port, host: '127.0.0.1', servername: 'hawser.test', ca, ...own })] })
    const linkError = once(client, 'linkerror')
    client.on('connect', () => t.fail(`connected, with certificate ${name}`))
    const failed = new Promise<Error>(resolve => client.once('error', resolve))
    // With TLS 1.3 the client has finished its handshake before the server refuses it: an alert or a reset.
    t.match(await linkError, [{ code: /^(ERR_SSL_|ECONNRESET|EPIPE)/ }])
    t.match(await failed, { code: /^(ERR_SSL_|ECONNRESET|EPIPE)/ })
  }
})

t.test('A41 a wrong server on one path of two is a link error, and the connection goes on over the other', async t => {
  const { server, port } = await listening(t)
  server.on('connection', socket => void socket.pipe(socket))
  const client = connecting(t, { port })
  await once(client, 'connect')
  for (const [certificate, servername, code] of Object.values(wrongServers)) {
    const tlsServer = createTlsServer(certificateOf(certificate), socket => {
      socket.on('error', () => {})
      server.addLink(socket).catch(() => {})
    }).listen(0, '127.0.0.1')
    tlsServer.on('tlsClientError', () => {})
    await once(tlsServer, 'listening')
    t.teardown(() => tlsServer.close())
    const stream = tlsConnect({ port: (tlsServer.address() as AddressInfo).port, host: '127.0.0.1', servername, ca })
    await t.rejects(client.addLink(stream), { code })
    t.equal(client.links.length, 1)
  }
  client.write('still there?')
  t.equal(String((await once(client, 'data'))[0]), 'still there?')
})
