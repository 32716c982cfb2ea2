// Sending and receiving test data over a socket of hawser, or any other Duplex.

import type { Duplex } from 'node:stream'
import { type Digest, Digester, Pattern } from './pattern.ts'

const WRITE_BYTES = 65_536

/** Writes the pattern of `seed`, as fast as the socket takes it; resolves once it took all. */
export async function send(socket: Duplex, bytes: number, seed: number): Promise<void> {
  const pattern = new Pattern(seed)
  for (let sent = 0; sent < bytes; sent += WRITE_BYTES) await write(socket, pattern.take(Math.min(WRITE_BYTES, bytes - sent)))
}

/** Resolves once the socket took the chunk, rejects when it never will. */
export function write(socket: Duplex, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    if (socket.write(chunk, error => (error ? reject(error) : resolve()))) resolve()
  })
}

/** Reads exactly so many bytes. */
export async function receive(socket: Duplex, bytes: number): Promise<Digest> {
  const digester = new Digester()
  while (digester.digest.received < bytes) {
    const chunk = await take(socket, bytes - digester.digest.received)
    if (chunk === undefined) throw new Error(`ended after ${digester.digest.received} of ${bytes} bytes`)
    digester.update(chunk)
  }
  return digester.digest
}

/** Reads until the other side ends its direction. */
export async function receiveAll(socket: Duplex): Promise<Digest> {
  const digester = new Digester()
  for (let chunk = await take(socket); chunk !== undefined; chunk = await take(socket)) digester.update(chunk)
  return digester.digest
}

/** What is there, at most `most` bytes; waits for the first; `undefined` at the end. */
export async function take(socket: Duplex, most = Number.POSITIVE_INFINITY): Promise<Buffer | undefined> {
  for (;;) {
    const there = socket.readableLength
    const chunk: Buffer | null = there > most ? socket.read(most) : socket.read()
    if (chunk !== null) return chunk
    if (socket.readableEnded) return undefined
    if (socket.destroyed) throw socket.errored ?? new Error('the socket was closed before its end')
    await change(socket)
  }
}

const CHANGES = ['readable', 'end', 'error', 'close'] as const

function change(socket: Duplex): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      for (const event of CHANGES) socket.off(event, done)
      resolve()
    }
    for (const event of CHANGES) socket.on(event, done)
  })
}
