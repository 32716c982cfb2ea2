// What docs/recipes.md and docs/policies.md show is what the tests run: every piece of code stands, line by line, in the file named above it.

import { readFileSync } from 'node:fs'
import t from 'tap'

const LINES_BETWEEN = 1
const root = new URL('../../', import.meta.url)
const [page, policies] = ['recipes', 'policies'].map(name => readFileSync(new URL(`docs/${name}.md`, root), 'utf8')) as [
  string,
  string,
]
const recipes = piecesOf(page)

t.test('there is a recipe for every client, and each names where it is tested', async t => {
  t.ok(recipes.length >= 20)
  t.equal([...page.matchAll(/```js/g)].length, recipes.length + 1, 'but for the options that all share')
})

t.test('every piece of code about policies names where it is tested', async t => {
  t.equal([...policies.matchAll(/```js/g)].length, piecesOf(policies).length)
  t.ok(piecesOf(policies).length >= 2)
})

for (const [, file = '', code = ''] of [...recipes, ...piecesOf(policies)]) {
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

function piecesOf(text: string): RegExpExecArray[] {
  return [...text.matchAll(/<!-- (\S+) -->\n```js\n(.*?)```/gs)]
}
