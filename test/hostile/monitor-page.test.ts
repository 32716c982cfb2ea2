// Attack A38 of the threat model, and A37 as far as it is about web pages: whoever reaches the monitor page of a server,
// a page of strangers in the browser of this machine above all, learns nothing and changes nothing; and what peers say of
// themselves stays text.

import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import t, { type Test } from 'tap'
import { type LinkTag, type Server, Socket } from '../../lib/index.ts'
import { createMonitorPage } from '../../lib/monitor.ts'
import { corePair } from '../support/duplex-pairs.ts'
import { working } from '../support/loopback.ts'
import { dialPage, parsed, type RawAnswer, received, sendRaw } from './raw-http.ts'
import { Scene } from './scene.ts'

const NASTY = '\u001b[2J\u0007"><script>alert(1)</script>\'\r\nSet-Cookie: x\u202e'
const USER_DATA = Buffer.alloc(65_535, NASTY)
/** What could move a cursor or break a line. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u
const ASSETS = ['/', '/page.css', '/page.js']
/** TCP connections at once that the page takes. */
const PLACES = 16
const FLOOD_BYTES = 32 * 1_048_576

/** Counts how often it is looked at. */
class CountingSource {
  readonly #server: Server
  looks = 0

  constructor(server: Server) {
    this.#server = server
  }

  *[Symbol.iterator](): Iterator<Server> {
    this.looks++
    yield this.#server
  }
}

/** A server with a bond whose peer calls itself nasty names, and its monitor page. */
class PageScene {
  readonly scene: Scene
  readonly source: CountingSource
  readonly port: number
  readonly host: string
  readonly #test: Test

  static async open(t: Test): Promise<PageScene> {
    const scene = await Scene.open(t)
    await nastyBond(t, scene)
    await scene.connection({ userData: USER_DATA })
    const source = new CountingSource(scene.server)
    const page = createMonitorPage(source, { userData: true })
    t.teardown(() => page.close())
    const url = await page.listen()
    return new PageScene(t, scene, source, Number(new URL(url).port))
  }

  private constructor(t: Test, scene: Scene, source: CountingSource, port: number) {
    this.scene = scene
    this.source = source
    this.port = port
    this.host = `127.0.0.1:${port}`
    this.#test = t
  }

  /** Runs an attack, which must change no connection, disturb nobody, and leave the page as it was. */
  async during(attack: () => Promise<void>): Promise<void> {
    const [assets, state] = [await this.#assets(), this.#state()]
    await this.scene.during(attack)
    this.#test.same(this.#state(), state, 'the connections are as they were')
    this.#test.same(await this.#assets(), assets, 'the page is as it was')
  }

  /** Sends a request of these lines; the answer, which has every guard. */
  async ask(...lines: readonly string[]): Promise<RawAnswer> {
    const text = await sendRaw(this.port, `${lines.join('\r\n')}\r\n\r\n`)
    return this.checked(text, lines[0]?.startsWith('HEAD'))
  }

  /** The same with a right `Host`. */
  async askAsOwn(requestLine: string, ...headers: readonly string[]): Promise<RawAnswer> {
    return this.ask(requestLine, `Host: ${this.host}`, ...headers)
  }

  /** Takes an answer apart: whatever it says, nothing of it may be of use to other sites, and nothing of it is from outside. */
  checked(text: string, bodiless = false): RawAnswer {
    const answer = parsed(text, { bodiless })
    const { status, headers, body } = answer
    const what = `guards of the answer ${status}`
    this.#test.match(headers, GUARDS, what)
    const policy = headers['content-security-policy'] ?? ''
    this.#test.notMatch(policy, /unsafe|data:|https?:|\*/, what)
    this.#test.notOk('set-cookie' in headers, what)
    this.#test.same(
      Object.keys(headers).filter(name => name.startsWith('access-control-')),
      [],
      what,
    )
    const ofStatistics = headers['content-type'] === 'application/json; charset=utf-8'
    if (!ofStatistics) this.#test.notMatch(body, /alert\(|Cookie|evil/, 'nothing from outside')
    const wanted = status === 200 && !ASSET_TYPES.has(headers['content-type'] ?? '')
    this.#test.equal(ofStatistics, wanted, 'statistics only where asked for')
    return answer
  }

  /** Refused, in words that are always the same. */
  async refuses(status: number, ...lines: readonly string[]): Promise<RawAnswer> {
    const answer = await this.ask(...lines)
    const what = JSON.stringify(lines).slice(0, 100)
    this.#test.equal(answer.status, status, what)
    this.#test.match(answer.body, new RegExp(`^${status} [A-Za-z ]+\n$`), what)
    return answer
  }

  async #assets(): Promise<RawAnswer[]> {
    const answers = await Promise.all(ASSETS.map(path => this.askAsOwn(`GET ${path} HTTP/1.1`)))
    return answers.map(({ status, headers, body }) => ({ status, headers: { ...headers, date: '' }, body }))
  }

  /** All of every connection that somebody could set. */
  #state(): unknown {
    return this.scene.server.connections.map(({ id, readyState, schedule, links }) => ({
      id,
      readyState,
      schedule,
      links: links.map(link => ({
        id: link.id,
        tag: String(link.tag),
        working: link.working,
        blocked: link.blocked,
        remotelyBlocked: link.remotelyBlocked,
        policy: [link.role, link.weight, link.rateLimit, link.byteBudget],
        config: link.config,
      })),
    }))
  }
}

const GUARDS = {
  'content-security-policy': /^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; /,
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  connection: 'close',
}

const ASSET_TYPES: ReadonlySet<string> = new Set(['html', 'css', 'javascript'].map(kind => `text/${kind}; charset=utf-8`))

/** A connection of two links whose tags at the server and whose user data are nasty. */
async function nastyBond(t: Test, { server }: Scene): Promise<void> {
  const client = new Socket()
  client.on('error', () => {})
  t.teardown(() => client.destroy())
  for (const key of ['first', 'second']) {
    const tag: LinkTag = { transport: NASTY, direction: 'incoming', key, toString: () => NASTY.repeat(2_000) }
    const { client: near, server: far } = corePair()
    await Promise.all([server.addLink(far, { tag }), client.addLink(near, { tag: NASTY, userData: USER_DATA })])
  }
  const accepted = server.connections.at(-1) as Socket
  accepted.on('error', () => {})
  await Promise.all([working(client, 2), working(accepted, 2)])
}

function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : []
}

t.test('A37 what peers call themselves comes as JSON only, printable, cut to 64 characters, without markup', async t => {
  const page = await PageScene.open(t)
  await page.during(async () => {
    const { status, headers, body } = await page.askAsOwn('GET /stats HTTP/1.1')
    t.equal(status, 200)
    t.equal(headers['content-type'], 'application/json; charset=utf-8')
    t.notMatch(body, /[<\p{Cc}\p{Cf}]/u)
    const { total, connections } = JSON.parse(body)
    t.equal(total, 3)
    t.same(
      connections.map(({ links }: { links: unknown[] }) => links.length),
      [1, 2, 1],
    )
    const strings = stringsIn(connections)
    t.equal(strings.filter(text => text.startsWith('\\x1b[2J\\x07"><script>')).length, 5, 'two tags, three user data')
    for (const text of strings) {
      t.notMatch(text, UNPRINTABLE)
      t.ok(text.length <= 64, text)
    }
    for (const { id } of page.scene.server.connections) t.notOk(body.includes(String(id).slice(0, 8)), 'S8 no id')
  })
})

t.test('A38 the page has no script and no style but its own files, and its script makes no markup', async t => {
  const page = await PageScene.open(t)
  const [markup, style, script] = await Promise.all(ASSETS.map(path => page.askAsOwn(`GET ${path} HTTP/1.1`)))
  t.equal(markup?.headers['content-type'], 'text/html; charset=utf-8')
  t.equal(style?.headers['content-type'], 'text/css; charset=utf-8')
  t.equal(script?.headers['content-type'], 'text/javascript; charset=utf-8')
  const html = markup?.body ?? ''
  t.same(html.match(/<script.*?>|<style.*?>|<link.*?>/g), [
    '<link rel="stylesheet" href="/page.css">',
    '<script type="module" src="/page.js">',
  ])
  t.match(html, /src="\/page\.js"><\/script>/)
  t.notMatch(html, /\son\w+=|style=|https?:|javascript:/i)
  t.notMatch(style?.body, /url\(|@import/)
  t.notMatch(
    script?.body,
    /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(|import\(|cookie|localStorage/,
  )
  for (const path of [...ASSETS, '/stats']) {
    const { status, headers } = await page.askAsOwn(`HEAD ${path} HTTP/1.1`)
    t.equal(status, 200)
    t.ok(Number(headers['content-length']) > 0)
  }
})

t.test('A38 names that are not of this machine get nothing, whatever they resolve to; nor does no name', async t => {
  const page = await PageScene.open(t)
  const { port } = page
  await page.during(async () => {
    for (const path of ['/', '/stats', '/nothing']) {
      await page.refuses(400, `GET ${path} HTTP/1.1`)
      await page.refuses(400, `GET ${path} HTTP/1.0`)
      await page.refuses(400, `GET ${path} HTTP/1.1`, `Host: ${page.host}`, 'Host: evil.example')
      await page.refuses(400, `GET ${path} HTTP/1.1`, `Host: ${page.host}`, `Host: ${page.host}`)
    }
    const others = [
      '',
      'evil.example',
      `evil.example:${port}`,
      `127.0.0.1.evil.example:${port}`,
      `localhost.evil.example:${port}`,
      `evil.localhost:${port}`,
      `localhost.:${port}`,
      `0.0.0.0:${port}`,
      `127.0.0.2:${port}`,
      `127.1:${port}`,
      `2130706433:${port}`,
      `0x7f.0.0.1:${port}`,
      `[::]:${port}`,
      `[::ffff:127.0.0.1]:${port}`,
      `::1:${port}`,
      '127.0.0.1',
      'localhost',
      `127.0.0.1:${port + 1}`,
      `127.0.0.1:0${port}`,
      `evil@127.0.0.1:${port}`,
      `127.0.0.1:${port}@evil.example`,
      `127.0.0.1:${port}, evil.example`,
      `127.0.0.1:${port}/`,
      `127.0.0.1:${port} evil`,
    ]
    for (const host of others) await page.refuses(421, 'GET /stats HTTP/1.1', `Host: ${host}`)
    await page.refuses(
      421,
      'GET /stats HTTP/1.1',
      'Host: evil.example',
      `X-Forwarded-Host: ${page.host}`,
      `Origin: http://${page.host}`,
    )
    for (const name of ['127.0.0.1', 'localhost', 'LocalHost', '[::1]']) {
      t.equal((await page.ask('GET /stats HTTP/1.1', `Host: ${name}:${port}`)).status, 200)
    }
  })
})

t.test('A38 requests that pages of other sites make get nothing', async t => {
  const page = await PageScene.open(t)
  const { host, port } = page
  await page.during(async () => {
    const others = [
      'Sec-Fetch-Site: cross-site',
      'Sec-Fetch-Site: same-site',
      'Sec-Fetch-Site: Same-Origin',
      'Sec-Fetch-Site: none, cross-site',
      'Sec-Fetch-Site: ',
      'Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site',
      'Origin: http://evil.example',
      `Origin: https://${host}`,
      `Origin: http://127.0.0.1:${port + 1}`,
      `Origin: http://localhost:${port}`,
      'Origin: null',
      'Origin: ',
      `Origin: http://${host}\r\nOrigin: http://evil.example`,
      'Sec-Fetch-Site: same-origin\r\nOrigin: http://evil.example',
    ]
    const own = `Host: ${host}`
    for (const header of others) await page.refuses(403, 'GET /stats HTTP/1.1', own, header)
    await page.refuses(403, 'GET / HTTP/1.1', own, 'Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: navigate')
    for (const header of ['Sec-Fetch-Site: same-origin', 'Sec-Fetch-Site: none', `Origin: http://${host}`, 'Cookie: a=b']) {
      t.equal((await page.askAsOwn('GET /stats HTTP/1.1', header)).status, 200)
    }
  })
})

t.test('A38 only GET and HEAD are answered: there is nothing that a request could change', async t => {
  const page = await PageScene.open(t)
  const own = `Host: ${page.host}`
  await page.during(async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND', 'PURGE', 'SUBSCRIBE']) {
      for (const path of ['/', '/stats', '/page.js', '/nothing']) {
        const { headers } = await page.refuses(405, `${method} ${path} HTTP/1.1`, own, 'X-HTTP-Method-Override: GET')
        t.equal(headers.allow, 'GET, HEAD')
      }
    }
    await page.refuses(405, 'OPTIONS * HTTP/1.1', own)
    await page.refuses(405, 'OPTIONS /stats HTTP/1.1', own, 'Access-Control-Request-Method: GET', `Origin: http://${page.host}`)
    await page.refuses(403, 'OPTIONS /stats HTTP/1.1', own, 'Access-Control-Request-Method: GET', 'Origin: http://evil.example')
    await page.refuses(405, `CONNECT ${page.host} HTTP/1.1`, own)
    await page.refuses(421, 'CONNECT evil.example:443 HTTP/1.1', 'Host: evil.example:443')
    for (const start of ['get / HTTP/1.1', 'EVIL / HTTP/1.1', '\u0016\u0003\u0001']) await page.refuses(400, start, own)
    await page.refuses(400, 'PRI * HTTP/2.0', '', 'SM', '')
  })
})

t.test('A38 upgrades are passed over, and what follows them is not looked at', async t => {
  const page = await PageScene.open(t)
  await page.during(async () => {
    const webSocket = [
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${'A'.repeat(22)}==`,
    ]
    const { status } = await page.askAsOwn('GET /stats HTTP/1.1', ...webSocket)
    t.equal(status, 200)
    await page.refuses(403, 'GET /stats HTTP/1.1', `Host: ${page.host}`, ...webSocket, 'Origin: http://evil.example')
    const upgrade2 = ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__']
    t.equal((await page.askAsOwn('GET / HTTP/1.1', ...upgrade2)).status, 200)
  })
})

t.test('A38 only the four paths are there, and only in that form', async t => {
  const page = await PageScene.open(t)
  const { host } = page
  await page.during(async () => {
    const paths = [
      'http://evil.example/stats',
      `http://${host}/stats`,
      'http://evil.example/<script>alert(1)</script>',
      '//evil.example/stats',
      '/stats?callback=alert(1)',
      '/stats/',
      '/Stats',
      '/%73tats',
      '/page/../stats',
      '/../../../../etc/passwd',
      '/page.js.map',
      '/__proto__',
      '/constructor',
      '/favicon.ico',
      '/;evil',
      '/evil%0d%0aSet-Cookie:%20x',
      `/${'evil'.repeat(2_000)}`,
      '*',
    ]
    for (const path of paths) await page.refuses(404, `GET ${path} HTTP/1.1`, `Host: ${host}`)
  })
})

t.test('A38 bodies are refused unread, and nobody is asked to go on', async t => {
  const page = await PageScene.open(t)
  const own = `Host: ${page.host}`
  await page.during(async () => {
    await page.refuses(413, 'GET /stats HTTP/1.1', own, 'Content-Length: 1000000')
    await page.refuses(413, 'GET /stats HTTP/1.1', own, 'Transfer-Encoding: chunked')
    await page.refuses(413, 'GET /stats HTTP/1.1', own, 'Content-Length: 5', 'Expect: 100-continue')
    await page.refuses(405, 'POST /stats HTTP/1.1', own, 'Content-Length: 1000000', 'Expect: 100-continue')
    t.equal((await page.askAsOwn('GET /stats HTTP/1.1', 'Expect: 100-continue')).status, 200)
    t.equal((await page.askAsOwn('GET /stats HTTP/1.1', 'Expect: evil')).status, 200)
    await page.refuses(400, 'POST / HTTP/1.1', own, 'Content-Length: 5', 'Transfer-Encoding: chunked')
    await page.refuses(400, 'GET / HTTP/1.1', own, 'Content-Length: 5', 'Content-Length: 6')
    await page.refuses(400, 'GET / HTTP/1.1', own, 'Content-Length: -1')

    const endless = await dialPage(page.port)
    endless.write(`POST /stats HTTP/1.1\r\n${own}\r\nContent-Length: ${FLOOD_BYTES}\r\n\r\n`)
    const chunk = Buffer.alloc(65_536)
    const closed = received(endless)
    while (!endless.destroyed && endless.bytesWritten < FLOOD_BYTES) await new Promise(resolve => endless.write(chunk, resolve))
    t.ok(endless.bytesWritten < FLOOD_BYTES, 'cut off before it was over')
    await closed
  })
})

t.test('A38 heads that are wrong or too large get an answer with all guards, and nothing else', async t => {
  const page = await PageScene.open(t)
  const own = `Host: ${page.host}`
  await page.during(async () => {
    const wrong = [
      'GET / HTTP/9.9',
      'GET / HTTP/1.1 evil',
      'GET /evil evil HTTP/1.1',
      'GET /\u0000evil HTTP/1.1',
      '<script>alert(1)</script>',
    ]
    for (const start of wrong) await page.refuses(400, start, own)
    for (const header of ['evil', 'evil : x', ': evil', 'X: \u0000evil', 'X: a\rSet-Cookie: evil', ' folded: evil']) {
      await page.refuses(400, 'GET / HTTP/1.1', header, own)
    }
    await page.refuses(431, 'GET / HTTP/1.1', own, `X: ${'evil'.repeat(4_096)}`)
    const many = Array.from({ length: 200 }, (_, index) => `X${index}: ${'evil'.repeat(20)}`)
    await page.refuses(431, 'GET / HTTP/1.1', own, ...many)
    await page.refuses(431, `GET /${'evil'.repeat(4_100)} HTTP/1.1`, own)
  })
})

t.test('A38 a connection gets one answer: what else is sent on it is not looked at', async t => {
  const page = await PageScene.open(t)
  const request = `GET /stats HTTP/1.1\r\nHost: ${page.host}\r\n\r\n`
  await page.during(async () => {
    const text = await sendRaw(page.port, request.repeat(1_000))
    t.ok(text.split('HTTP/1.1 ').length <= 2, 'one answer at most')
    t.equal(page.source.looks, 1, 'and no more made')
    const smuggled = await sendRaw(page.port, `GET /nothing HTTP/1.1\r\nHost: ${page.host}\r\n\r\n${request}`)
    t.notMatch(smuggled, /HTTP\/1\.1 200/)

    // Asks for ever and reads nothing.
    const greedy = await dialPage(page.port)
    greedy.pause()
    const closed = new Promise(resolve => greedy.once('close', resolve))
    while (!greedy.destroyed && greedy.bytesWritten < FLOOD_BYTES) {
      await new Promise(resolve => greedy.write(request.repeat(1_000), resolve))
    }
    t.ok(greedy.bytesWritten < FLOOD_BYTES, 'cut off before it was over')
    t.equal(page.source.looks, 2)
    greedy.resume()
    await closed
  })
})

t.test('A38 sockets that say nothing or too little have a few places for a moment, and never those of peers', async t => {
  const page = await PageScene.open(t)
  const beginnings = ['', 'G', 'GET /stats HTTP/1.1\r\n', `GET /stats HTTP/1.1\r\nHost: ${page.host}\r\nX: `]
  await page.during(async () => {
    const idle = await Promise.all(Array.from({ length: 200 }, () => dialPage(page.port)))
    const texts = idle.map((socket, index) => {
      socket.write(beginnings[index % beginnings.length] as string)
      return received(socket)
    })
    // Those beyond the places are dropped at once; the others get an answer when their time is over.
    const answers = (await Promise.all(texts)).filter(Boolean)
    t.ok(answers.length > 0)
    t.ok(answers.length <= PLACES)
    for (const text of answers) t.equal(page.checked(text).status, 408)

    const slow = await dialPage(page.port)
    const answer = received(slow)
    slow.write('GET /stats HTTP/1.1\r\n')
    const drip = setInterval(() => slow.write('X: y\r\n'), 50)
    t.equal(page.checked(await answer).status, 408)
    clearInterval(drip)
    t.equal((await page.askAsOwn('GET /stats HTTP/1.1')).status, 200)
  })
})

t.test('A38 whoever goes away at any moment leaves nothing behind', async t => {
  const page = await PageScene.open(t)
  const own = `Host: ${page.host}`
  await page.during(async () => {
    const requests = [
      '',
      'GET /sta',
      `GET /stats HTTP/1.1\r\n${own}\r\n\r\n`,
      `CONNECT evil:1 HTTP/1.1\r\n${own}\r\n\r\n`,
      'evil\r\n\r\n',
    ]
    for (let round = 0; round < 10; round++) {
      for (const request of requests) {
        const [reset, ended] = [await dialPage(page.port), await dialPage(page.port)]
        reset.write(request)
        reset.resetAndDestroy()
        ended.end(request)
        await received(ended)
      }
    }
  })
})

t.test('A38 nobody reaches the page but over the loopback address that it has', async t => {
  const page = await PageScene.open(t)
  const addresses = Object.values(networkInterfaces()).flatMap(list => list ?? [])
  const others = addresses.filter(({ address, scopeid }) => address !== '127.0.0.1' && !scopeid).map(({ address }) => address)
  for (const host of ['127.0.0.2', ...others]) {
    const socket = connect({ port: page.port, host })
    const error = await new Promise(resolve => {
      socket.once('error', resolve)
      socket.once('connect', resolve)
    })
    socket.destroy()
    t.match(error, { code: /^(ECONNREFUSED|EADDRNOTAVAIL)$/ }, host)
  }
})
