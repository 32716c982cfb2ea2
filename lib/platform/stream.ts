// The Duplex that hawser's streams are made of: Node's own. Browsers get `stream.browser.ts` (imports map of package.json).

export { Duplex, type DuplexOptions } from 'node:stream'
