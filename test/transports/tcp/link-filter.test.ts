import t from 'tap'
import { acceptsLink, type FilteredLink, type TcpLinkFilterMode } from '../../../lib/transports/tcp/link-filter.ts'
import { TcpLinkTag } from '../../../lib/transports/tcp/tag.ts'
import { FakeTag } from '../fake-transport.ts'

function link(localInterface: string, remoteAddress: string, remoteInterface: string): FilteredLink {
  const tag = new TcpLinkTag({ direction: 'outgoing', interface: localInterface, remoteAddress, remotePort: 5800, family: 4 })
  return { tag, remoteUserData: Buffer.from(remoteInterface) }
}

const existing = [link('eth0', '1.1.1.1', 'wan0')]
const sameInterfaces = link('eth0', '2.2.2.2', 'wan0')
const sameAddress = link('eth0', '1.1.1.1', 'wan1')
const otherInterface = link('wlan0', '1.1.1.1', 'wan0')

const table: [TcpLinkFilterMode, FilteredLink, boolean][] = [
  ['interface-interface', sameInterfaces, false],
  ['interface-interface', sameAddress, true],
  ['interface-interface', otherInterface, true],
  ['interface-ip', sameInterfaces, true],
  ['interface-ip', sameAddress, false],
  ['interface-ip', otherInterface, true],
  ['none', sameInterfaces, true],
  ['none', sameAddress, true],
]

t.test('a filter refuses what adds nothing to the links that exist', async t => {
  for (const [mode, candidate, accepted] of table) {
    t.equal(acceptsLink(mode, candidate, existing), accepted, `${mode}: ${candidate.tag} to ${candidate.remoteUserData}`)
    t.equal(acceptsLink(mode, candidate, []), true, 'the first link is always taken')
  }
})

t.test('links of other transports neither count nor are refused', async t => {
  const other: FilteredLink = { tag: new FakeTag('x'), remoteUserData: Buffer.from('wan0') }
  t.equal(acceptsLink('interface-interface', other, existing), true)
  t.equal(acceptsLink('interface-interface', sameInterfaces, [other]), true)
})

t.test('remote interfaces are compared byte by byte', async t => {
  t.equal(acceptsLink('interface-interface', link('eth0', '2.2.2.2', 'wan'), existing), true)
  t.equal(acceptsLink('interface-interface', link('eth0', '2.2.2.2', ''), [link('eth0', '1.1.1.1', '')]), false)
})

t.test('a link of the same addresses takes the place of one that does not work', async t => {
  for (const mode of ['interface-interface', 'interface-ip'] as const) {
    const [working] = existing as [FilteredLink]
    const again = link('eth0', '1.1.1.1', 'wan0')
    t.equal(acceptsLink(mode, again, [{ ...working, notWorkingReason: null }]), false, 'not while it works')
    t.equal(acceptsLink(mode, again, [{ ...working, notWorkingReason: 'new' }]), false, 'nor before its test')
    t.equal(acceptsLink(mode, again, [{ ...working, notWorkingReason: 'ack-timeout' }]), true)
  }
  const silent = { ...(existing[0] as FilteredLink), notWorkingReason: 'ack-timeout' }
  t.equal(acceptsLink('interface-interface', sameInterfaces, [silent]), false, 'a link to another address adds nothing still')
})

t.test('who accepts takes a link of the same addresses for the successor of one that its other end has lost', async t => {
  const incoming = (remoteAddress: string, remotePort: number): FilteredLink => {
    const ends = { interface: 'wan0', localAddress: '1.1.1.1', localPort: 5800, remoteAddress, remotePort, family: 4 } as const
    return {
      tag: new TcpLinkTag({ direction: 'incoming', ...ends }),
      remoteUserData: Buffer.from('eth0'),
      notWorkingReason: null,
    }
  }
  t.equal(acceptsLink('interface-interface', incoming('9.9.9.9', 40_001), [incoming('9.9.9.9', 40_000)]), true)
  t.equal(acceptsLink('interface-interface', incoming('8.8.8.8', 40_001), [incoming('9.9.9.9', 40_000)]), false)
})
