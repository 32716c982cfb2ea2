// Paths over the links of the laboratory: real interfaces that are cut, unplugged, lossy, slow.

import { type ChildProcess, execFileSync } from 'node:child_process'
import { Laboratory, SERVER_ADDRESS } from '../lab/laboratory.ts'
import type { Random } from '../simulation/random.ts'
import type { Paths } from './paths.ts'
import type { Path } from './process.ts'

/** Links that need no C compiler, and some that do. */
const PLAIN_LINKS = ['40mbit', '20mbit/10mbit', '10mbit', '30mbit']
const DELAYED_LINKS = ['40mbit', '20mbit/10mbit@15ms', '10mbit@5ms~5ms', '30mbit']
const RATES = ['5mbit', '10mbit/2mbit', '20mbit', '40mbit']
const MOST_OUTAGE_MS = 2_000

/** A fault of one link, and what takes it back. */
interface Fault {
  readonly name: string
  readonly commands: (link: string, random: Random) => readonly string[]
  readonly mends: (link: string) => readonly string[]
}

const FAULTS: readonly Fault[] = [
  { name: 'cut', commands: link => ['cut', link], mends: link => ['mend', link] },
  { name: 'unplug', commands: link => ['unplug', link], mends: link => ['plug', link] },
  { name: 'loss', commands: (link, random) => ['loss', link, `${random.between(1, 20)}`], mends: link => ['loss', link, '0'] },
  { name: 'rate', commands: (link, random) => ['rate', link, random.pick(RATES)], mends: link => ['rate', link, '20mbit'] },
]
const DELAY: Fault = {
  name: 'delay',
  commands: (link, random) => ['delay', link, `${random.between(1, 150)}ms~${random.between(0, 20)}ms`],
  mends: link => ['delay', link, '5ms'],
}

export class LabPaths implements Paths {
  readonly name: string
  readonly serverHost = SERVER_ADDRESS
  readonly steadyPort = 5_800
  readonly mortalPort = 5_801
  readonly #lab: Laboratory
  readonly #specs: readonly string[]
  /** What takes the fault of each link back. */
  readonly #broken = new Map<string, readonly string[]>()

  /** @throws {Error} there is no laboratory here; the message says why */
  constructor() {
    this.#specs = hasCompiler() ? DELAYED_LINKS : PLAIN_LINKS
    this.#lab = Laboratory.up(this.#specs)
    this.name = `laboratory (${this.#specs.join(', ')})`
  }

  node(side: 'client' | 'server', ...args: string[]): ChildProcess {
    return this.#lab.node(side, ...args)
  }

  async lead(): Promise<{ steady: readonly Path[]; mortal: readonly Path[] }> {
    const path = (port: number): Path => ({ host: SERVER_ADDRESS, port, multiInterface: true })
    return { steady: [path(this.steadyPort)], mortal: [path(this.mortalPort)] }
  }

  async disturb(random: Random): Promise<string> {
    if (random.chance(0.05)) {
      await this.#lab.change('cut', 'all')
      await new Promise(resolve => setTimeout(resolve, random.between(100, MOST_OUTAGE_MS)))
      await this.#lab.change('mend', 'all')
      return 'cut of all links'
    }
    const links = this.#specs.map((_spec, index) => `${index + 1}`)
    const whole = links.filter(link => !this.#broken.has(link))
    // The last whole link stays so.
    if (whole.length < 2 || (this.#broken.size > 0 && random.chance(0.5))) {
      const [link, mends] = random.pick([...this.#broken]) as [string, readonly string[]]
      this.#broken.delete(link)
      await this.#lab.change(...mends)
      return `${mends[0]} again`
    }
    const link = random.pick(whole)
    const faults = this.#specs[Number(link) - 1]?.includes('@') ? [...FAULTS, DELAY] : FAULTS
    const fault = random.pick(faults)
    this.#broken.set(link, fault.mends(link))
    await this.#lab.change(...fault.commands(link, random))
    return fault.name
  }

  async mend(): Promise<void> {
    for (const mends of this.#broken.values()) await this.#lab.change(...mends)
    this.#broken.clear()
  }

  async close(): Promise<void> {
    this.#lab.down()
  }
}

function hasCompiler(): boolean {
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
