// The engine as bonds of the simulation get it: its sequence numbers begin where the world says, and its judges know it.

import { type ConnectionOptions, Connection as RealConnection } from '../../../../lib/engine/connection.ts'
import { current } from '../current.ts'

export class Connection extends RealConnection {
  constructor(options: ConnectionOptions, nowMs: number) {
    const { firstSequence } = current
    super({ ...options, firstSequence: { send: firstSequence, receive: firstSequence } }, nowMs)
    current.engines.add(this)
  }
}
