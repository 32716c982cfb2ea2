// Under what conditions figures were measured.

import { execFileSync } from 'node:child_process'
import { cpus, release } from 'node:os'

export interface Conditions {
  readonly node: string
  readonly machine: string
  readonly commit: string
  readonly command: string
  readonly rounds: number
}

export function conditionsOf(rounds: number): Conditions {
  return {
    node: process.version,
    machine: `${cpus().length} x ${cpus()[0]?.model.trim() ?? 'unknown'}, ${process.platform} ${release()} ${process.arch}`,
    commit: currentCommit(),
    command: ['npm run bench --', ...process.argv.slice(2)].join(' '),
    rounds,
  }
}

export function formatConditions({ node, machine, commit, command, rounds }: Conditions): string {
  return `Node ${node}; ${machine}; commit ${commit}; ${rounds} rounds; \`${command}\``
}

function currentCommit(): string {
  try {
    const text = execFileSync('git', ['describe', '--always', '--dirty'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return text.trim()
  } catch {
    return 'unknown'
  }
}
