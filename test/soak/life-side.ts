// Runs one side of a connection by its plan, checks what it reads, and tells how it went.

import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Socket } from '../../lib/index.ts'
import { Random } from '../simulation/random.ts'
import { PatternChecker, patternBytes } from '../support/pattern-stream.ts'
import type { SideOutcome } from './outcome.ts'
import { type LifePlan, type SidePlan, saltOf } from './plan.ts'
import { untilLoud } from './quiet.ts'

const MOST_WRITE_BYTES = 65_536

export class LifeSide {
  readonly #socket: Socket
  readonly #plan: LifePlan
  readonly #own: SidePlan
  readonly #salt: number
  readonly #random: Random
  readonly #checker: PatternChecker
  readonly #mistakes: string[] = []
  readonly #side: 'client' | 'accepted'
  #connected: boolean
  #wroteBytes = 0
  #ended = false
  #error: SideOutcome['error'] = null
  #closes = 0
  #hadError = false
  #readSincePauseBytes = 0
  #stopped = false
  /** Resolves once the socket is closed. */
  readonly outcome: Promise<SideOutcome>

  /** From here on every event of the socket is watched. */
  constructor(socket: Socket, plan: LifePlan, side: 'client' | 'accepted') {
    this.#socket = socket
    this.#plan = plan
    this.#side = side
    this.#own = plan[side]
    this.#salt = saltOf(plan, side)
    this.#checker = new PatternChecker(saltOf(plan, side === 'client' ? 'accepted' : 'client'))
    this.#random = new Random(2 * plan.seed + (side === 'client' ? 0 : 1))
    this.#connected = side === 'accepted'
    this.outcome = this.#watch()
  }

  get life(): number {
    return this.#plan.life
  }

  get server(): LifePlan['server'] {
    return this.#plan.server
  }

  get socket(): Socket {
    return this.#socket
  }

  /** A side that writes until it is told to stop stops. */
  stop(): void {
    this.#stopped = true
  }

  /** Bytes that the other side wrote. */
  take(piece: Uint8Array): void {
    this.#checker.take(piece)
    const { readBurstBytes, pauseMs } = this.#own
    this.#readSincePauseBytes += piece.byteLength
    if (readBurstBytes === null || this.#readSincePauseBytes < readBurstBytes) return
    this.#readSincePauseBytes = 0
    this.#socket.pause()
    setTimeout(() => this.#socket.resume(), pauseMs)
  }

  /** Does what the plan says, up to the end of this side. */
  async run(): Promise<void> {
    const socket = this.#socket
    const { bytes, ending, answers } = this.#own
    const lastOfUs = !this.#plan.allowHalfOpen && this.#side === 'accepted'
    if (answers) await this.#otherEnded()
    await this.#write(bytes ?? Number.POSITIVE_INFINITY)
    if (socket.destroyed) return
    if (ending === 'end') {
      // A client that is not half-open would be ended by our end in the middle of its own writing.
      if (lastOfUs) await this.#otherEnded()
      socket.end()
    } else socket[ending]()
  }

  #watch(): Promise<SideOutcome> {
    const socket = this.#socket
    const { emit } = socket
    socket.emit = (event: string | symbol, ...args: unknown[]) => {
      if (this.#closes > 0 && event !== 'pause' && event !== 'resume') this.#mistakes.push(`${String(event)} after close`)
      if (event === 'close') this.#closes++
      if (event === 'error' && this.#error) this.#mistakes.push('a second error')
      if (event === 'end' && this.#ended) this.#mistakes.push('a second end')
      return emit.call(socket, event, ...args)
    }
    socket.on('connect', () => {
      this.#connected = true
    })
    socket.on('end', () => {
      this.#ended = true
    })
    socket.on('error', (error: NodeJS.ErrnoException & { reason?: string }) => {
      this.#error = { code: error.code ?? null, reason: error.reason ?? null, message: error.message }
    })
    return new Promise(resolve => {
      socket.on('close', hadError => {
        this.#hadError = hadError
        // What comes after it would be a mistake.
        setTimeout(() => resolve(this.#told), 50)
      })
    })
  }

  get #told(): SideOutcome {
    const { position, wrongAt } = this.#checker
    return {
      life: this.#plan.life,
      side: this.#side,
      connected: this.#connected,
      wrote: this.#wroteBytes,
      finished: this.#socket.writableFinished,
      read: position,
      wrongAt: wrongAt ?? null,
      ended: this.#ended,
      error: this.#error,
      hadError: this.#hadError,
      mistakes: this.#mistakes,
    }
  }

  async #write(bytes: number): Promise<void> {
    const socket = this.#socket
    let burstBytes = 0
    while (this.#wroteBytes < bytes && !this.#isOver) {
      const size = Math.min(this.#random.logBetween(1, MOST_WRITE_BYTES), bytes - this.#wroteBytes)
      const taken = socket.write(patternBytes(this.#salt, this.#wroteBytes, size))
      this.#wroteBytes += size
      burstBytes += size
      if (!taken) await this.#drained()
      if (this.#own.burstBytes !== null && burstBytes >= this.#own.burstBytes) {
        burstBytes = 0
        await sleep(this.#own.pauseMs)
      }
      await untilLoud()
    }
  }

  /** Nothing more is to be written. */
  get #isOver(): boolean {
    return !this.#socket.writable || (this.#own.bytes === null && (this.#stopped || this.#ended))
  }

  async #drained(): Promise<void> {
    const socket = this.#socket
    const controller = new AbortController()
    const { signal } = controller
    const changes = ['drain', 'close'].map(event => once(socket, event, { signal }))
    await Promise.race(changes).catch(() => {})
    controller.abort()
    await Promise.allSettled(changes)
  }

  async #otherEnded(): Promise<void> {
    while (!this.#ended && !this.#socket.destroyed) await sleep(20)
  }
}
