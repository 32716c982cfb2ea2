// What `listen` takes: its options and argument forms.

import { checkSignal } from './abort-signal.ts'
import { checkPort, wrongType } from './argument-checks.ts'
import { isPath } from './connect-options.ts'
import { HawserError } from './errors.ts'
import type { AcceptTransport } from './transports/transport.ts'

/** Options of `listen`, as of `net.Server`. */
export interface ListenOptions {
  port?: number | string | undefined
  host?: string | undefined
  /** A Unix socket, or a pipe on Windows. */
  path?: string | undefined
  /** Of a socket that was bound; not on Windows. */
  fd?: number | undefined
  /** What was bound: anything that `net.Server` takes as such. */
  handle?: object | undefined
  backlog?: number | undefined
  exclusive?: boolean | undefined
  ipv6Only?: boolean | undefined
  reusePort?: boolean | undefined
  readableAll?: boolean | undefined
  writableAll?: boolean | undefined
  /** Closes the server when it aborts. */
  signal?: AbortSignal | undefined
}

/** Makes the acceptor that `listen` means; set by the entry point, so that browsers do without TCP. */
export type AcceptorOfAddress = (options: ListenOptions) => AcceptTransport

/**
 * The options and the listener that the arguments of `listen` mean.
 *
 * @throws {HawserError} for arguments that make no sense
 */
export function normalizeListen(args: readonly unknown[]): { options: ListenOptions; onListening: (() => void) | undefined } {
  const last = args.at(-1)
  const onListening = typeof last === 'function' ? (last as () => void) : undefined
  const [first, ...others] = args.filter(argument => typeof argument !== 'function')
  const backlog = others.find(argument => typeof argument === 'number')
  const rest = typeof backlog === 'number' ? { backlog } : {}
  if (typeof first === 'object' && first !== null) return { options: checkedOptions(first, rest), onListening }
  if (isPath(first)) return { options: { path: first, ...rest }, onListening }
  if (first !== undefined && first !== null && typeof first !== 'number' && typeof first !== 'string') {
    throw invalid('is invalid')
  }
  const port = first ?? 0
  checkPort(port)
  const [host] = others
  return { options: { port, ...(typeof host === 'string' && { host }), ...rest }, onListening }
}

function checkedOptions(options: ListenOptions, rest: { backlog?: number }): ListenOptions {
  if (isBound(options)) return { handle: options, ...rest }
  const { port, host, path, fd, handle, backlog, signal } = options
  const all = { ...options, backlog: backlog || rest.backlog }
  checkSignal(signal)
  if (handle && isBound(handle)) return all
  if (typeof fd === 'number' && fd >= 0) return all
  if (typeof port === 'number' || typeof port === 'string') {
    checkPort(port)
    if (host && typeof host !== 'string') throw wrongType('host', 'a string', host)
    return { ...all, path: undefined, fd: undefined }
  }
  if (port === null || (port === undefined && 'port' in options)) return { ...all, port: 0, path: undefined, fd: undefined }
  if (!isPath(path) || path === '') {
    throw invalid('port' in options || 'path' in options ? 'is invalid' : 'must have the property "port" or "path"')
  }
  checkPathMode(all)
  return { ...all, fd: undefined }
}

/** A server or socket of Node, a handle of such, or a `net.BoundSocket`: by what they have, for not all have a public class. */
function isBound(candidate: object): boolean {
  const { _handle, getsockname, fd } = candidate as { _handle?: unknown; getsockname?: unknown; fd?: unknown }
  return Boolean(_handle) || typeof getsockname === 'function' || typeof fd === 'function' || isHandleOfFd(candidate)
}

/** `{ fd }` as the `handle` of other options. */
function isHandleOfFd(candidate: object): boolean {
  const { fd } = candidate as { fd?: unknown }
  return typeof fd === 'number' && fd >= 0 && Object.keys(candidate).length === 1
}

function checkPathMode({ path, readableAll, writableAll }: ListenOptions): void {
  if (path?.startsWith('\0') && (readableAll || writableAll)) {
    throw invalid('cannot have readableAll or writableAll with an abstract path, which has no file')
  }
}

function invalid(what: string): HawserError {
  return new HawserError('ERR_INVALID_ARG_VALUE', 'invalid-argument', `The argument 'options' ${what}`)
}
