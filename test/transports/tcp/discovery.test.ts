import { BlockList, type LookupFunction } from 'node:net'
import t from 'tap'
import { TcpConnector, type TcpConnectorOptions, tcpConnector } from '../../../lib/transports/tcp/connector.ts'
import { MAX_REMOTE_ADDRESSES } from '../../../lib/transports/tcp/resolve.ts'
import type { TcpLinkTag } from '../../../lib/transports/tcp/tag.ts'
import { ManualClock, settled } from '../manual-clock.ts'
import { interfaces, loopback } from './local-interfaces.ts'

const INTERVAL = 10_000

type Answer = readonly string[] | Error | 'never'

/** A connector on a machine whose interfaces and names are decided by the test, and what it lists. */
class Setup {
  readonly clock = new ManualClock()
  readonly connector: TcpConnector
  readonly names: Record<string, Answer> = { server: ['1.2.3.4'] }
  local: Record<string, readonly string[]> = { ...loopback, eth0: ['192.168.1.2/24'], wlan0: ['10.0.0.2/24', 'fd00::2/64'] }
  /** Names looked up so far, oldest first. */
  readonly lookups: string[] = []
  readonly listed: (readonly TcpLinkTag[])[] = []
  error: unknown
  ended = false
  readonly controller = new AbortController()

  constructor(options: TcpConnectorOptions = {}) {
    const lookup = this.#lookup as LookupFunction
    const system = { ...this.clock, networkInterfaces: () => interfaces(this.local) }
    this.connector = new TcpConnector({ host: 'server', port: 5800, lookup, ...options }, system)
  }

  async start(): Promise<this> {
    void this.#list()
    await settled()
    return this
  }

  get now(): string[] {
    return (this.listed.at(-1) ?? []).map(tag => `${tag}`)
  }

  async #list(): Promise<void> {
    try {
      for await (const tags of this.connector.tags(this.controller.signal)) this.listed.push(tags)
    } catch (error) {
      this.error = error
    }
    this.ended = true
  }

  readonly #lookup = (name: string, _options: unknown, callback: (error: Error | null, addresses: object[]) => void): void => {
    this.lookups.push(name)
    const answer = this.names[name] ?? new Error(`no such name: ${name}`)
    if (answer === 'never') return
    if (answer instanceof Error) callback(answer, [])
    else
      callback(
        null,
        answer.map(address => ({ address, family: address.includes(':') ? 6 : 4 })),
      )
  }
}

t.test('there is a tag for every local interface and remote address', async t => {
  const setup = new Setup()
  setup.names.server = ['1.2.3.4', '1.2.3.5', 'fd11::1']
  await setup.start()
  t.same(setup.now, [
    'TCP eth0 192.168.1.2 -> 1.2.3.4:5800',
    'TCP wlan0 10.0.0.2 -> 1.2.3.4:5800',
    'TCP eth0 192.168.1.2 -> 1.2.3.5:5800',
    'TCP wlan0 10.0.0.2 -> 1.2.3.5:5800',
    'TCP wlan0 fd00::2 -> [fd11::1]:5800',
  ])
  t.equal(setup.listed[0]?.[0]?.userData?.toString(), Buffer.from('eth0').toJSON().data.toString())
})

t.test('without multiInterface there is a tag for every remote address', async t => {
  const setup = new Setup({ multiInterface: false })
  setup.names.server = ['1.2.3.4', 'fd11::1']
  await setup.start()
  t.same(setup.now, ['TCP -> 1.2.3.4:5800', 'TCP -> [fd11::1]:5800'])
  t.equal(setup.listed[0]?.[0]?.userData, undefined)
})

t.test('hosts are names and addresses with or without ports, and the same address counts once', async t => {
  const hosts = ['server', 'server:81', '1.2.3.4', '[fd11::1]:82', 'fd11::2']
  const setup = await new Setup({ host: hosts, multiInterface: false, port: '80' }).start()
  t.same(setup.now, ['TCP -> 1.2.3.4:80', 'TCP -> 1.2.3.4:81', 'TCP -> [fd11::1]:82', 'TCP -> [fd11::2]:80'])
  t.same(setup.lookups, ['server', 'server'], 'addresses are not looked up')
})

t.test('only addresses of the wanted family are used', async t => {
  for (const [family, expected] of [
    [4, ['TCP -> 1.2.3.4:5800']],
    ['IPv6', ['TCP -> [fd11::1]:5800']],
  ] as const) {
    const setup = new Setup({ family, multiInterface: false })
    setup.names.server = ['1.2.3.4', 'fd11::1']
    await setup.start()
    t.same(setup.now, expected)
  }
})

t.test('a change of the name is followed; no change is not told', async t => {
  const setup = await new Setup({ multiInterface: false }).start()
  await setup.clock.advance(10 * INTERVAL)
  t.equal(setup.listed.length, 1)
  t.equal(setup.lookups.length, 11)
  setup.names.server = ['5.6.7.8']
  await setup.clock.advance(INTERVAL)
  t.same(setup.now, ['TCP -> 5.6.7.8:5800'])
  t.equal(setup.listed.length, 2)
})

t.test('interfaces that come, go or change their address are followed', async t => {
  const setup = await new Setup().start()
  setup.local = { ...loopback, eth0: ['192.168.1.2/24'], usb0: ['172.16.0.2/24'] }
  await setup.clock.advance(INTERVAL)
  t.same(setup.now, ['TCP eth0 192.168.1.2 -> 1.2.3.4:5800', 'TCP usb0 172.16.0.2 -> 1.2.3.4:5800'])
  const [before] = setup.listed.at(-1) ?? []
  setup.local = { ...loopback, eth0: ['192.168.1.99/24'] }
  await setup.clock.advance(INTERVAL)
  t.same(setup.now, ['TCP eth0 192.168.1.99 -> 1.2.3.4:5800'])
  t.equal(setup.listed.at(-1)?.[0]?.key, before?.key, 'a new address is not a new link')
  setup.local = loopback
  await setup.clock.advance(INTERVAL)
  t.same(setup.now, [])
  t.notOk(setup.ended, 'none at all is no error later on')
})

t.test('a name that cannot be resolved is an error at first; later the last addresses are kept', async t => {
  const failure = Object.assign(new Error('getaddrinfo ENOTFOUND server'), { code: 'ENOTFOUND' })
  const setup = new Setup({ multiInterface: false })
  setup.names.server = failure
  await setup.start()
  t.equal(setup.error, failure)
  const later = await new Setup({ multiInterface: false }).start()
  later.names.server = failure
  await later.clock.advance(3 * INTERVAL)
  t.same(later.now, ['TCP -> 1.2.3.4:5800'])
  t.notOk(later.ended)
})

t.test('a name without an address of the family is not found', async t => {
  const setup = await new Setup({ family: 6 }).start()
  t.match(setup.error, { code: 'ENOTFOUND', hostname: 'server' })
})

t.test('one name of several that fails or hangs does not hold back the others', async t => {
  const setup = new Setup({ host: ['server', 'broken', 'slow'], multiInterface: false })
  setup.names.slow = 'never'
  await setup.start()
  t.same(setup.listed, [])
  await setup.clock.advance(2_000)
  t.same(setup.now, ['TCP -> 1.2.3.4:5800'])
  await setup.clock.advance(10 * INTERVAL)
  t.equal(setup.lookups.filter(name => name === 'slow').length, 1, 'a lookup that hangs is not repeated')
  t.ok(setup.lookups.filter(name => name === 'server').length > 5)
})

t.test('a remote address that no interface reaches is ENETUNREACH', async t => {
  const setup = new Setup()
  setup.local = loopback
  await setup.start()
  t.match(setup.error, { code: 'ENETUNREACH', syscall: 'connect', address: '1.2.3.4', port: 5800 })
})

t.test('blocked addresses are not dialed', async t => {
  const blockList = new BlockList()
  blockList.addAddress('1.2.3.4')
  const setup = new Setup({ blockList, multiInterface: false })
  setup.names.server = ['1.2.3.4', '1.2.3.5']
  await setup.start()
  t.same(setup.now, ['TCP -> 1.2.3.5:5800'])
  const blocked = await new Setup({ blockList }).start()
  t.match(blocked.error, { code: 'ERR_IP_BLOCKED' })
})

t.test('a local address chooses its interface', async t => {
  const setup = await new Setup({ localAddress: '10.0.0.2' }).start()
  t.same(setup.now, ['TCP wlan0 10.0.0.2 -> 1.2.3.4:5800'])
  const foreign = await new Setup({ localAddress: '10.0.0.99' }).start()
  t.same(foreign.now, ['TCP 10.0.0.99 -> 1.2.3.4:5800'], 'one that no interface has is left to the system')
  const otherFamily = await new Setup({ localAddress: 'fd00::2' }).start()
  t.match(otherFamily.error, { code: 'ENETUNREACH' })
})

t.test('interfaces can be chosen; by default those named ifb* are not used', async t => {
  const setup = new Setup()
  setup.local.ifb0 = ['10.9.9.9/24']
  await setup.start()
  t.equal(setup.now.length, 2)
  const chosen = await new Setup({
    interfaceFilter: (name, [info]) => name === 'eth0' && info?.address === '192.168.1.2',
  }).start()
  t.same(chosen.now, ['TCP eth0 192.168.1.2 -> 1.2.3.4:5800'])
})

t.test('a system that does not tell its interfaces gets a tag for every remote address', async t => {
  const setup = new Setup()
  Object.defineProperty(setup, 'local', {
    get: () => {
      throw new Error('not permitted')
    },
  })
  await setup.start()
  t.same(setup.now, ['TCP -> 1.2.3.4:5800'])
})

t.test('a long answer is cut', async t => {
  const setup = new Setup({ multiInterface: false })
  setup.names.server = Array.from({ length: 250 }, (_, index) => `1.2.3.${index}`)
  await setup.start()
  t.equal(setup.now.length, MAX_REMOTE_ADDRESSES)
})

t.test('a lookup may answer with one address, or throw', async t => {
  const one = ((_name: string, _options: unknown, callback: (error: null, address: string, family: number) => void) =>
    callback(null, '1.2.3.4', 4)) as unknown as LookupFunction
  t.same((await new Setup({ lookup: one, multiInterface: false }).start()).now, ['TCP -> 1.2.3.4:5800'])
  const thrower = () => {
    throw new Error('thrown')
  }
  t.match((await new Setup({ lookup: thrower }).start()).error, { message: 'thrown' })
})

t.test('after a link failed everything is looked at again within a second, not more often', async t => {
  const setup = await new Setup({ multiInterface: false }).start()
  const [tag] = setup.listed[0] ?? []
  const aborted = AbortSignal.abort()
  await setup.clock.advance(3_000)
  for (let count = 0; count < 10; count++) await t.rejects(setup.connector.connect(tag!, aborted))
  t.equal(setup.lookups.length, 1)
  await setup.clock.advance(1_000)
  t.equal(setup.lookups.length, 2)
  await setup.clock.advance(INTERVAL - 1)
  t.equal(setup.lookups.length, 2)
  await setup.clock.advance(1)
  t.equal(setup.lookups.length, 3)
})

t.test('abort ends the listing and leaves no timer, referenced ones never', async t => {
  const setup = await new Setup().start()
  t.equal(setup.clock.timers, 1)
  t.equal(setup.clock.referencedTimers, 0)
  setup.controller.abort()
  await settled()
  t.ok(setup.ended)
  t.equal(setup.error, undefined)
  t.equal(setup.clock.timers, 0)
  const waiting = new Setup()
  waiting.names.server = 'never'
  await waiting.start()
  waiting.controller.abort()
  await settled()
  t.ok(waiting.ended)
  t.equal(waiting.clock.timers, 0)
})

t.test('options that make no sense are refused at once', async t => {
  const make = (options: object) => () => new TcpConnector(options)
  t.throws(make({ host: 'server' }), { code: 'ERR_MISSING_ARGS' })
  t.throws(make({ host: ['server:1', 'other'] }), { code: 'ERR_MISSING_ARGS' })
  for (const port of [65_536, -1, 1.5, 'x', '']) t.throws(make({ port }), { code: 'ERR_OUT_OF_RANGE' }, `port ${port}`)
  for (const host of ['a:b:c', ':80', '[::1', ['']])
    t.throws(make({ port: 1, host }), { code: 'ERR_INVALID_ARG_VALUE' }, `${host}`)
  t.throws(make({ host: 'a:70000' }), { code: 'ERR_OUT_OF_RANGE' })
  for (const host of [5, [5], {}]) t.throws(make({ port: 1, host }), { code: 'ERR_INVALID_ARG_TYPE' }, `${host}`)
  for (const name of ['interfaceFilter', 'socketSetup']) {
    t.throws(make({ port: 1, [name]: 'x' }), { code: 'ERR_INVALID_ARG_TYPE', message: new RegExp(name) })
  }
  t.throws(() => tcpConnector(), { code: 'ERR_MISSING_ARGS' })
  t.throws(make({ port: 1, family: 5 }), { code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(make({ port: 1, linkFilter: 'some' }), { code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(make({ port: 1, localAddress: 'eth0' }), { code: 'ERR_INVALID_IP_ADDRESS' })
  for (const interval of [0, -1, Number.NaN, 2 ** 31]) {
    t.throws(make({ port: 1, resolveInterval: interval }), { code: 'ERR_OUT_OF_RANGE' })
    t.throws(make({ port: 1, connectTimeout: interval }), { code: 'ERR_OUT_OF_RANGE' })
  }
})

t.test('the observer hears of the first lookup of each name, once for each address, or of its error', async t => {
  const heard: unknown[][] = []
  const observer = { lookup: (...outcome: unknown[]) => heard.push(outcome) as unknown as undefined }
  const setup = new Setup({ host: ['server', 'unknown', '9.9.9.9'], observer })
  setup.names.server = ['1.2.3.4', 'fd00::9']
  await setup.start()
  t.match(heard, [
    [null, '1.2.3.4', 4, 'server'],
    [null, 'fd00::9', 6, 'server'],
    [{ message: 'no such name: unknown' }, undefined, undefined, 'unknown'],
  ])
  await setup.clock.advance(INTERVAL)
  t.equal(setup.lookups.length, 4)
  t.equal(heard.length, 3)
})

t.test('with firstAddressOnly one address of each name', async t => {
  const lookup: LookupFunction = (_name, { all }, callback) => {
    t.notOk(all)
    callback(null, '1.2.3.4', 4)
  }
  const setup = await new Setup({ lookup, firstAddressOnly: true, multiInterface: false }).start()
  t.same(setup.now, ['TCP -> 1.2.3.4:5800'])
})

t.test('a lookup that answers with what is no address', async t => {
  const setup = new Setup()
  setup.names.server = ['nonsense']
  await setup.start()
  t.match(setup.error, { code: 'ERR_INVALID_IP_ADDRESS', message: /nonsense/ })
  const both = new Setup({ multiInterface: false })
  both.names.server = ['nonsense', '1.2.3.4']
  await both.start()
  t.same(both.now, ['TCP -> 1.2.3.4:5800'])
})
