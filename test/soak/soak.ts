// A soak over one kind of paths: a client's process, a server's, and another server's that is killed again and again.

import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Random } from '../simulation/random.ts'
import { Judge } from './judge.ts'
import { Member } from './member.ts'
import type { Leftovers, Report, Sample } from './outcome.ts'
import type { Paths } from './paths.ts'
import type { ClientOptions, ServerOptions } from './process.ts'
import { isClear, type Slope, slopeOf } from './slope.ts'

const CLIENT = fileURLToPath(new URL('./client.js', import.meta.url))
const SERVER = fileURLToPath(new URL('./server.js', import.meta.url))
/** Collections on demand; that the count of live objects is an experiment of Node is none of ours. */
const NODE_FLAGS = ['--enable-source-maps', '--expose-gc', '--disable-warning=ExperimentalWarning']
/** The last connections of the client end within this time, or it says which do not. */
const MOST_ENDING_MS = 120_000
/** Least and most time between two faults of the paths, and two deaths of the mortal server. */
const DISTURB_MS = [300, 900] as const
const DEATH_MS = [4_000, 9_000] as const
/** Growth of memory must stay below it, bytes. */
export const MOST_BYTES_PER_MINUTE = 1_000_000
/** While it is not clear whether it does the soak goes on for half its time, so often at most. */
const MOST_EXTENSIONS = 4
/** Share of the time that counts as warm-up, between these limits. */
const WARM_UP = { share: 0.3, leastMs: 15_000, mostMs: 60_000 }

export interface SoakResult {
  readonly name: string
  readonly seconds: number
  readonly judge: Judge
  /** How often each fault was brought about. */
  readonly faults: ReadonlyMap<string, number>
  readonly begun: number
  /** What was wrong beyond single connections. */
  readonly troubles: readonly string[]
  readonly memory: Readonly<Record<'client' | 'server', MemoryResult>>
  readonly leftovers: Partial<Record<'client' | 'server', Leftovers>>
}

export interface MemoryResult {
  readonly slope: Slope | undefined
  readonly samples: number
  /** Bytes, at the end of the warm-up and of the soak. */
  readonly first: number
  readonly last: number
  readonly mostResidentBytes: number
}

export class Soak {
  readonly #paths: Paths
  readonly #random: Random
  readonly #seconds: number
  readonly #judge = new Judge()
  readonly #faults = new Map<string, number>()
  readonly #troubles: string[] = []
  readonly #samples: Record<'client' | 'server', Sample[]> = { client: [], server: [] }
  readonly #leftovers: Partial<Record<'client' | 'server', Leftovers>> = {}
  #begun = 0
  #over = false

  constructor(paths: Paths, seed: number, seconds: number) {
    this.#paths = paths
    this.#random = new Random(seed)
    this.#seconds = seconds
  }

  async run(): Promise<SoakResult> {
    const serverSeed = this.#random.u32()
    const steady = await this.#startServer('server', this.#paths.steadyPort, serverSeed, true)
    let mortal = await this.#startServer('mortal server', this.#paths.mortalPort, serverSeed, false)
    const ways = await this.#paths.lead({ steady: steady.port, mortal: mortal.port })
    const options: ClientOptions = { seed: this.#random.u32(), ...ways }
    const args = [...NODE_FLAGS, CLIENT, JSON.stringify(options)]
    const client = new Member('client', this.#paths.node('client', ...args), report => this.#hear('client', report))
    const startMs = Date.now()

    const disturbing = this.#repeat(DISTURB_MS, async random => this.#count(await this.#paths.disturb(random)))
    const dying = this.#repeat(DEATH_MS, async () => {
      await mortal.member.kill()
      this.#count('server killed')
      mortal = await this.#startServer('mortal server', this.#paths.mortalPort, serverSeed, false)
      await this.#paths.lead({ steady: steady.port, mortal: mortal.port })
    })
    await sleep(this.#seconds * 1_000)
    for (let extensions = 0; extensions < MOST_EXTENSIONS && !this.#isMemoryClear(startMs); extensions++) {
      await sleep((this.#seconds * 1_000) / 2)
    }
    const endMs = Date.now()
    this.#over = true
    await Promise.all([disturbing, dying])
    await this.#paths.mend()

    client.stop()
    await this.#end(client)
    steady.member.stop()
    await this.#end(steady.member)
    await mortal.member.kill()
    await this.#paths.close()
    this.#judge.finish()
    return {
      name: this.#paths.name,
      seconds: (endMs - startMs) / 1_000,
      judge: this.#judge,
      faults: this.#faults,
      begun: this.#begun,
      troubles: this.#troubles,
      memory: { client: this.#memoryOf('client', startMs, endMs), server: this.#memoryOf('server', startMs, endMs) },
      leftovers: this.#leftovers,
    }
  }

  async #startServer(
    name: 'server' | 'mortal server',
    port: number,
    seed: number,
    breaks: boolean,
  ): Promise<{ member: Member; port: number }> {
    const options: ServerOptions = { seed, host: this.#paths.serverHost, port, breaks }
    const args = [...NODE_FLAGS, SERVER, JSON.stringify(options)]
    const child = this.#paths.node('server', ...args)
    return new Promise((resolve, reject) => {
      const member = new Member(name, child, report => {
        if (report.kind === 'listening') resolve({ member, port: report.port })
        else if (name === 'server') this.#hear('server', report)
      })
      child.once('exit', () => reject(new Error(`the ${name} ended before it listened`)))
    })
  }

  #hear(from: 'client' | 'server', report: Report): void {
    switch (report.kind) {
      case 'begun':
        this.#begun++
        this.#judge.begun(report.plan)
        break
      case 'outcome':
        this.#judge.outcome(report.outcome)
        break
      case 'unclaimed':
        this.#judge.unclaimed(report.error)
        break
      case 'fault':
        this.#count(report.fault)
        break
      case 'sample':
        this.#samples[from].push(report.sample)
        break
      case 'stuck':
        for (const life of report.lives) this.#troubles.push(`never ended: connection ${life}`)
        break
      case 'done':
        this.#leftovers[from] = report.leftovers
        break
    }
  }

  #count(fault: string): void {
    this.#faults.set(fault, (this.#faults.get(fault) ?? 0) + 1)
  }

  async #repeat([leastMs, mostMs]: readonly [number, number], act: (random: Random) => Promise<void>): Promise<void> {
    const random = this.#random.fork()
    while (!this.#over) {
      await sleep(random.between(leastMs, mostMs))
      if (!this.#over) await act(random)
    }
  }

  async #end(member: Member): Promise<void> {
    const trouble = await member.ended(MOST_ENDING_MS)
    if (trouble) this.#troubles.push(trouble)
  }

  #isMemoryClear(startMs: number): boolean {
    const results = (['client', 'server'] as const).map(from => this.#memoryOf(from, startMs, Date.now()))
    return results.every(({ slope }) => isClear(slope, MOST_BYTES_PER_MINUTE))
  }

  #memoryOf(from: 'client' | 'server', startMs: number, endMs: number): MemoryResult {
    const samples = this.#samples[from]
    const warmUpMs = Math.min(Math.max(this.#seconds * 1_000 * WARM_UP.share, WARM_UP.leastMs), WARM_UP.mostMs)
    const judged = samples.filter(({ timeMs }) => timeMs >= startMs + warmUpMs && timeMs <= endMs)
    return {
      slope: slopeOf(judged),
      samples: judged.length,
      first: judged[0]?.bytes ?? Number.NaN,
      last: judged.at(-1)?.bytes ?? Number.NaN,
      mostResidentBytes: Math.max(...samples.map(({ residentBytes }) => residentBytes)),
    }
  }
}
