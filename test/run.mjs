// Runs compiled test files, each in a process of its own, and sums up their TAP.
//
//   node test/run.mjs [--node <binary>] [file or part of its path ...]
//
// Without files: every dist/test/**/*.test.js except the suites that need more than Node, see `apart`. A file counts as
// failed when it exits with anything but 0, is killed, runs longer than HAWSER_TEST_TIMEOUT seconds (120), or checks
// nothing. What is counted are the top level tests of each file. The last line is always `N passed, N failed`.

import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
/** These suites need another program, privileges or a browser, and have scripts of their own. */
const apart = ['interop', 'lab', 'apps', 'browser']
const timeoutMs = Number(process.env.HAWSER_TEST_TIMEOUT ?? 120) * 1_000
const parallel = Math.max(1, Math.min(2, availableParallelism()))

const { values: options, positionals: wanted } = parseArgs({
  options: { node: { type: 'string', default: process.execPath } },
  allowPositionals: true,
})

function testFiles() {
  const base = join(root, 'dist/test')
  if (!existsSync(base)) return []
  const files = readdirSync(base, { recursive: true }).map(String).filter(isCurrent).sort()
  if (wanted.length === 0) return files.filter(file => !apart.some(folder => file.startsWith(`${folder}/`)))
  const parts = wanted.map(part => part.replace(/^(\.\/)?(dist\/)?test\//, '').replace(/\.[tj]s$/, ''))
  return files.filter(file => parts.some(part => file.includes(part)))
}

/** dist/ keeps what was compiled from files that are gone since. */
function isCurrent(file) {
  return file.endsWith('.test.js') && existsSync(join(root, 'test', file.replace(/\.js$/, '.ts')))
}

function runFile(file) {
  return new Promise(resolve => {
    const startMs = performance.now()
    const args = ['--enable-source-maps', '--expose-gc', join(root, 'dist/test', file)]
    const env = { ...process.env, TAP_TIMEOUT: String(timeoutMs / 1_000), TAP_CHILD_ID: '', NO_COLOR: '1' }
    const child = spawn(options.node, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const output = []
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      child.kill('SIGKILL')
    }, timeoutMs)
    child.stdout.on('data', chunk => output.push(chunk))
    child.stderr.on('data', chunk => output.push(chunk))
    child.on('error', error => output.push(Buffer.from(`${error}\n`)))
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      const text = Buffer.concat(output).toString()
      resolve({ ...judge(text, code, signal, timedOut), file, text, durationMs: performance.now() - startMs })
    })
  })
}

function judge(text, code, signal, timedOut) {
  const points = text.split('\n').filter(line => /^(not )?ok\b/.test(line))
  const skipped = points.filter(line => / # SKIP/i.test(line)).length
  const todo = points.filter(line => / # TODO/i.test(line)).length
  const passed = points.filter(line => line.startsWith('ok') && !/ # (SKIP|TODO)/i.test(line)).length
  let failed = points.filter(line => line.startsWith('not ok') && !/ # (SKIP|TODO)/i.test(line)).length
  let problem
  if (timedOut) problem = `still running after ${timeoutMs / 1_000} s`
  else if (signal) problem = `killed by ${signal}`
  else if (code !== 0 && failed === 0) problem = `exit code ${code}`
  else if (!/^1\.\.\d+/m.test(text)) problem = 'ended without a TAP plan'
  else if (passed + failed + skipped + todo === 0) problem = 'checks nothing'
  if (problem && failed === 0) failed = 1
  return { passed, failed, skipped: skipped + todo, problem }
}

const files = testFiles()
const total = { passed: 0, failed: 0, skipped: 0 }
const failures = []
let next = 0

async function worker() {
  while (next < files.length) {
    const result = await runFile(files[next++])
    total.passed += result.passed
    total.failed += result.failed
    total.skipped += result.skipped
    const name = relative(root, join(root, 'test', result.file.replace(/\.js$/, '.ts')))
    const seconds = (result.durationMs / 1_000).toFixed(1)
    const notes = [result.skipped ? `${result.skipped} skipped` : '', result.problem ?? ''].filter(Boolean)
    const verdict = result.failed ? `FAIL ${result.failed} failed,` : 'ok  '
    console.log(`${verdict} ${result.passed} passed  ${name}  ${seconds} s${notes.length ? `  (${notes.join(', ')})` : ''}`)
    if (result.failed) {
      failures.push(name)
      console.log(result.text.slice(-20_000).replace(/^/gm, '    '))
    }
  }
}

await Promise.all(Array.from({ length: parallel }, worker))
if (files.length === 0) {
  console.log('no test file found; is dist/ built?')
  total.failed = 1
}
if (failures.length > 0) console.log(`failed: ${failures.join(' ')}`)
if (total.skipped > 0) console.log(`${total.skipped} skipped`)
console.log(`${total.passed} passed, ${total.failed} failed`)
process.exitCode = total.failed > 0 ? 1 : 0
