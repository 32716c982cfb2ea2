// Binds an outgoing TCP socket to a network interface, which Node cannot do by itself.
//
// A local address alone does not choose the interface: Linux and macOS route by destination, so without rules by source
// every link of a bond would leave through the interface of the default route. Windows does choose by local address.
//
// The socket is made by the C library and bound to the interface before Node gets it; connecting, reading and writing
// are Node's own from there on. The C library is called through the package `koffi`, an optional dependency: without it,
// or where the system refuses, `boundSocket` gives `undefined` and the caller binds to the local address instead.

import { Socket, type SocketConstructorOpts } from 'node:net'
import { constants } from 'node:os'

/** The calls into the C library that this module needs. Each gives -1, or 0 for `if_nametoindex`, on failure. */
export interface CLibrary {
  socket(domain: number, type: number, protocol: number): number
  setsockopt(fd: number, level: number, option: number, value: Uint8Array, length: number): number
  ioctl(fd: number, request: number): number
  if_nametoindex(name: string): number
  close(fd: number): number
  /** Number of the error of the last call that failed. */
  errno(): number
}

/**
 * Makes an unconnected TCP socket bound to `interfaceName`. Call `connect` on it before anything else happens, in the
 * same turn. It owns its file descriptor.
 *
 * @param options - as for `new net.Socket`
 * @returns `undefined` where this system, this installation or the process's rights do not allow it
 * @throws a system error, `ENODEV` when there is no such interface
 */
export async function boundSocket(
  interfaceName: string,
  family: 4 | 6,
  options: SocketConstructorOpts = {},
): Promise<Socket | undefined> {
  const system = systems[process.platform]
  if (!system) return undefined
  library ??= loadLibrary()
  const c = await library
  if (!c) return undefined
  const fd = boundDescriptor(system, c, interfaceName, family)
  return fd === undefined ? undefined : adopt(c, fd, options)
}

/** Tells whether sockets can be bound to interfaces here, as far as that can be told without trying. */
export async function canBindToInterface(): Promise<boolean> {
  library ??= loadLibrary()
  return systems[process.platform] !== undefined && (await library) !== undefined
}

/** What differs between systems. Numbers are those of the C headers; Node does not tell them. */
export interface BindingSystem {
  readonly inet6: number
  /** Type `SOCK_STREAM`, with the flags that keep the descriptor from child processes where there are any. */
  readonly stream: number
  /** Request for `ioctl` that keeps the descriptor from child processes, where `stream` has no flag for it. */
  readonly closeOnExec?: number
  bind(c: CLibrary, fd: number, interfaceName: string, family: 4 | 6): number
}

/** Linux and Android: `SO_BINDTODEVICE`, allowed without privileges since Linux 5.7. */
export const linux: BindingSystem = {
  inet6: 10,
  stream: 1 | 0o2_000_000 | 0o4_000, // SOCK_CLOEXEC, SOCK_NONBLOCK
  bind(c, fd, interfaceName) {
    const name = new TextEncoder().encode(deviceName(interfaceName))
    return c.setsockopt(fd, 1, 25, name, name.length) // SOL_SOCKET, SO_BINDTODEVICE
  },
}

/** macOS: `IP_BOUND_IF` and `IPV6_BOUND_IF`, by number of the interface. */
export const darwin: BindingSystem = {
  inet6: 30,
  stream: 1,
  closeOnExec: 0x20006601, // FIOCLEX
  bind(c, fd, interfaceName, family) {
    const index = c.if_nametoindex(interfaceName)
    if (index === 0) return -1
    const value = new Uint8Array(new Uint32Array([index]).buffer)
    return family === 4 ? c.setsockopt(fd, 0, 25, value, 4) : c.setsockopt(fd, 41, 125, value, 4)
  },
}

const systems: Partial<Record<NodeJS.Platform, BindingSystem>> = { linux, android: linux, darwin }

const INET = 2

/** What a system answers that cannot do it, or does not let us. */
const NOT_ALLOWED: readonly number[] = [
  constants.errno.EPERM,
  constants.errno.EACCES,
  constants.errno.ENOPROTOOPT,
  constants.errno.ENOSYS,
]

/**
 * Makes a file descriptor of a TCP socket bound to the interface; the caller owns it.
 *
 * @returns `undefined` where the system does not allow it
 * @throws a system error; nothing stays open
 */
export function boundDescriptor(system: BindingSystem, c: CLibrary, interfaceName: string, family: 4 | 6): number | undefined {
  const fd = c.socket(family === 4 ? INET : system.inet6, system.stream, 0)
  if (fd < 0) throw callFailed('socket', c.errno())
  if (system.closeOnExec !== undefined) c.ioctl(fd, system.closeOnExec)
  if (system.bind(c, fd, interfaceName, family) === 0) return fd
  const errno = c.errno()
  c.close(fd)
  if (NOT_ALLOWED.includes(errno)) return undefined
  throw callFailed('setsockopt', errno)
}

function adopt(c: CLibrary, fd: number, options: SocketConstructorOpts): Socket {
  try {
    return new Socket({ ...options, fd })
  } catch (error) {
    c.close(fd)
    throw error
  }
}

/** An alias such as `eth0:1` is an address with a label; its device is `eth0`. */
function deviceName(interfaceName: string): string {
  return interfaceName.split(':', 1)[0] ?? interfaceName
}

function callFailed(syscall: string, errno: number): NodeJS.ErrnoException {
  const code = Object.entries(constants.errno).find(([, number]) => number === errno)?.[0] ?? 'UNKNOWN'
  const error: NodeJS.ErrnoException = new Error(`${syscall} ${code}`)
  return Object.assign(error, { errno: -errno, code, syscall })
}

let library: Promise<CLibrary | undefined> | undefined

/** The part of `koffi` that is used. The package need not be there, so its own types cannot be referred to. */
interface Koffi {
  // biome-ignore lint/suspicious/noExplicitAny: a function of the signature that the declaration in C tells
  load(path: string | null): { func(declaration: string): any }
  errno(): number
}

async function loadLibrary(): Promise<CLibrary | undefined> {
  try {
    const name = 'koffi' // no literal in import(), so that bundlers and the compiler do not ask for the package
    const { default: koffi } = (await import(name)) as { default: Koffi }
    const c = koffi.load(null)
    return {
      socket: c.func('int socket(int domain, int type, int protocol)'),
      setsockopt: c.func('int setsockopt(int fd, int level, int option, const void *value, uint32_t length)'),
      ioctl: c.func('int ioctl(int fd, unsigned long request)'),
      if_nametoindex: c.func('unsigned int if_nametoindex(const char *name)'),
      close: c.func('int close(int fd)'),
      errno: () => koffi.errno(),
    }
  } catch {
    return undefined
  }
}
