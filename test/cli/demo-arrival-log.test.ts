import t from 'tap'
import { ArrivalLog } from '../../lib/cli/demo/arrival-log.ts'

function logOf(...arrivals: [atMs: number, bytes: number][]): ArrivalLog {
  const log = new ArrivalLog()
  for (const [atMs, bytes] of arrivals) log.add(bytes, atMs)
  return log
}

t.test('an empty log has seen nothing', async t => {
  const log = logOf()
  t.equal(log.bytes, 0)
  t.equal(log.lastMs, undefined)
  t.equal(log.bytesBetween(0, 100), 0)
  t.equal(log.longestSilence(0, 100), 0)
})

t.test('neighbouring spans share no arrival and miss none', async t => {
  const log = logOf([10, 1], [20, 2], [30, 4])
  t.equal(log.bytesBetween(0, 20), 3)
  t.equal(log.bytesBetween(20, 30), 4)
  t.equal(log.bytes, 7)
  t.equal(log.lastMs, 30)
})

t.test('a silence counts in full when it reaches into the span, and not when it lies outside', async t => {
  const log = logOf([0, 1], [50, 1], [60, 1], [90, 1], [95, 1])
  t.equal(log.longestSilence(55, 80), 30, 'it lasts beyond the span')
  t.equal(log.longestSilence(40, 58), 50, 'it began before the span')
  t.equal(log.longestSilence(91, 95), 5)
})
