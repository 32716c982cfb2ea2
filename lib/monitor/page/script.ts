// Runs in the browser: fetches the statistics every second and shows them. What it shows comes in part from peers, so it
// goes into the page as text, never as markup.

import type { ConnectionSnapshot, LinkSnapshot, MonitorSnapshot } from '../snapshot.ts'

/** What is used of the browser's document; the types of all of it would stand in every file of the library. */
interface PageElement {
  textContent: string | null
  className: string
  append(child: PageElement): void
  replaceChildren(...children: readonly PageElement[]): void
}
declare const document: {
  getElementById(id: 'status' | 'connections' | 'links'): PageElement
  createElement(tag: 'tr' | 'th' | 'td'): PageElement
}

interface Row {
  readonly number: number
  readonly connection: ConnectionSnapshot
}
interface LinkRow extends Row {
  readonly link: LinkSnapshot
}

type Columns<T> = Readonly<Record<string, (row: T) => string | number | null>>

const REFRESH_MS = 1_000

const connectionColumns: Columns<Row> = {
  connection: ({ number }) => number,
  side: ({ connection }) => connection.side,
  state: ({ connection }) => connection.state,
  schedule: ({ connection }) => connection.schedule,
  links: ({ connection }) => connection.links.length,
  'bytes read': ({ connection }) => connection.bytesRead,
  'bytes written': ({ connection }) => connection.bytesWritten,
  unacked: ({ connection }) => connection.stats.unacked,
  unconsumed: ({ connection }) => connection.stats.unconsumed,
  'send space': ({ connection }) => connection.stats.sendSpace,
  'resend queue': ({ connection }) => connection.stats.resendQueue,
  'received, unread': ({ connection }) => connection.stats.receivedUnconsumed,
}

const linkColumns: Columns<LinkRow> = {
  connection: ({ number }) => number,
  link: ({ link }) => link.tag,
  direction: ({ link }) => link.direction,
  state: ({ link }) => stateOf(link),
  role: ({ link }) => link.role,
  'round trip, ms': ({ link }) => link.stats.roundTrip,
  'bytes/s': ({ link }) => link.stats.deliveryRate,
  'bytes sent': ({ link }) => link.stats.bytesSent,
  'bytes received': ({ link }) => link.stats.bytesReceived,
  'in flight': ({ link }) => link.stats.inFlight,
  window: ({ link }) => link.stats.window,
  hangs: ({ link }) => link.stats.hangs,
  resent: ({ link }) => link.stats.resent,
  'user data': ({ link }) => link.userData ?? '',
}

await refresh()

async function refresh(): Promise<void> {
  const status = document.getElementById('status')
  try {
    const response = await fetch('/stats')
    if (!response.ok) throw new Error(`status ${response.status}`)
    const snapshot = (await response.json()) as MonitorSnapshot
    show(snapshot)
    status.className = ''
    status.textContent = summaryOf(snapshot)
  } catch (error) {
    status.className = 'bad'
    status.textContent = `No figures, those below are old: ${error instanceof Error ? error.message : error}`
  }
  setTimeout(refresh, REFRESH_MS)
}

function show({ connections }: MonitorSnapshot): void {
  const rows = connections.map((connection, index) => ({ number: index + 1, connection }))
  fill('connections', connectionColumns, rows)
  const links = rows.flatMap(row => row.connection.links.map(link => ({ ...row, link })))
  fill('links', linkColumns, links)
}

function summaryOf({ total, connections }: MonitorSnapshot): string {
  const text = `Connections: ${total}`
  return total > connections.length ? `${text}, of which the first ${connections.length} are shown` : text
}

function stateOf(link: LinkSnapshot): string {
  if (!link.working) return link.notWorkingReason ?? 'not working'
  if (link.blocked) return 'blocked'
  if (link.remotelyBlocked) return 'blocked by the other side'
  return link.standby ? 'stands by' : 'works'
}

function fill<T>(id: 'connections' | 'links', columns: Columns<T>, rows: readonly T[]): void {
  const head = rowOf(Object.keys(columns).map(title => cell('th', title)))
  const body = rows.map(row => rowOf(Object.values(columns).map(value => cell('td', value(row)))))
  document.getElementById(id).replaceChildren(head, ...body)
}

function rowOf(cells: readonly PageElement[]): PageElement {
  const row = document.createElement('tr')
  for (const child of cells) row.append(child)
  return row
}

function cell(tag: 'th' | 'td', value: string | number | null): PageElement {
  const element = document.createElement(tag)
  element.className = typeof value === 'string' ? 'text' : ''
  element.textContent = typeof value === 'number' ? formatted(value) : (value ?? '–')
  return element
}

/** Whole numbers in groups of three digits; small ones, such as round trips, with a digit more. */
function formatted(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: value < 100 ? 1 : 0 })
}
