// Serves the monitor page over HTTP, to this machine only: the page itself, which never changes, and the statistics as JSON.

import { readFileSync } from 'node:fs'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { checkPort } from '../argument-checks.ts'
import { HawserError } from '../errors.ts'
import { type Answer, answer, rawAnswer, refusal } from './answer.ts'
import { MARKUP, STYLE } from './page/markup.ts'
import { refusalOf } from './request-check.ts'
import { checkSnapshotArguments, type MonitorSource, type SnapshotOptions, takeSnapshot } from './snapshot.ts'

const LOOPBACK = ['127.0.0.1', '::1'] as const
/** TCP connections at once; one more is closed at once. A page in a browser needs three. */
const CONNECTIONS_LIMIT = 16
const HEADER_BYTES_MAX = 16_384
/** For a request to be there in full. */
const REQUEST_TIMEOUT_MS = 2_000
/** How often that is checked. */
const CHECK_INTERVAL_MS = 500
/** For whoever does not take the answer. */
const IDLE_TIMEOUT_MS = 5_000

export interface MonitorPageListenOptions {
  /** 0: a free one. @defaultValue 0 */
  port?: number | undefined
  /** @defaultValue '127.0.0.1' */
  host?: (typeof LOOPBACK)[number] | undefined
}

/**
 * A page that shows how connections are doing, for a browser on this machine.
 *
 * Everybody with an account on the machine can open it. It changes nothing, and does not keep the process alive.
 *
 * @throws {HawserError} `ERR_INVALID_ARG_TYPE`
 */
export function createMonitorPage(source: MonitorSource, options: SnapshotOptions = {}): MonitorPage {
  checkSnapshotArguments(source, options)
  return new MonitorPage(() => JSON.stringify(takeSnapshot(source, options)))
}

export class MonitorPage {
  readonly #routes: ReadonlyMap<string, () => Answer>
  readonly #server: http.Server
  /** Those that have got their answer. */
  readonly #answered = new WeakSet<Duplex>()
  #url: Promise<string> | undefined

  /** @internal */
  constructor(takeStats: () => string) {
    const script = readFileSync(new URL('./page/script.js', import.meta.url), 'utf8')
    this.#routes = new Map([
      ['/', () => answer(200, 'text/html; charset=utf-8', MARKUP)],
      ['/page.css', () => answer(200, 'text/css; charset=utf-8', STYLE)],
      ['/page.js', () => answer(200, 'text/javascript; charset=utf-8', script)],
      // No markup even where somebody takes it for a page: `<` stands in texts only.
      ['/stats', () => answer(200, 'application/json; charset=utf-8', takeStats().replaceAll('<', '\\u003c'))],
    ])
    this.#server = this.#createServer()
  }

  /**
   * Resolves with the address of the page once it is there; rejects with Node's own error when the system refuses.
   *
   * @throws {HawserError} `ERR_INVALID_ARG_VALUE` for a host that is not this machine alone, `ERR_SOCKET_BAD_PORT`,
   *   `ERR_SERVER_ALREADY_LISTEN`
   */
  async listen(options: MonitorPageListenOptions = {}): Promise<string> {
    const { port = 0, host = LOOPBACK[0] } = options
    checkPort(port)
    if (!LOOPBACK.includes(host)) {
      const text = `The monitor page is for this machine only: the option host must be ${LOOPBACK.join(' or ')}`
      throw new HawserError('ERR_INVALID_ARG_VALUE', 'invalid-argument', text)
    }
    if (this.#url) throw new HawserError('ERR_SERVER_ALREADY_LISTEN', 'invalid-argument', 'The monitor page listens already.')
    this.#url = this.#bind(port, host)
    try {
      return await this.#url
    } catch (error) {
      this.#url = undefined
      throw error
    }
  }

  /** Resolves when nobody is connected any more; whoever was is cut off. */
  async close(): Promise<void> {
    await this.#url?.catch(() => {}) // told by `listen`
    this.#url = undefined
    if (!this.#server.listening) return
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #bind(port: number, host: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ port, host, exclusive: true }, () => {
        this.#server.off('error', reject)
        const { port: bound } = this.#server.address() as AddressInfo
        resolve(`http://${host.includes(':') ? `[${host}]` : host}:${bound}/`)
      })
      this.#server.unref()
    })
  }

  #createServer(): http.Server {
    const server = http.createServer({
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
      insecureHTTPParser: false,
      maxHeaderSize: HEADER_BYTES_MAX,
      requestTimeout: REQUEST_TIMEOUT_MS,
      requireHostHeader: false, // Node's own answer would lack the guards
    })
    server.maxConnections = CONNECTIONS_LIMIT
    server.timeout = IDLE_TIMEOUT_MS
    server.on('error', () => {}) // one that could not be accepted; those of `listen` reject it
    server.on('connection', socket => socket.unref())
    const take: http.RequestListener = (request, response) => this.#take(request, response)
    server.on('request', take)
    server.on('checkContinue', take)
    server.on('checkExpectation', take)
    server.on('connect', (request, socket) => this.#refuseRaw(refusalOf(request) ?? refusal(405), socket))
    server.on('clientError', (error, socket) => this.#refuseRaw(refusal(statusOf(error)), socket))
    return server
  }

  #take(request: http.IncomingMessage, response: http.ServerResponse): void {
    const { socket } = request
    if (this.#answered.has(socket)) {
      // A second request before the answer is out: answers could pile up here faster than they are taken.
      socket.destroy()
      return
    }
    this.#answered.add(socket)
    const { status, headers, body } = refusalOf(request) ?? this.#answerTo(request.url ?? '')
    response.writeHead(status, headers)
    response.end(body)
  }

  #answerTo(path: string): Answer {
    try {
      return this.#routes.get(path)?.() ?? refusal(404)
    } catch {
      return refusal(500) // a tag or an iterable of the application threw
    }
  }

  #refuseRaw(answer: Answer, socket: Duplex): void {
    if (this.#answered.has(socket) || !socket.writable) {
      socket.destroy()
      return
    }
    this.#answered.add(socket)
    socket.on('error', () => {}) // gone before its answer: Node looks after it no more
    socket.end(rawAnswer(answer), () => socket.destroy())
  }
}

function statusOf({ code }: NodeJS.ErrnoException): number {
  if (code === 'HPE_HEADER_OVERFLOW') return 431
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
}
