// What holds for the list of planted bugs without planting one; `npm run test:mutation` plants them.

import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { plantIn } from './planted-bug.ts'
import { plantedBugs } from './planted-bugs.ts'

const read = (file: string) => readFile(fileURLToPath(new URL(`../../../${file}`, import.meta.url)), 'utf8')

t.test('every planted bug has its place in the sources, exactly once, and changes them', async t => {
  for (const bug of plantedBugs) {
    const source = await read(bug.file)
    t.not(plantIn(source, bug), source, bug.name)
  }
})

t.test('every test that is to catch one is there', async t => {
  for (const file of new Set(plantedBugs.flatMap(bug => bug.tests))) t.match(await read(file), 't.test(', file)
})

t.test('docs/testing.md names each of them, with the tests that catch it, and no other', async t => {
  const section = (await read('docs/testing.md')).split('\n## ').find(text => text.startsWith('Planted bugs\n')) as string
  const rows = section.split('\n').filter(line => line.startsWith('| ') && line !== '| bug | caught by |')
  const cells = rows.map(row => row.split('|').map(cell => cell.trim()))
  t.same(
    cells.map(([, name, tests]) => `${name}: ${tests}`).sort(),
    plantedBugs.map(({ name, tests }) => `${name}: ${tests.map(test => `\`${test}\``).join(', ')}`).sort(),
  )
  t.equal(new Set(plantedBugs.map(({ name }) => name)).size, plantedBugs.length, 'names are unique')
})

t.test('a place that is gone, or there twice, is an error that names the bug', async t => {
  const bug = { name: 'a bug', file: 'lib/x.ts', find: 'here', replace: 'there', tests: ['test/x.test.ts'] } as const
  t.equal(plantIn('it is here', { ...bug, replace: '$&' }), 'it is $&')
  t.throws(() => plantIn('it is gone', bug), { message: /"a bug".*lib\/x\.ts.*0 times/ })
  t.throws(() => plantIn('here and here', bug), { message: /"a bug".*lib\/x\.ts.*2 times/ })
})
