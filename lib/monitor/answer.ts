// What the page server answers with. Every answer has the same guards in its head, errors too, and is the last one of its
// TCP connection: what else comes there is not looked at.

import { STATUS_CODES } from 'node:http'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** Nothing but what this server serves is loaded, and nothing is run or styled but its two files. */
const CONTENT_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ')

const GUARDS = {
  'Content-Security-Policy': CONTENT_POLICY,
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  Connection: 'close',
}

export function answer(status: number, type: string, text: string, headers: Readonly<Record<string, string>> = {}): Answer {
  const body = Buffer.from(text)
  return { status, headers: { ...GUARDS, 'Content-Type': type, 'Content-Length': String(body.length), ...headers }, body }
}

/** Says nothing of what was asked: no text from outside comes back. */
export function refusal(status: number, headers?: Readonly<Record<string, string>>): Answer {
  return answer(status, 'text/plain; charset=utf-8', `${status} ${STATUS_CODES[status]}\n`, headers)
}

/** As bytes, for sockets that Node's HTTP server has given up. */
export function rawAnswer({ status, headers, body }: Answer): Buffer {
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ]
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body])
}
