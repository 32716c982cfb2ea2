// The programs that the interop tests run against, as `build.mjs` built them.

import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'

/** The compiled tests are elsewhere than the sources. */
function findBuildScript(): string {
  for (let directory = import.meta.dirname; directory !== dirname(directory); directory = dirname(directory)) {
    const script = join(directory, 'test', 'interop', 'build.mjs')
    if (existsSync(script)) return script
  }
  throw new Error('test/interop/build.mjs not found')
}

function build(): Map<string, string> {
  const list = execFileSync(process.execPath, [findBuildScript()], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  return new Map(
    list
      .trim()
      .split('\n')
      .map(line => {
        const [name = '', ...path] = line.split(' ')
        return [name, path.join(' ')]
      }),
  )
}

const programs = build()

/** @param name - `agg-tunnel`, `agg-speed`, `peer-VERSION` */
export function programPath(name: string): string {
  const path = programs.get(name)
  if (path === undefined) throw new Error(`no program ${name}`)
  return path
}

/** Versions of the reference that there is a peer for, oldest first. */
export const peerVersions: readonly string[] = [...programs.keys()]
  .filter(name => name.startsWith('peer-'))
  .map(name => name.slice('peer-'.length))

/** A port on which nothing listens, for programs that cannot choose one. Free on all addresses for now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
