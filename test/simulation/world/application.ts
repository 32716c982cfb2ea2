// The application at one end of a connection, and the judge of what its socket does: every byte, and the order of events.

import type { Connection } from '../../../lib/engine/connection.ts'
import type { Link, Socket } from '../../../lib/index.ts'
import type { Pattern } from '../pattern.ts'
import { current } from './current.ts'
import type { CustomScheduler } from './custom-scheduler.ts'
import type { ApplicationPlan } from './plan.ts'
import type { VirtualLoop } from './virtual-loop.ts'

export interface ApplicationOptions {
  readonly loop: VirtualLoop
  readonly plan: ApplicationPlan
  readonly allowHalfOpen: boolean
  readonly writes: Pattern
  readonly reads: Pattern
  /** What the other application wrote so far. */
  readonly peerWritten: () => number
  /** Another server had the connection first: what comes is none of the peer's. */
  readonly isStray: () => boolean
  /** A link joined: for judges of links. */
  readonly onLink: (link: Link) => void
  readonly fail: (text: string) => never
  /** For the trace. */
  readonly note: (text: string) => void
}

export class Application {
  readonly #options: ApplicationOptions
  #socket: Socket | undefined
  written = 0
  received = 0
  /** Gave up by itself: anything may happen to the connection. */
  gaveUp = false
  ended = false
  closed = false
  firstLink: Link | undefined
  /** From the first link on. */
  engine: Connection | undefined
  error: (Error & { code?: string; reason?: string }) | undefined
  /** Its own, if it has one. */
  scheduler: CustomScheduler | undefined
  #schedulerTold = false
  #sawEnd = false
  #connected = false
  #needsDrain = false
  #drainAwaited = false
  #stopped = false
  #pausing = false
  #finished = false
  #nextWrite = 0
  #callbacksDue = 0
  #callbacksDone = 0
  readonly #links = new Set<Link>()

  constructor(options: ApplicationOptions) {
    this.#options = options
  }

  get socket(): Socket | undefined {
    return this.#socket
  }

  get connected(): boolean {
    return this.#connected
  }

  get heedsDrain(): boolean {
    return this.#options.plan.heedsDrain && !this.#options.plan.echoes
  }

  get sawEnd(): boolean {
    return this.#sawEnd
  }

  /** Whoever brings a scheduler that breaks is told. */
  judgeScheduler(): void {
    if (this.scheduler?.broken && !this.#schedulerTold) this.#options.fail('nobody was told that the scheduler broke')
  }

  /** Takes the socket over and begins. */
  start(socket: Socket): void {
    this.#socket = socket
    const { plan, loop, note } = this.#options
    // biome-ignore lint/suspicious/noExplicitAny: as EventEmitter has it
    const on = (event: string, does: (...args: any[]) => void, silent = false) => {
      // biome-ignore lint/suspicious/noExplicitAny: as EventEmitter has it
      socket.on(event, (...args: any[]) => {
        if (this.closed) this.#options.fail(`${event} after close`)
        if (this.error && event !== 'close') this.#options.fail(`${event} after error`)
        if (!silent) note(event)
        does(...args)
      })
    }
    on('scheduleerror', (error: { readonly code?: string }) => {
      if (!this.scheduler?.broken || this.#schedulerTold) this.#options.fail(`a scheduler fails that does not: ${error}`)
      if (error.code !== 'ERR_INVALID_RETURN_VALUE') this.#options.fail(`a scheduler fails with ${error.code}`)
      if (socket.schedule !== 'aggregate') this.#options.fail('a scheduler that failed was not replaced')
      this.#schedulerTold = true
    })
    on('connect', () => {
      if (this.#connected) this.#options.fail('connect twice')
      this.#connected = true
    })
    on('ready', () => {
      if (!this.#connected) this.#options.fail('ready before connect')
    })
    on('data', (chunk: Buffer) => this.#data(chunk), true)
    on('end', () => this.#end())
    on('drain', () => this.#drain())
    on('finish', () => this.#finish())
    on('error', (error: Error) => this.#failed(error))
    on('close', (hadError: boolean) => this.#close(hadError))
    on('link', (link: Link) => this.#linkJoined(link))
    on('linkclose', (link: Link) => {
      if (!this.#links.delete(link)) this.#options.fail('linkclose of a link that never joined, or twice')
    })
    on('linkerror', (error: Error) => this.#checkError(error))
    if (plan.reader.kind === 'stalled') {
      socket.pause()
      loop.timer(() => this.#resume(), Math.max(1, plan.reader.untilMs - loop.nowMs), false)
    }
    this.#writeOn()
  }

  act(action: 'end' | 'destroy' | 'terminate' | 'stop'): void {
    const socket = this.#socket
    if (!socket || this.closed) return
    this.#options.note(`does ${action}`)
    if (action === 'end') this.#endWriting()
    else if (action === 'stop') {
      this.#pausing = true
      socket.pause()
    } else {
      this.gaveUp = true
      this.#stopped = true
      if (action === 'destroy') socket.destroy()
      else socket.terminate()
    }
  }

  /** The end of all faults: who stopped reading and writing goes on. */
  heal(): void {
    if (!this.#pausing) return
    this.#pausing = false
    this.#resume()
    if (!this.#drainAwaited) this.#writeOn()
  }

  /** What must hold once the socket is closed. */
  judge(): void {
    const { fail } = this.#options
    if (this.#callbacksDone !== this.#callbacksDue)
      fail(`${this.#callbacksDone} of ${this.#callbacksDue} callbacks of writes were called`)
    if (!this.#socket) return
    if (this.#socket.bytesRead < this.received) fail('bytesRead is less than what came')
    if (this.#socket.bytesWritten > this.written) fail('bytesWritten is more than what was written')
  }

  #writeOn(): void {
    const { plan, loop } = this.#options
    if (this.#stopped || this.#pausing || plan.echoes) return
    const next = plan.writes[this.#nextWrite]
    if (plan.awaitsReply && this.received < this.written) return
    if (!next) {
      this.#endWriting()
      return
    }
    const write = () => {
      if (this.#stopped || this.#pausing) return
      this.#nextWrite++
      this.#write(next.bytes)
      if (this.#needsDrain && plan.heedsDrain) this.#drainAwaited = true
      else this.#writeOn()
    }
    if (next.afterMs > 0) loop.timer(write, next.afterMs, false)
    else write()
  }

  #write(bytes: number): void {
    const { plan, writes, fail } = this.#options
    for (const slice of writes.slices(this.written, bytes)) {
      const order = ++this.#callbacksDue
      let called = false
      this.written += slice.byteLength
      const more = this.#socket?.write(plan.writesCopies ? Buffer.from(slice) : slice, error => {
        if (called) fail(`callback ${order} was called twice`)
        called = true
        this.#callbacksDone++
        if (error) this.#checkError(error)
        else if (this.#callbacksDone !== order) fail(`callback ${order} came as number ${this.#callbacksDone}`)
      })
      if (more === false) this.#needsDrain = true
    }
  }

  #endWriting(): void {
    if (this.ended) return
    this.ended = true
    this.#stopped = true
    this.#socket?.end()
  }

  #data(chunk: Buffer): void {
    const { plan, reads, fail, loop, peerWritten, isStray } = this.#options
    if (isStray()) return
    if (!this.#connected && this.#socket?.server === null) fail('data before connect')
    if (this.#sawEnd) fail('data after end')
    const wrong = reads.firstWrong(this.received, chunk)
    if (wrong >= 0) fail(`byte ${wrong} is not the one that was written`)
    this.received += chunk.byteLength
    if (this.received > peerWritten()) fail('more bytes than were written')
    if (plan.echoes && !this.#stopped) this.#write(chunk.byteLength)
    if (plan.reader.kind === 'slow') {
      this.#socket?.pause()
      loop.timer(() => this.#resume(), plan.reader.restMs, false)
    }
    if (plan.awaitsReply) this.#writeOn()
  }

  #resume(): void {
    if (!this.#pausing && !this.closed) this.#socket?.resume()
  }

  #end(): void {
    const { fail, peerWritten, plan, allowHalfOpen, isStray } = this.#options
    if (this.#sawEnd) fail('end twice')
    this.#sawEnd = true
    if (this.received !== peerWritten() && !isStray()) fail(`end after ${this.received} of ${peerWritten()} bytes`)
    if (plan.echoes || plan.awaitsReply) this.#endWriting()
    if (!allowHalfOpen) this.#stopped = true
  }

  #drain(): void {
    if (!this.#needsDrain) this.#options.fail('drain although no write asked for it')
    this.#needsDrain = false
    if (!this.#drainAwaited) return
    this.#drainAwaited = false
    this.#writeOn()
  }

  #finish(): void {
    const { fail } = this.#options
    if (this.#finished) fail('finish twice')
    this.#finished = true
    if (this.#callbacksDone !== this.#callbacksDue) fail('finish before the last write was done')
  }

  #linkJoined(link: Link): void {
    const { fail } = this.#options
    if (!this.#connected && this.#socket?.server === null) fail('link before connect')
    if (this.#links.has(link)) fail('a link joined twice')
    this.#links.add(link)
    this.#options.onLink(link)
    link.on('working', () => this.#options.note('link working'))
    link.on('notworking', reason => this.#options.note(`link notworking ${reason}`))
    this.firstLink ??= link
    this.engine ??= current.joined
  }

  #failed(error: Error): void {
    if (this.error) this.#options.fail('two errors')
    this.error = error
    this.#checkError(error)
    if (typeof this.error.reason !== 'string' && !isOfTransport(error)) {
      this.#options.fail(`an error without reason: ${error.stack}`)
    }
  }

  #checkError(error: Error & { code?: string }): void {
    if (typeof error.code !== 'string') this.#options.fail(`an error without code: ${error.stack}`)
  }

  #close(hadError: boolean): void {
    const { fail } = this.#options
    this.closed = true
    this.#stopped = true
    if (hadError !== (this.error !== undefined)) fail(`close says ${hadError}, the error was ${this.error?.message}`)
    if (!hadError && !this.gaveUp && !this.#sawEnd) fail('close without end or error')
  }
}

/** A transport's own error, as a system error would be; the library tells it as it is. */
function isOfTransport(error: Error): boolean {
  const first = error instanceof AggregateError ? error.errors[0] : error
  return first instanceof Error && first.message.startsWith('simulated ')
}
