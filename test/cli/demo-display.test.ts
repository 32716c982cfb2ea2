import { PassThrough } from 'node:stream'
import t from 'tap'
import { createDisplay } from '../../lib/cli/demo/display.ts'
import { formatTable, type Snapshot } from '../../lib/cli/demo/table.ts'

const snapshot: Snapshot = {
  elapsedMs: 1_000,
  links: [{ name: 'fibre', rate: 8_000_000, carried: 4_000_000, condition: 'works' }],
  goodput: 4_000_000,
}

t.test('a terminal gets a table that is drawn anew, and what is told stays above it', async t => {
  const output = Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY: true, columns: 80, rows: 25 })
  const display = await createDisplay(output)
  display.show(snapshot)
  const first: string = output.read()
  for (const line of formatTable(snapshot)) t.ok(first.includes(line), line)
  display.tell('fibre is cut')
  const told: string = output.read()
  t.match(told, 'fibre is cut\n')
  display.show({ ...snapshot, elapsedMs: 2_000 })
  display.show({ ...snapshot, elapsedMs: 3_000 })
  display.done()
  const again: string = output.read()
  t.match(again, /2\.0 s: .*3\.0 s: /s)
  t.match(again, '\u001b[1A', 'the one before is wiped')
})

t.test('anything else gets plain lines, less often', async t => {
  const output = new PassThrough({ encoding: 'utf8' })
  const display = await createDisplay(output)
  display.show(snapshot)
  display.tell('fibre is cut')
  display.done()
  t.equal(output.read(), ' 1.0 s  data 4.0 MB/s  (fibre 4.0 MB/s)\nfibre is cut\n')
  t.equal(display.interval, 1_000)
})
