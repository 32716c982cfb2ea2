// One attempt to connect a TCP socket, with a time limit.

import type { Socket, TcpSocketConnectOpts } from 'node:net'
import { HawserError } from '../../errors.ts'
import type { Clock } from './clock.ts'
import { abortReason } from './errors.ts'

/**
 * Connects `socket` and resolves once it is connected; destroys it and rejects with Node's own error, `connect-timeout`,
 * or the reason of `signal`. The caller has attached a listener for `error` for good.
 */
export function dial(
  socket: Socket,
  to: TcpSocketConnectOpts,
  timeoutMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      clock.clearTimer(timer)
      signal.removeEventListener('abort', onAbort)
      socket.off('connect', onConnect)
      socket.off('error', fail)
      socket.off('close', onClose)
    }
    const fail = (error: Error) => {
      settle()
      socket.destroy()
      reject(error)
    }
    const onConnect = () => {
      settle()
      resolve()
    }
    const onAbort = () => fail(abortReason(signal))
    const onClose = () => fail(new HawserError('ECONNRESET', 'link-closed', `closed while connecting to ${to.host}:${to.port}`))
    const timer = clock.setTimer(() => fail(timedOut(to)), timeoutMs)
    signal.addEventListener('abort', onAbort)
    socket.on('connect', onConnect)
    socket.on('error', fail)
    socket.on('close', onClose)
    if (signal.aborted) onAbort()
    else socket.connect(to)
  })
}

function timedOut({ host, port }: TcpSocketConnectOpts): HawserError {
  const error = new HawserError('ETIMEDOUT', 'connect-timeout', `connect ETIMEDOUT ${host}:${port}`)
  return Object.assign(error, { syscall: 'connect', address: host, port })
}
