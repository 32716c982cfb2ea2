import t from 'tap'
import { TcpLinkTag } from '../../../lib/transports/tcp/tag.ts'

t.test('a tag tells its link in print', async t => {
  const outgoing = new TcpLinkTag({
    direction: 'outgoing',
    interface: 'eth0',
    localAddress: '192.168.1.2',
    remoteAddress: '1.2.3.4',
    remotePort: 5800,
  })
  t.equal(`${outgoing}`, 'TCP eth0 192.168.1.2 -> 1.2.3.4:5800')
  const incoming = new TcpLinkTag({
    direction: 'incoming',
    interface: 'eth0',
    localAddress: 'fe80::1%eth0',
    localPort: 5800,
    remoteAddress: 'fe80::2%eth0',
    remotePort: 1234,
  })
  t.equal(`${incoming}`, 'TCP eth0 [fe80::1%eth0]:5800 <- [fe80::2%eth0]:1234')
  t.equal(`${new TcpLinkTag({ direction: 'outgoing', remoteAddress: '::1', remotePort: 1 })}`, 'TCP -> [::1]:1')
  t.equal(`${new TcpLinkTag({ direction: 'incoming', serial: 3 })}`, 'TCP <- unix socket')
})

t.test('names that would do harm in print are escaped and cut', async t => {
  const tag = new TcpLinkTag({
    direction: 'outgoing',
    interface: `\x1b[2J${'x'.repeat(500)}`,
    remoteAddress: '1.2.3.4',
    remotePort: 1,
  })
  t.match(`${tag}`, /^TCP \\x1b\[2Jx+… -> 1\.2\.3\.4:1$/)
  t.ok(`${tag}`.length < 100)
})

t.test('its user data is the name of the interface in UTF-8', async t => {
  const userData = (name?: string) => new TcpLinkTag({ direction: 'outgoing', interface: name, remoteAddress: '::1' }).userData
  t.equal(Buffer.from(userData('Ethernet größer')!).toString(), 'Ethernet größer')
  t.equal(userData(), undefined)
})

t.test('the key is that of interface, direction, remote address and port, whatever the local address is now', async t => {
  const base = { direction: 'outgoing', interface: 'eth0', remoteAddress: '1.2.3.4', remotePort: 80 } as const
  const key = new TcpLinkTag(base).key
  t.equal(new TcpLinkTag({ ...base, localAddress: '10.0.0.1' }).key, key)
  for (const change of [{ interface: 'eth1' }, { interface: undefined }, { remoteAddress: '1.2.3.5' }, { remotePort: 81 }]) {
    t.not(new TcpLinkTag({ ...base, ...change }).key, key)
  }
  t.not(new TcpLinkTag({ ...base, direction: 'incoming' }).key, key)
  t.not(new TcpLinkTag({ direction: 'incoming', serial: 1 }).key, new TcpLinkTag({ direction: 'incoming', serial: 2 }).key)
})
