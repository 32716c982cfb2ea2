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
