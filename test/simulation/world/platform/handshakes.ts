// Handshakes as links of the simulation have them: those of a hostile process announce one receive buffer on one link and
// another on the next (attack A14).

import { ClientHandshake as RealClientHandshake } from '../../../../lib/client-handshake.ts'
import { ServerHandshake as RealServerHandshake } from '../../../../lib/server-handshake.ts'
import { current } from '../current.ts'

const MOST_BYTES = 0xffffffff

export class ClientHandshake extends RealClientHandshake {
  constructor(...[channel, options, ...rest]: ConstructorParameters<typeof RealClientHandshake>) {
    super(channel, { ...options, recvBuffer: announced(channel.stream, options.recvBuffer) }, ...rest)
  }
}

export class ServerHandshake extends RealServerHandshake {
  constructor(...[channel, options, ...rest]: ConstructorParameters<typeof RealServerHandshake>) {
    super(channel, { ...options, recvBuffer: announced(channel.stream, options.recvBuffer) }, ...rest)
  }
}

function announced(stream: object, recvBuffer: number): number {
  if (!current.hostileStreams.has(stream) || current.random.chance(0.5)) return recvBuffer
  return current.random.logBetween(1, current.random.chance(0.5) ? recvBuffer : MOST_BYTES)
}
