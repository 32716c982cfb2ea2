// The Rust peer, scripted from a test. `peer/src/main.rs` lists its commands.

import { createInterface } from 'node:readline'
import type { Test } from 'tap'
import { Child } from './child.ts'
import type { Digest } from './pattern.ts'
import { programPath } from './programs.ts'

/** A command that failed; `name` is that of the reference's error. */
export class PeerError extends Error {
  readonly details: Record<string, unknown>

  constructor(command: string, reply: Record<string, unknown>) {
    super(`${command}: ${reply.error}: ${reply.message}`)
    this.name = String(reply.error)
    this.details = reply
  }
}

export interface PeerEvent {
  readonly event: 'link' | 'link-closed' | 'incoming-error' | 'connection' | 'refused' | 'ended'
  readonly tag?: string
  readonly reason?: string
  readonly error?: string | null
}

export interface PeerLink {
  readonly tag: string
  /** What the other side sent in the handshake. */
  readonly userData: string
  readonly working: boolean
  readonly notWorking: string | null
  readonly blocked: boolean
  readonly remotelyBlocked: boolean
  readonly disconnected: string | null
}

interface Call {
  readonly command: string
  readonly resolve: (reply: Record<string, unknown>) => void
  readonly reject: (error: Error) => void
}

export class Peer {
  readonly version: string
  readonly #child: Child
  readonly #calls = new Map<number, Call>()
  readonly #events: PeerEvent[] = []
  readonly #waiting = new Set<() => void>()
  #lastId = 0
  #ended = false

  constructor(t: Test, version: string) {
    this.version = version
    this.#child = new Child(t, programPath(`peer-${version}`), [])
    createInterface(this.#child.process.stdout).on('line', line => this.#take(JSON.parse(line)))
    void this.#child.exited.then(() => this.#end())
  }

  /** Sends a command; resolves to the reply, rejects with a `PeerError`. */
  async call(command: string): Promise<Record<string, unknown>> {
    if (this.#ended) throw new Error(`the peer has ended, ${command} cannot be done`)
    const id = ++this.#lastId
    const reply = new Promise<Record<string, unknown>>((resolve, reject) => this.#calls.set(id, { command, resolve, reject }))
    this.#child.process.stdin.write(`${id} ${command}\n`)
    return reply
  }

  async configure(options: Readonly<Record<string, number>>): Promise<void> {
    const words = Object.entries(options).map(([name, value]) => `${name}=${value}`)
    await this.call(`config ${words.join(' ')}`)
  }

  /** @returns the port */
  async listen(): Promise<number> {
    const { port } = await this.call('listen 127.0.0.1:0')
    return Number(port)
  }

  async receive(bytes: number): Promise<Digest> {
    return digest(await this.call(`recv ${bytes}`))
  }

  /** Until the other side ends its direction. */
  async receiveAll(): Promise<Digest> {
    return digest(await this.call('recv-all'))
  }

  async send(bytes: number, seed: number, messageSize?: number): Promise<void> {
    await this.call(`send ${bytes} ${seed} ${messageSize ?? ''}`)
  }

  async links(): Promise<PeerLink[]> {
    const { links } = await this.call('links')
    return links as PeerLink[]
  }

  /** The first event of that name that no call has returned yet. */
  async event(name: PeerEvent['event']): Promise<PeerEvent> {
    for (;;) {
      const index = this.#events.findIndex(({ event }) => event === name)
      const [event] = index < 0 ? [] : this.#events.splice(index, 1)
      if (event) return event
      if (this.#ended) throw new Error(`the peer has ended, there will be no event ${name}`)
      await new Promise<void>(resolve => this.#waiting.add(resolve))
    }
  }

  /** Ends the program at once; its system resets what is open. */
  async kill(): Promise<void> {
    await this.#child.stop()
  }

  #take(line: Record<string, unknown>): void {
    if ('event' in line) {
      this.#events.push(line as unknown as PeerEvent)
      this.#wake()
      return
    }
    const id = Number(line.id)
    const call = this.#calls.get(id)
    this.#calls.delete(id)
    if (line.ok) call?.resolve(line)
    else call?.reject(new PeerError(call.command, line))
  }

  #end(): void {
    this.#ended = true
    for (const { command, reject } of this.#calls.values()) reject(new Error(`the peer ended during ${command}`))
    this.#calls.clear()
    this.#wake()
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }
}

function digest(reply: Record<string, unknown>): Digest {
  return { received: Number(reply.received), checksum: Number(reply.checksum) }
}
