import t from 'tap'
import { formatLine, formatTable, type Snapshot } from '../../lib/cli/demo/table.ts'

const snapshot: Snapshot = {
  elapsedMs: 6_250,
  links: [
    { name: 'fibre', rate: 8_000_000, carried: 0, condition: 'cut' },
    { name: 'cable', rate: 4_000_000, carried: 4_000_000, condition: 'works' },
    { name: 'LTE', rate: 2_000_000, carried: 1_000_000, condition: 'works' },
    { name: 'DSL', rate: 10_000_000, carried: 0, condition: 'down' },
  ],
  goodput: 4_800_000,
}

t.test('the table shows limits, speeds and what is wrong', async t => {
  t.strictSame(formatTable(snapshot), [
    '6.3 s: 4 links, one connection',
    '',
    'link         limit        now',
    'fibre     8.0 MB/s   0.0 MB/s  cut',
    'cable     4.0 MB/s   4.0 MB/s  ██████████████████████████████',
    'LTE       2.0 MB/s   1.0 MB/s  ███████████████···············',
    'DSL      10.0 MB/s   0.0 MB/s  down',
    '',
    'data     24.0 MB/s   4.8 MB/s  ██████························ 20.0 %',
  ])
})

t.test('a bar never leaves its place', async t => {
  const wild = formatTable({ ...snapshot, goodput: 1e9 }).at(-1)
  t.match(wild, /█{30} /)
  t.notMatch(wild, /█{31}/)
})

t.test('the line says the same without control characters', async t => {
  const line = formatLine(snapshot)
  t.equal(line, ' 6.3 s  data 4.8 MB/s  (fibre cut, cable 4.0 MB/s, LTE 1.0 MB/s, DSL down)')
})
