import t from 'tap'
import { RateShaper } from '../../lib/cli/rate-shaper.ts'

/** Takes all that is due, every `stepMs` of virtual time, and adds up the bytes. */
function drain(shaper: RateShaper<string>, fromMs: number, toMs: number, stepMs = 1): number {
  let bytes = 0
  for (let nowMs = fromMs; nowMs <= toMs; nowMs += stepMs) {
    for (let parcel = shaper.take(nowMs); parcel; parcel = shaper.take(nowMs)) bytes += parcel.bytes?.length ?? 0
  }
  return bytes
}

t.test('a full queue leaves at the rate', async t => {
  const shaper = new RateShaper<string>({ rate: 1_000_000 }, 0)
  shaper.push({ owner: 'a', bytes: Buffer.alloc(200_000) }, 0)
  const bytes = drain(shaper, 0, 100)
  t.ok(bytes <= 100_000 && bytes > 97_000, `${bytes} bytes in 100 ms`)
})

t.test('the rate holds when the clock is read late and unevenly', async t => {
  const shaper = new RateShaper<string>({ rate: 1_000_000 }, 0)
  shaper.push({ owner: 'a', bytes: Buffer.alloc(200_000) }, 0)
  t.equal(drain(shaper, 0, 100, 50), 100_000)
})

t.test('time without data is not made up for', async t => {
  const shaper = new RateShaper<string>({ rate: 1_000_000 }, 0)
  shaper.push({ owner: 'a', bytes: Buffer.alloc(100_000) }, 10_000)
  const bytes = drain(shaper, 10_000, 10_010)
  t.ok(bytes <= 15_000, `${bytes} bytes in 10 ms`)
})

t.test('bytes keep their order, and an ending comes behind them', async t => {
  const shaper = new RateShaper<string>({ rate: 1_000_000 }, 0)
  shaper.push({ owner: 'a', bytes: Buffer.alloc(9_000, 1) }, 0)
  shaper.push({ owner: 'b', bytes: Buffer.alloc(10, 2) }, 0)
  shaper.push({ owner: 'a', bytes: undefined }, 0)
  const taken: { owner: string; bytes: Buffer | undefined }[] = []
  for (let nowMs = 0; nowMs < 20; nowMs++) {
    for (let parcel = shaper.take(nowMs); parcel; parcel = shaper.take(nowMs)) taken.push(parcel)
  }
  t.strictSame(taken.pop(), { owner: 'a', bytes: undefined })
  t.strictSame(taken.pop(), { owner: 'b', bytes: Buffer.alloc(10, 2) })
  t.ok(taken.length > 1, 'a long piece comes in parts')
  t.strictSame(Buffer.concat(taken.map(({ bytes }) => bytes ?? Buffer.alloc(0))), Buffer.alloc(9_000, 1))
})

t.test('delay begins behind the bottleneck, and nothing arrives earlier', async t => {
  const shaper = new RateShaper<string>({ rate: 1_000_000, delay: 30 }, 0)
  shaper.push({ owner: 'a', bytes: Buffer.alloc(4_000) }, 0)
  t.equal(drain(shaper, 0, 31), 0, 'the bottleneck passes a part every 2 ms')
  t.equal(shaper.nextDeadlineMs, 32)
  t.equal(drain(shaper, 32, 34), 4_000)
  t.equal(shaper.nextDeadlineMs, undefined)
})

t.test('asking at the deadline always brings something, so that a timer never spins', async t => {
  const shaper = new RateShaper<string>({ rate: 333_333, delay: 7 }, 0)
  shaper.push({ owner: 'a', bytes: Buffer.alloc(100_000) }, 0)
  let bytes = 0
  let wakes = 0
  for (let nowMs = shaper.nextDeadlineMs; nowMs !== undefined && wakes < 1_000; nowMs = shaper.nextDeadlineMs) {
    wakes++
    for (let parcel = shaper.take(nowMs); parcel; parcel = shaper.take(nowMs)) bytes += parcel.bytes?.length ?? 0
  }
  t.equal(bytes, 100_000)
  t.ok(wakes < 400, `${wakes} wakes for 300 ms`)
})

t.test('full at the length of the queue, and again open when it drains', async t => {
  const shaper = new RateShaper<string>({ rate: 1_000_000, queue: 20 }, 0)
  shaper.push({ owner: 'a', bytes: Buffer.alloc(19_999) }, 0)
  t.notOk(shaper.full)
  shaper.push({ owner: 'a', bytes: Buffer.alloc(1) }, 0)
  t.ok(shaper.full)
  drain(shaper, 0, 4)
  t.notOk(shaper.full)
})

t.test('a cut link gives nothing and wants no timer; mended it gives all, without credit for the time between', async t => {
  const shaper = new RateShaper<string>({ rate: 1_000_000, queue: 20 }, 0)
  shaper.push({ owner: 'a', bytes: Buffer.alloc(50_000) }, 0)
  shaper.cut()
  t.equal(drain(shaper, 0, 1_000), 0)
  t.equal(shaper.nextDeadlineMs, undefined)
  shaper.mend(1_000)
  const bytes = drain(shaper, 1_000, 1_010)
  t.ok(bytes > 0 && bytes <= 10_000, `${bytes} bytes in 10 ms`)
  t.equal(bytes + drain(shaper, 1_010, 1_100), 50_000)
})
