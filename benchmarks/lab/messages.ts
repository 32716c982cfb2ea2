// What the processes of a transfer are told, as one argument in JSON, and what they say, one line of JSON each.

export type Protocol = 'hawser' | 'tcp'

/** Up is from the client to the server. */
export type Direction = 'up' | 'down'

export type Side = 'client' | 'server'

/** Sent by the client as the first line of every stream. */
export interface Plan {
  readonly id: string
  readonly direction: Direction | 'both'
  /** How long a writer writes. What is in buffers then still arrives. */
  readonly durationMs: number
  /** This end's event loop stands still again and again. */
  readonly stalls?: 'reader' | 'writer' | undefined
}

export interface ServeOptions {
  readonly role: 'serve'
  readonly protocol: Protocol
  readonly port: number
  /** `dist` folder whose hawser is used; `null`: the one that this file belongs to. */
  readonly build: string | null
}

export interface ConnectOptions {
  readonly role: 'connect'
  readonly protocol: Protocol
  readonly host: string
  readonly port: number
  /** Plain TCP: a stream from each of them, all at once. Without any: one stream, from wherever the system likes. */
  readonly localAddresses: readonly string[]
  readonly plan: Plan
  readonly build: string | null
}

export type EndOptions = ServeOptions | ConnectOptions

/** Times are those of `nowMs`. */
export type Message =
  | { readonly kind: 'listening' }
  /** The client begins to connect. */
  | { readonly kind: 'begun'; readonly id: string; readonly atMs: number }
  /** The reader has the first bytes. */
  | { readonly kind: 'started'; readonly id: string; readonly atMs: number }
  /** The reader's log, at its end. */
  | ({ readonly kind: 'arrived'; readonly id: string; readonly side: Side; readonly trouble: string | null } & ArrivalLog)
  /** A link stopped working. */
  | { readonly kind: 'notworking'; readonly id: string; readonly tag: string; readonly reason: string; readonly atMs: number }
  /** Links of one end, at its end. */
  | { readonly kind: 'links'; readonly id: string; readonly side: Side; readonly links: readonly LinkReport[] }
  | { readonly kind: 'failed'; readonly id: string; readonly message: string }

export interface ArrivalLog {
  /** When pieces arrived, ascending. */
  readonly timesMs: readonly number[]
  /** Bytes up to and with each piece. */
  readonly totals: readonly number[]
}

export interface LinkReport {
  readonly tag: string
  readonly bytesSent: number
  readonly hangs: number
  readonly resent: number
  readonly minRoundTripMs: number
}

export function say(message: Message): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}
