// Judges what c8 measured while the tests ran: at least 95 % of the branches of each folder that is trusted with bytes.
// `npm run coverage` runs it. Ends with `N passed, N failed`, counting folders.

import { readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const folders = ['lib/engine', 'lib/protocol']
const LEAST_PERCENT = 95

const summary = JSON.parse(readFileSync(join(root, 'coverage/coverage-summary.json'), 'utf8'))
let failed = 0
for (const folder of folders) {
  let covered = 0
  let total = 0
  for (const [file, { branches }] of Object.entries(summary)) {
    if (!relative(root, file).split(sep).join('/').startsWith(`${folder}/`)) continue
    covered += branches.covered
    total += branches.total
  }
  const percent = total === 0 ? 0 : (100 * covered) / total
  const enough = percent >= LEAST_PERCENT
  if (!enough) failed++
  const figure = `${covered} of ${total} branches, ${percent.toFixed(2)} %`
  console.log(`${enough ? 'ok  ' : 'FAIL'} ${folder}: ${figure}; at least ${LEAST_PERCENT} % are wanted`)
}
console.log(`${folders.length - failed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
