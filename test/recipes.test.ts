// What docs/recipes.md shows is what the tests run: every piece of code stands, line by line, in the file named above it.

import { readFileSync } from 'node:fs'
import t from 'tap'

const LINES_BETWEEN = 1
const root = new URL('../../', import.meta.url)
const page = readFileSync(new URL('docs/recipes.md', root), 'utf8')
const recipes = [...page.matchAll(/<!-- (\S+) -->\n```js\n(.*?)```/gs)]

t.test('there is a recipe for every client, and each names where it is tested', async t => {
  t.ok(recipes.length >= 20)
  t.equal([...page.matchAll(/```js/g)].length, recipes.length + 1, 'but for the options that all share')
})

for (const [, file = '', code = ''] of recipes) {
  const lines = code
    .split('\n')
    .map(line => line.trim())
    .filter(Boolean)
  t.test(`${file}: ${lines[0]}`, async t => {
    const source = readFileSync(new URL(file, root), 'utf8')
      .split('\n')
      .map(line => line.trim())
    const found = source.some((_, start) => {
      let at = start
      return lines.every(line => {
        // What belongs to the test alone, such as its clean-up, may stand between.
        const next = source.findIndex((text, index) => index >= at && index <= at + LINES_BETWEEN && text.includes(line))
        at = next + 1
        return next >= 0
      })
    })
    t.ok(found, 'its lines stand there in this order')
  })
}
