// Who may ask the page server, and for what. The browser of this machine runs pages of strangers: these must neither read
// the statistics, whatever name they give this server's address (DNS rebinding), nor do anything here.

import type { IncomingMessage } from 'node:http'
import { type Answer, refusal } from './answer.ts'

const OWN_NAMES = ['127.0.0.1', 'localhost', '[::1]']
/** Browsers leave it out of `Host`. */
const DEFAULT_PORT = 80
/** Asked for by the page itself, or by the user: by the address bar, a bookmark. */
const OWN_SITES = ['same-origin', 'none']
const METHODS = ['GET', 'HEAD']

/** Why a request is refused; `undefined`: it is not. */
export function refusalOf(request: IncomingMessage): Answer | undefined {
  const [host, ...more] = request.headersDistinct.host ?? []
  if (host === undefined || more.length > 0) return refusal(400)
  if (!isOwnName(host.toLowerCase(), request.socket.localPort)) return refusal(421)
  if (isOfOtherSite(request, host)) return refusal(403)
  if (!METHODS.includes(request.method ?? '')) return refusal(405, { Allow: METHODS.join(', ') })
  if (hasBody(request)) return refusal(413)
  return undefined
}

function isOwnName(host: string, port: number | undefined): boolean {
  return OWN_NAMES.some(name => host === `${name}:${port}` || (port === DEFAULT_PORT && host === name))
}

function isOfOtherSite({ headers }: IncomingMessage, host: string): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined && !OWN_SITES.includes(String(site))) return true
  return headers.origin !== undefined && headers.origin.toLowerCase() !== `http://${host}`.toLowerCase()
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}
