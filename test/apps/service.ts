// Services of the system, each started for one test on a port of its own, in a folder of its own, and ended with it.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { freePort } from '../support/loopback.ts'

export interface ServiceOptions {
  readonly command: string
  readonly args: readonly string[]
  readonly port: number
  /** Runs as this user if the test runs as root. */
  readonly user?: User | undefined
}

export interface User {
  readonly uid: number
  readonly gid: number
}

/** A folder that is gone with the test. */
export async function folderFor(t: Test, user?: User): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hawser-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  if (user) await chown(folder, user.uid, user.gid)
  return folder
}

/** A port that nobody listens on. */
export { freePort }

/** Runs a program to its end. */
export async function run(command: string, args: readonly string[], user?: User): Promise<string> {
  const child = spawn(command, args, { ...user, stdio: ['ignore', 'pipe', 'pipe'] })
  const output: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(chunk))
  const [code] = await once(child, 'close')
  const text = Buffer.concat(output).toString()
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: exit code ${code}\n${text}`)
  return text
}

/** Starts a service; resolves once its port takes connections. */
export async function startService(t: Test, { command, args, port, user }: ServiceOptions): Promise<void> {
  const child = spawn(command, args, { ...user, stdio: ['ignore', 'pipe', 'pipe'] })
  const output: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(chunk))
  const ended = once(child, 'close')
  t.teardown(async () => {
    child.kill('SIGTERM')
    const late = setTimeout(() => child.kill('SIGKILL'), 10_000)
    await ended
    clearTimeout(late)
  })
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error(`${command} ended with ${child.exitCode}\n${Buffer.concat(output)}`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** The user of this name, when the test runs as root, for services that refuse to run as root. */
export async function userNamed(name: string): Promise<User | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const [uid, gid] = await Promise.all(['-u', '-g'].map(async flag => Number(await run('id', [flag, name]))))
  return { uid: uid as number, gid: gid as number }
}
