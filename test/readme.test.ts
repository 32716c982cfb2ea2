import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'

/** Compiled tests lie one level deeper than their sources. */
const root = fileURLToPath(new URL('../..', import.meta.url))

t.test('the program in the README runs as it stands, carries its data over two links, and exits by itself', async t => {
  const readme = await readFile(`${root}/README.md`, 'utf8')
  const program = /```js\n(?<code>.*?)```/s.exec(readme)?.groups?.code ?? ''
  t.match(program, /from 'hawser'/)
  const args = ['--input-type=module', '--eval', program]
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: root, timeout: 30_000 })
  t.equal(stdout, 'links: 1\nlinks: 2\nhello over two links\n')
  t.equal(stderr, '')
})
