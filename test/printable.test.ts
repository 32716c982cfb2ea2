import t from 'tap'
import { PRINTABLE_LIMIT, printable } from '../lib/printable.ts'

t.test('plain text of any language stays as it is', async t => {
  for (const text of ['', 'eth0', 'TCP 1.2.3.4:80', 'Ethernet 2 (größer)', '日本語', 'a 😀 b', '<b>"&\''])
    t.equal(printable(text), text)
})

t.test('what could steer a terminal or break a line becomes an escape', async t => {
  const cases = [
    ['\x1b[31mred', '\\x1b[31mred'],
    ['a\r\nb\tc', 'a\\x0d\\x0ab\\x09c'],
    ['\0\x7f\x9b', '\\x00\\x7f\\x9b'],
    ['\u202eevil', '\\u{202e}evil'],
    ['a\u2028b\u200bc\ufeff', 'a\\u{2028}b\\u{200b}c\\u{feff}'],
    ['\ud800', '\\u{d800}'],
    ['\u{e0001}', '\\u{e0001}'],
    ['\\x1b', '\\\\x1b'],
  ] as const
  for (const [text, expected] of cases) t.equal(printable(text), expected)
})

t.test('bytes are read as UTF-8, broken ones included', async t => {
  t.equal(printable(new TextEncoder().encode('größe\n')), 'größe\\x0a')
  t.equal(printable(Uint8Array.of(0x61, 0xff, 0x62)), 'a\ufffdb')
  t.equal(printable(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61)), '\\u{feff}a')
})

t.test('long text is cut, never inside an escape or a pair', async t => {
  t.equal(printable('x'.repeat(PRINTABLE_LIMIT)), 'x'.repeat(PRINTABLE_LIMIT))
  t.equal(printable('x'.repeat(PRINTABLE_LIMIT + 1)), `${'x'.repeat(PRINTABLE_LIMIT - 1)}…`)
  t.equal(printable('abc\x1b', 6), 'abc…')
  t.equal(printable('abc\x1b', 7), 'abc\\x1b')
  t.equal(printable('ab😀', 3), 'ab…')
  t.equal(printable('ab😀', 4), 'ab😀')
  t.equal(printable('😀😀', 3), '😀…')
  t.equal(printable(new Uint8Array(65_536).fill(0xc3)).length, PRINTABLE_LIMIT)
})

t.test('whatever comes in, what goes out is short and has no control characters', async t => {
  for (let code = 0; code < 0x3000; code++) {
    const result = printable(String.fromCodePoint(code).repeat(100))
    if (result.length > PRINTABLE_LIMIT || /\p{C}/u.test(result)) t.fail(`code point ${code}`)
  }
})
