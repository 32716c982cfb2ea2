// A laboratory with a server of everything that is to be compared, and transfers through it.

import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Laboratory, SERVER_ADDRESS } from '../../test/lab/laboratory.ts'
import { EndProcess } from './end-process.ts'
import type { ArrivalLog, Direction, EndOptions, LinkReport, Message, Plan, Side } from './messages.ts'
import type { Ping } from './pings.ts'
import { SPEED_PORT, speedClient, speedOf, speedServer } from './speed-tool.ts'
import {
  connectOptions,
  type Subject,
  type SubjectName,
  subjects,
  TUNNEL_LINK_PORT,
  toolPath,
  tunnelClient,
  tunnelServer,
} from './subjects.ts'

const END = fileURLToPath(new URL('./end.js', import.meta.url))
const ECHO = fileURLToPath(new URL('./echo.js', import.meta.url))
const ECHO_PORT = 5820
/** Of what was written in time, the last must have arrived so long after. */
const MOST_DRAINING_MS = 60_000
const LISTENING_MS = 10_000
const POLL_MS = 20

export interface TransferOptions {
  readonly direction: Plan['direction']
  readonly durationMs: number
  readonly stalls?: Plan['stalls']
}

/** Times are those of `nowMs`. */
export interface Transfer {
  /** When the client began to connect. */
  readonly begunMs: number
  /** When the reader had its first bytes. */
  readonly startedMs: number
  /** What arrived, of each stream in the order of the links, and where; both ways there are two of each. */
  readonly logs: readonly (ArrivalLog & { readonly side: Side })[]
  /** How often a link stopped working, at either end. */
  readonly alarms: readonly (Message & { kind: 'notworking' })[]
  /** Links of the writing end, both ways of the client; none but for hawser. */
  readonly writerLinks: readonly LinkReport[]
  readonly readerLinks: readonly LinkReport[]
}

export class Testbed {
  readonly lab: Laboratory
  readonly #links: number
  readonly #otherBuild: string | null
  readonly #servers = new Map<Subject, EndProcess>()
  #speedServer: ChildProcess | undefined
  #transfers = 0

  /** @throws {Error} the laboratory cannot work here, or a process does not start */
  static async up(specs: readonly string[], names: readonly SubjectName[], otherBuild: string | null): Promise<Testbed> {
    const testbed = new Testbed(Laboratory.up(specs), specs.length, otherBuild)
    try {
      for (const name of names) await testbed.#serve(name)
    } catch (error) {
      testbed.down()
      throw error
    }
    return testbed
  }

  private constructor(lab: Laboratory, links: number, otherBuild: string | null) {
    this.lab = lab
    this.#links = links
    this.#otherBuild = otherBuild
  }

  /** Ends everything that runs inside. */
  down(): void {
    this.lab.down()
  }

  /**
   * One transfer; `during` is called when the reader has its first bytes.
   *
   * @throws {Error} data was wrong or lost, a stream failed or did not end
   */
  async transfer(
    name: SubjectName,
    { direction, durationMs, stalls }: TransferOptions,
    during?: (startedMs: number) => Promise<void>,
  ): Promise<Transfer> {
    const server = this.#servers.get(subjects[name])
    if (!server) throw new Error(`no server for ${name}`)
    const plan: Plan = { id: `${++this.#transfers}`, direction, durationMs, stalls }
    const options = connectOptions(name, this.#links, plan, this.#otherBuild)
    const record = new TransferRecord(plan, Math.max(1, options.localAddresses.length), options.protocol === 'hawser')
    const stopListening = server.listen(message => record.take(message))
    const client = this.#node('client', subjects[name], options, `the client of ${name}`)
    client.listen(message => record.take(message))
    const timer = setTimeout(() => record.fail('the transfer does not end'), durationMs + MOST_DRAINING_MS)
    client.ended.catch((error: Error) => record.fail(error.message))
    try {
      await Promise.race([record.started, record.complete])
      await during?.(record.startedMs)
      await record.complete
      await client.ended
      return record.result()
    } catch (error) {
      throw new Error(`${name}: ${(error as Error).message}`)
    } finally {
      clearTimeout(timer)
      stopListening()
      client.kill()
    }
  }

  /** Pings the server over link 1 while `during` runs. */
  async pings(during: () => Promise<void>): Promise<readonly Ping[]> {
    const server = this.lab.spawn('server', process.execPath, ECHO, 'serve', `${ECHO_PORT}`)
    const client = this.lab.spawn('client', process.execPath, ECHO, 'ping', '10.77.1.1', SERVER_ADDRESS, `${ECHO_PORT}`)
    try {
      await firstLine(server)
      const lines = createInterface({ input: client.stdout })[Symbol.asyncIterator]()
      await lines.next()
      await during()
      client.stdin.end()
      const { value } = await lines.next()
      return JSON.parse(value ?? '[]')
    } finally {
      server.kill('SIGKILL')
      client.kill('SIGKILL')
    }
  }

  /**
   * Mbit/s that the reference's own speed test tells.
   *
   * @throws {Error} it failed
   */
  async speedTest(direction: Direction, seconds: number): Promise<number> {
    if (!this.#speedServer) {
      this.#speedServer = this.lab.spawn('server', toolPath('agg-speed'), ...speedServer)
      this.#speedServer.stdout?.resume()
      await this.#untilListening('server', SPEED_PORT)
    }
    return speedOf(await this.lab.run('client', toolPath('agg-speed'), ...speedClient(direction, seconds)), direction)
  }

  async #serve(name: SubjectName): Promise<void> {
    const subject = subjects[name]
    if (name === 'mptcp') await this.#allowSubflows()
    if (!this.#servers.has(subject)) {
      const build = name === 'hawser-other' ? this.#otherBuild : null
      const options = { role: 'serve', protocol: subject.protocol, port: subject.port, build } as const
      const server = this.#node('server', subject, options, `the server of ${name}`)
      this.#servers.set(subject, server)
      await server.listening()
    }
    if (name === 'agg-tunnel') {
      this.lab.spawn('server', toolPath('agg-tunnel'), ...tunnelServer)
      await this.#untilListening('server', TUNNEL_LINK_PORT)
      const client = this.lab.spawn('client', toolPath('agg-tunnel'), ...tunnelClient)
      client.stdout.resume()
      await this.#untilListening('client', connectOptions(name, 1, {} as Plan, null).port)
    }
  }

  /** Lets Multipath TCP use every link. */
  async #allowSubflows(): Promise<void> {
    for (const side of ['client', 'server'] as const) {
      await this.lab.run(side, 'ip', 'mptcp', 'limits', 'set', 'subflows', '8', 'add_addr_accepted', '8')
    }
    for (let link = 1; link <= this.#links; link++) {
      await this.lab.run('client', 'ip', 'mptcp', 'endpoint', 'add', `10.77.${link}.1`, 'dev', `link${link}`, 'subflow')
    }
  }

  async #untilListening(side: 'client' | 'server', port: number): Promise<void> {
    for (let waitedMs = 0; waitedMs < LISTENING_MS; waitedMs += POLL_MS) {
      if ((await this.lab.run(side, 'ss', '-Htln', 'sport', '=', `${port}`)) !== '') return
      await sleep(POLL_MS)
    }
    throw new Error(`nothing listens on port ${port} of the ${side}`)
  }

  #node(side: 'client' | 'server', { prefix }: Subject, options: EndOptions, name: string): EndProcess {
    const [command = '', ...args] = [...prefix, process.execPath, '--enable-source-maps', END, JSON.stringify(options)]
    return new EndProcess(this.lab.spawn(side, command, ...args), name)
  }
}

/** What the two ends say about one transfer. */
class TransferRecord {
  readonly #plan: Plan
  readonly #logsTold: number
  readonly #linksTold: number
  readonly #logs: (Message & { kind: 'arrived' })[] = []
  readonly #alarms: (Message & { kind: 'notworking' })[] = []
  readonly #links: (Message & { kind: 'links' })[] = []
  #begunMs = 0
  startedMs = 0
  readonly started: Promise<void>
  /** Rejects when the transfer failed. */
  readonly complete: Promise<void>
  #start = (): void => {}
  #finish = (): void => {}
  #reject = (_: Error): void => {}

  constructor(plan: Plan, streams: number, hasLinks: boolean) {
    this.#plan = plan
    this.#logsTold = plan.direction === 'both' ? 2 * streams : streams
    this.#linksTold = hasLinks ? 2 : 0
    this.started = new Promise(resolve => {
      this.#start = resolve
    })
    this.complete = new Promise((resolve, reject) => {
      this.#finish = resolve
      this.#reject = reject
    })
    this.complete.catch(() => {})
  }

  take(message: Message): void {
    if (!('id' in message) || message.id.split('/', 1)[0] !== this.#plan.id) return
    if (message.kind === 'begun') this.#begunMs = message.atMs
    if (message.kind === 'started') this.startedMs ||= message.atMs
    if (message.kind === 'started') this.#start()
    if (message.kind === 'notworking') this.#alarms.push(message)
    if (message.kind === 'links') this.#links.push(message)
    if (message.kind === 'failed') this.fail(message.message)
    if (message.kind === 'arrived') {
      if (message.trouble !== null) this.fail(message.trouble)
      this.#logs.push(message)
    }
    if (this.#logs.length === this.#logsTold && this.#links.length === this.#linksTold) this.#finish()
  }

  fail(reason: string): void {
    this.#reject(new Error(reason))
  }

  result(): Transfer {
    const linksOf = (side: Side) => this.#links.find(report => report.side === side)?.links ?? []
    const [writer, reader] = this.#plan.direction === 'down' ? (['server', 'client'] as const) : (['client', 'server'] as const)
    return {
      begunMs: this.#begunMs,
      startedMs: this.startedMs,
      logs: this.#logs.sort((a, b) => a.id.localeCompare(b.id, undefined, { numeric: true })),
      alarms: this.#alarms,
      writerLinks: linksOf(writer),
      readerLinks: linksOf(reader),
    }
  }
}

async function firstLine(child: ChildProcess): Promise<void> {
  if (child.stdout) await once(createInterface({ input: child.stdout }), 'line')
}
