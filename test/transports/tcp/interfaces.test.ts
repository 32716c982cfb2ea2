import t from 'tap'
import { parseAddress } from '../../../lib/transports/tcp/address.ts'
import { interfaceOf, routesTo } from '../../../lib/transports/tcp/interfaces.ts'
import { interfaces, loopback } from './local-interfaces.ts'

const machine = interfaces({
  ...loopback,
  eth0: ['192.168.1.2/24', '2001:db8:1::2/64', 'fe80::1/64'],
  wlan0: ['10.0.0.2/8', 'fe80::2/64'],
  down0: ['169.254.7.7/16'],
})

/** `interface local -> remote` of every route. */
function routes(remote: string, from?: string): string[] {
  const all = routesTo(machine, parseAddress(remote)!, from === undefined ? undefined : parseAddress(from))
  return all.map(route => `${route.interface} ${route.localAddress} -> ${route.remoteAddress}`)
}

t.test('a loopback address is reached over the loopback interface only', async t => {
  t.same(routes('127.0.0.1'), ['lo 127.0.0.1 -> 127.0.0.1'])
  t.same(routes('127.8.8.8'), ['lo 127.0.0.1 -> 127.8.8.8'])
  t.same(routes('0:0:0:0:0:0:0:1'), ['lo ::1 -> ::1'])
})

t.test('another machine is reached over every interface with an address of the family that is good for it', async t => {
  t.same(routes('1.2.3.4'), ['eth0 192.168.1.2 -> 1.2.3.4', 'wlan0 10.0.0.2 -> 1.2.3.4'])
  t.same(routes('::ffff:1.2.3.4'), ['eth0 192.168.1.2 -> 1.2.3.4', 'wlan0 10.0.0.2 -> 1.2.3.4'])
  t.same(routes('2001:db8:2::1'), ['eth0 2001:db8:1::2 -> 2001:db8:2::1'])
})

t.test('a link-local address is reached over any interface, or over that of its zone', async t => {
  t.same(routes('fe80::9'), ['eth0 fe80::1%eth0 -> fe80::9%eth0', 'wlan0 fe80::2%wlan0 -> fe80::9%wlan0'])
  t.same(routes('fe80::9%wlan0'), ['wlan0 fe80::2%wlan0 -> fe80::9%wlan0'])
  t.same(routes('fe80::9%2'), ['eth0 fe80::1%eth0 -> fe80::9%eth0'], 'zone by number')
  t.same(routes('fe80::9%usb0'), [])
  t.same(routes('169.254.1.1').length, 3)
})

t.test("the machine's own addresses are reached over the interface that has them, and inside the machine", async t => {
  t.same(routes('192.168.1.2'), ['eth0 192.168.1.2 -> 192.168.1.2'])
  t.ok(routesTo(machine, parseAddress('192.168.1.2')!)[0]?.internal)
  t.ok(routesTo(machine, parseAddress('127.0.0.1')!)[0]?.internal)
  t.notOk(routesTo(machine, parseAddress('192.168.1.3')!)[0]?.internal)
})

t.test('of several addresses the one in the same network is taken, then one of the same kind', async t => {
  const several = interfaces({ eth0: ['10.1.0.2/16', '10.2.0.2/16', 'fd00::2/64', '2001:db8::2/64'] })
  const local = (remote: string) => routesTo(several, parseAddress(remote)!)[0]
  t.match(local('10.2.3.4'), { localAddress: '10.2.0.2', onlyAddress: false })
  t.match(local('1.2.3.4'), { localAddress: '10.1.0.2', onlyAddress: false })
  t.match(local('2001:db8:9::1'), { localAddress: '2001:db8::2' })
  t.match(local('fd11::1'), { localAddress: 'fd00::2' })
  t.match(routesTo(machine, parseAddress('1.2.3.4')!)[0], { onlyAddress: true })
})

t.test('a given local address allows only its interface', async t => {
  t.same(routes('1.2.3.4', '10.0.0.2'), ['wlan0 10.0.0.2 -> 1.2.3.4'])
  t.same(routes('1.2.3.4', '127.0.0.2'), [])
  t.same(routes('1.2.3.4', '2001:db8:1::2'), [])
})

t.test('the interface of a local address is found, mapped, with zone, and within the loopback network', async t => {
  t.equal(interfaceOf(machine, '192.168.1.2'), 'eth0')
  t.equal(interfaceOf(machine, '::ffff:10.0.0.2'), 'wlan0')
  t.equal(interfaceOf(machine, 'fe80::2%wlan0'), 'wlan0')
  t.equal(interfaceOf(machine, '127.0.0.2'), 'lo')
  t.equal(interfaceOf(machine, '192.168.1.3'), undefined)
  t.equal(interfaceOf(machine, 'nonsense'), undefined)
  const twins = interfaces({ eth0: ['fe80::1/64'], eth1: ['fe80::1/64'] })
  t.equal(interfaceOf(twins, 'fe80::1%eth1'), 'eth1')
})
