// What is measured side by side, and what each needs in the laboratory.

import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { SERVER_ADDRESS } from '../../test/lab/laboratory.ts'
import type { ConnectOptions, Plan, Protocol } from './messages.ts'

/**
 * `hawser-other`: another build of it. `tcp`: plain TCP, a stream over each link, all at once. `tcp-1`, `tcp-2`: plain TCP
 * over that link alone. `mptcp`: plain TCP turned into kernel Multipath TCP. `agg-tunnel`: plain TCP through the
 * reference's tunnel.
 */
export type SubjectName = 'hawser' | 'hawser-other' | 'tcp' | 'tcp-1' | 'tcp-2' | 'mptcp' | 'agg-tunnel'

export const subjectNames: readonly SubjectName[] = ['hawser', 'hawser-other', 'tcp', 'tcp-1', 'tcp-2', 'mptcp', 'agg-tunnel']

export interface Subject {
  readonly protocol: Protocol
  /** Of the server's process. */
  readonly port: number
  /** Before Node in the command line of both processes. */
  readonly prefix: readonly string[]
}

const tcp: Subject = { protocol: 'tcp', port: 5801, prefix: [] }

export const subjects: Record<SubjectName, Subject> = {
  hawser: { protocol: 'hawser', port: 5800, prefix: [] },
  'hawser-other': { protocol: 'hawser', port: 5803, prefix: [] },
  tcp,
  'tcp-1': tcp,
  'tcp-2': tcp,
  mptcp: { protocol: 'tcp', port: 5802, prefix: ['mptcpize', 'run'] },
  'agg-tunnel': tcp,
}

/** Where agg-tunnel listens: in the server's namespace for links, in the client's for the stream. */
export const TUNNEL_LINK_PORT = 5810
const TUNNEL_STREAM_PORT = 5811

/** Parameters of agg-tunnel. What stands before the last colon is the target as it is. */
export const tunnelServer = ['server', '-n', '--tcp', `${TUNNEL_LINK_PORT}`, '-p', `127.0.0.1:${tcp.port}:${tcp.port}`]
export const tunnelClient = [
  ...['client', '-n', '--tcp', `${SERVER_ADDRESS}:${TUNNEL_LINK_PORT}`],
  ...['-p', `${tcp.port}:${TUNNEL_STREAM_PORT}`],
]

export function connectOptions(name: SubjectName, links: number, plan: Plan, otherBuild: string | null): ConnectOptions {
  const { protocol, port } = subjects[name]
  const options = { role: 'connect', protocol, plan, host: SERVER_ADDRESS, port, localAddresses: [], build: null } as const
  const address = (link: number): string => `10.77.${link}.1`
  if (name === 'hawser-other') return { ...options, build: otherBuild }
  if (name === 'tcp') return { ...options, localAddresses: Array.from({ length: links }, (_, index) => address(index + 1)) }
  if (name === 'tcp-1' || name === 'tcp-2') return { ...options, localAddresses: [address(Number(name.slice(4)))] }
  if (name === 'agg-tunnel') return { ...options, host: '127.0.0.1', port: TUNNEL_STREAM_PORT }
  return options
}

const REFERENCE_TOOLS = 'tools-0.18.7/bin'

/** Path of a tool of the reference, where the interoperability tests have built it. */
export function toolPath(name: 'agg-tunnel' | 'agg-speed'): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'hawser', REFERENCE_TOOLS, name)
}

/** Why a subject cannot be measured here; `undefined` when it can. */
export function whyNot(name: SubjectName, otherBuild: string | null): string | undefined {
  if (name === 'hawser-other' && otherBuild === null) return 'no --build given'
  if (name === 'agg-tunnel' && !existsSync(toolPath('agg-tunnel'))) {
    return `${toolPath('agg-tunnel')} is not there: test/interop/run.sh builds it`
  }
  if (name !== 'mptcp') return undefined
  if (!existsSync('/proc/sys/net/mptcp/enabled')) return 'this kernel has no Multipath TCP'
  try {
    execFileSync('mptcpize', ['run', 'true'], { stdio: 'ignore' })
    return undefined
  } catch {
    return 'mptcpize is not installed'
  }
}
