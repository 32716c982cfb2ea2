import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { runDemo } from '../../lib/cli/demo/run.ts'

// Short and slow: what is checked is that it plays to the end and loses nothing. Speed is for the real demo.
const scenario = {
  links: [
    { name: 'one', rate: 2_000_000, delay: 1 },
    { name: 'two', rate: 1_000_000, delay: 4 },
  ],
  cutLink: 0,
  cutAt: 300,
  mendAt: 1_700,
  endAt: 3_200,
}

t.test('a short demo cuts and mends a link, loses nothing, and tells it in plain lines', async t => {
  const output = new PassThrough()
  const told = text(output)
  const summary = await runDemo(scenario, output)
  output.end()
  t.ok(summary.sentBytes > 0)
  t.equal(summary.lostBytes, 0)
  t.ok(summary.digestsMatch)
  const lines = (await told).split('\n')
  t.match(
    lines.filter(line => / is (cut|mended)/.test(line)),
    [/ one is cut/, / one is mended/],
  )
  t.ok(lines.filter(line => /^ +\d\.\d s {2}data /.test(line)).length >= 2, 'a line each second')
  t.match(lines.at(-2), /^result /)
  t.notMatch(lines.join(''), /\p{Cc}/u, 'no control characters')
})

t.test('a demo that cannot cut what it should fails and closes everything', async t => {
  await t.rejects(runDemo({ ...scenario, cutLink: 7 }, new PassThrough().resume()), RangeError)
})
