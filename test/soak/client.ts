// The client's process of a soak: `client.js <ClientOptions as JSON>`. Opens connections one after the other until its
// standard input ends, then lets those that are left come to their end.

import { connect as netConnect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type Socket } from '../../lib/index.ts'
import { tcpConnector } from '../../lib/tcp.ts'
import { Random } from '../simulation/random.ts'
import { LifeSide } from './life-side.ts'
import { report } from './outcome.ts'
import { drawPlan, type LifePlan, steadyPlan } from './plan.ts'
import { breakLink, type ClientOptions, config, optionsOf, repeat, stopWanted } from './process.ts'
import { sampleMemory, takeStock } from './resources.ts'

const STEADY_LIVES = 2
/** Connections at once, the steady ones included. */
const MOST_LIVES = 10
/** A connection that is not over this long after the last fault never will be. */
const MOST_ENDING_MS = 60_000

class Client {
  readonly #options: ClientOptions
  readonly #random: Random
  readonly #faultRandom: Random
  readonly #lives = new Map<LifeSide, Promise<void>>()
  #begun = 0

  constructor(options: ClientOptions) {
    this.#options = options
    this.#random = new Random(options.seed)
    this.#faultRandom = this.#random.fork()
  }

  get sockets(): readonly Socket[] {
    return Array.from(this.#lives.keys(), ({ socket }) => socket)
  }

  /** Opens and breaks connections until `stopped`. */
  async run(stopped: Promise<void>): Promise<void> {
    for (let count = 0; count < STEADY_LIVES; count++) this.#begin(steadyPlan(this.#begun++, this.#random.fork()))
    const stopBeginning = repeat(this.#random.fork(), 50, 500, () => {
      if (this.#lives.size < MOST_LIVES) this.#begin(drawPlan(this.#begun++, this.#random.fork()))
    })
    const stopBreaking = repeat(this.#faultRandom, 500, 1_500, () => this.#break())
    await stopped
    stopBeginning()
    stopBreaking()
    for (const life of this.#lives.keys()) life.stop()
    await this.#ended()
  }

  #begin(plan: LifePlan): void {
    const paths = this.#options[plan.server]
    const socket = connect({
      transports: paths.map(path => tcpConnector({ ...path, linkFilter: 'none', resolveInterval: 500 })),
      allowHalfOpen: plan.allowHalfOpen,
      reconnectDelay: 200,
      config,
    })
    const life = new LifeSide(socket, plan, 'client')
    report({ kind: 'begun', plan })
    socket.write(`${JSON.stringify(plan)}\n`)
    socket.on('data', (piece: Buffer) => life.take(piece))
    const over = life.outcome.then(outcome => {
      this.#lives.delete(life)
      report({ kind: 'outcome', outcome })
    })
    this.#lives.set(life, over)
    void life.run()
  }

  #break(): void {
    if (this.#faultRandom.chance(0.3)) this.#addLink()
    else breakLink(this.sockets, this.#faultRandom)
  }

  /** One link more, given by hand. */
  #addLink(): void {
    const lives = [...this.#lives.keys()].filter(({ socket }) => !socket.destroyed && !socket.connecting)
    if (lives.length === 0) return
    const life = this.#faultRandom.pick(lives)
    const { host, port } = this.#faultRandom.pick(this.#options[life.server])
    const stream = netConnect({ host, port, noDelay: true })
    stream.on('error', () => {})
    // Refused, or broken meanwhile; a connection that is over leaves it alone.
    life.socket.addLink(stream).catch(() => stream.destroy())
    report({ kind: 'fault', fault: 'link added' })
  }

  async #ended(): Promise<void> {
    const controller = new AbortController()
    const late = sleep(MOST_ENDING_MS, undefined, { signal: controller.signal }).catch(() => {})
    await Promise.race([Promise.all(this.#lives.values()), late])
    controller.abort()
    const lives = Array.from(this.#lives.keys(), describe)
    if (lives.length > 0) report({ kind: 'stuck', lives })
    for (const { socket } of this.#lives.keys()) socket.terminate()
    await Promise.all(this.#lives.values())
  }
}

function describe({ life, socket }: { life: number; socket: Socket }): string {
  const links = socket.links.map(link => `${link.tag} ${link.working ? 'works' : link.notWorkingReason}`)
  return `${life}: ${socket.readyState}, ${JSON.stringify(socket.stats)}, links: ${links.join('; ') || 'none'}`
}

async function main(options: ClientOptions): Promise<void> {
  const stopped = stopWanted()
  const leftovers = takeStock()
  const client = new Client(options)
  const controller = new AbortController()
  const sampling = sampleMemory(() => client.sockets, controller.signal)
  await client.run(stopped)
  controller.abort()
  await sampling
  report({ kind: 'done', leftovers: await leftovers() })
}

void main(optionsOf<ClientOptions>())
