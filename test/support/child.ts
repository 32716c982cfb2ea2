// Programs of ours in a process of their own.

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface ChildResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a compiled file of `test/support/fixtures` until it ends. */
export function runFixture(name: string, ...args: string[]): Promise<ChildResult> {
  return run(fileURLToPath(new URL(`fixtures/${name}.js`, import.meta.url)), ...args)
}

/** Runs `node` with these arguments, without what the test runner sets for its own processes. */
export function run(...args: string[]): Promise<ChildResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 100_000 })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', chunk => {
      stdout += chunk
    })
    child.stderr.on('data', chunk => {
      stderr += chunk
    })
    child.on('error', reject)
    child.on('close', code => resolve({ code, stdout, stderr }))
  })
}
