// Agents for `node:http` and `node:https` whose connections are bonded. Keep-alive, pooling and limits are Node's own.

import * as http from 'node:http'
import * as https from 'node:https'
import { connect } from '../index.ts'
import type { Socket } from '../socket.ts'
import { type BondOptions, connectOptionsFor } from './bond-options.ts'

export interface AgentOptions extends http.AgentOptions {
  /** How connections are bonded. */
  bond?: BondOptions | undefined
}

export interface HttpsAgentOptions extends https.AgentOptions {
  /** How connections are bonded. */
  bond?: BondOptions | undefined
}

/** `http.Agent` over bonded connections: `http.request({ agent: new Agent({ bond: { transports } }) })`. */
export class Agent extends http.Agent {
  readonly #bond: BondOptions | undefined

  constructor({ bond, ...options }: AgentOptions = {}) {
    super(options)
    this.#bond = bond
  }

  /** Called by Node for each new connection. */
  override createConnection(options: object): Socket {
    return connect(connectOptionsFor(options, this.#bond))
  }
}

/** `https.Agent` over bonded connections: TLS runs inside of them, from end to end. */
export class HttpsAgent extends https.Agent {
  readonly #bond: BondOptions | undefined

  constructor({ bond, ...options }: HttpsAgentOptions = {}) {
    super(options)
    this.#bond = bond
  }

  /** Called by Node for each new connection. */
  override createConnection(options: object, callback: () => void): ReturnType<https.Agent['createConnection']> {
    const socket = connect(connectOptionsFor(options, this.#bond))
    return super.createConnection({ ...options, socket } as http.ClientRequestArgs, callback)
  }
}
