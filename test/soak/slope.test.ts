import t from 'tap'
import { Random } from '../simulation/random.ts'
import { isClear, type Point, slopeOf } from './slope.ts'

/** Memory that grows at a rate, beside what links take that come and go, and noise of 0.1 MB. */
function memory(bytesPerMinute: number, minutes: number): Point[] {
  const random = new Random(1)
  return Array.from({ length: minutes * 12 }, (_, index) => {
    const links = random.between(2, 30)
    const bytes = 12e6 + (bytesPerMinute * index) / 12 + links * 60_000 + random.between(-100_000, 100_000)
    return { timeMs: 1_700_000_000_000 + index * 5_000, bytes, links }
  })
}

t.test('growth is found beneath links that come and go', async t => {
  for (const bytesPerMinute of [0, 300_000, 2_000_000]) {
    const slope = slopeOf(memory(bytesPerMinute, 2))
    t.ok(
      slope && Math.abs(slope.bytesPerMinute - bytesPerMinute) < 3 * slope.errorBytesPerMinute,
      `${bytesPerMinute} bytes a minute`,
    )
    t.ok(slope && slope.errorBytesPerMinute < 100_000, 'the error is small')
  }
})

t.test('the longer it takes the surer the slope is', async t => {
  const short = slopeOf(memory(500_000, 1))
  const long = slopeOf(memory(500_000, 10))
  t.ok(short && long && long.errorBytesPerMinute < short.errorBytesPerMinute / 10)
})

t.test('links that never change are no obstacle; too few samples are', async t => {
  const points = memory(1_000_000, 1).map(point => ({ ...point, links: 4, bytes: point.bytes - point.links * 60_000 }))
  t.ok(Math.abs((slopeOf(points)?.bytesPerMinute ?? 0) - 1_000_000) < 500_000)
  t.equal(slopeOf(points.slice(0, 4)), undefined)
})

t.test('a slope is clear when the limit is more than two standard errors away', async t => {
  const slope = (bytesPerMinute: number) => ({ bytesPerMinute, errorBytesPerMinute: 300_000 })
  t.equal(isClear(slope(300_000), 1_000_000), true)
  t.equal(isClear(slope(600_000), 1_000_000), false)
  t.equal(isClear(slope(1_500_000), 1_000_000), false)
  t.equal(isClear(slope(1_700_000), 1_000_000), true)
  t.equal(isClear(undefined, 1_000_000), false)
})
