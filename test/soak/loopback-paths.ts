// Paths over relays on the loopback interface, which fail in the ways that a byte stream can.

import { type ChildProcess, spawn } from 'node:child_process'
import { Relay } from '../interop/relay.ts'
import type { Random } from '../simulation/random.ts'
import type { Paths } from './paths.ts'
import type { Path } from './process.ts'

/** Bytes per second of each path: from a slow one to one that never waits. */
const STEADY_RATES = [1_000_000, 4_000_000, 16_000_000, undefined]
const MORTAL_RATES = [2_000_000, undefined]
/** All paths at once are silent for so long at most, far below `noLinkTimeout`. */
const MOST_OUTAGE_MS = 2_000
const MOST_TROUBLE_MS = 5_000

const AT_ONCE: Readonly<Record<string, (relay: Relay) => void>> = {
  reset: relay => relay.cut(),
  'clean end': relay => relay.end(),
  'half-close towards the server': relay => relay.halfClose('forward'),
  'half-close towards the client': relay => relay.halfClose('back'),
  'flipped bit': relay => relay.corrupt(),
}

const FOR_A_WHILE: Readonly<Record<string, (relay: Relay) => void>> = {
  stall: relay => relay.stall(),
  'black hole': relay => relay.swallow(),
  refusal: relay => relay.refuse(),
}

export class LoopbackPaths implements Paths {
  readonly name = 'loopback'
  readonly serverHost = '127.0.0.1'
  readonly steadyPort = 0
  readonly mortalPort = 0
  #steady: readonly Relay[] = []
  #mortal: readonly Relay[] = []
  readonly #troubled = new Map<Relay, NodeJS.Timeout>()

  node(_side: 'client' | 'server', ...args: string[]): ChildProcess {
    return spawn(process.execPath, args)
  }

  async lead(ports: { steady: number; mortal: number }): Promise<{ steady: readonly Path[]; mortal: readonly Path[] }> {
    if (this.#steady.length === 0) {
      this.#steady = await Promise.all(STEADY_RATES.map(rate => Relay.start(ports.steady, { rate })))
      this.#mortal = await Promise.all(MORTAL_RATES.map(rate => Relay.start(ports.mortal, { rate })))
    }
    for (const relay of this.#mortal) relay.retarget(ports.mortal)
    const path = ({ port }: Relay): Path => ({ host: '127.0.0.1', port, multiInterface: false })
    return { steady: this.#steady.map(path), mortal: this.#mortal.map(path) }
  }

  async disturb(random: Random): Promise<string> {
    const all = [...this.#steady, ...this.#mortal]
    if (random.chance(0.05)) {
      for (const relay of all) this.#trouble(relay, 'stall', random.between(100, MOST_OUTAGE_MS))
      return 'stall of all paths'
    }
    if (random.chance(0.05)) {
      for (const relay of all) relay.cut()
      return 'reset of all paths'
    }
    const relay = random.pick(all)
    const wellElsewhere = this.#steady.some(other => other !== relay && !this.#troubled.has(other))
    if (random.chance(0.5) && wellElsewhere) {
      const fault = random.pick(Object.keys(FOR_A_WHILE))
      this.#trouble(relay, fault, random.between(100, MOST_TROUBLE_MS))
      return fault
    }
    const fault = random.pick(Object.keys(AT_ONCE))
    AT_ONCE[fault]?.(relay)
    return fault
  }

  async mend(): Promise<void> {
    for (const relay of [...this.#troubled.keys()]) this.#mendOne(relay)
  }

  async close(): Promise<void> {
    await this.mend()
    for (const relay of [...this.#steady, ...this.#mortal]) relay.close()
  }

  #trouble(relay: Relay, fault: string, ms: number): void {
    if (this.#troubled.has(relay)) return
    FOR_A_WHILE[fault]?.(relay)
    this.#troubled.set(
      relay,
      setTimeout(() => this.#mendOne(relay), ms),
    )
  }

  #mendOne(relay: Relay): void {
    clearTimeout(this.#troubled.get(relay))
    this.#troubled.delete(relay)
    relay.mend()
  }
}
