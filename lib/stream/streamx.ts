// A Duplex as a `streamx` one.

import * as streamx from 'streamx'
import type { Duplex } from '#platform/stream'

/** `stream` for code that asks for `streamx`. Backpressure, ends and errors pass through; destroying one destroys both. */
export function toStreamx(stream: Duplex): streamx.Duplex {
  let written: ((error: Error | null) => void) | undefined
  const settle = (error: Error | null) => {
    const callback = written
    written = undefined
    callback?.(error)
  }
  const adapter: streamx.Duplex = new streamx.Duplex({
    read(callback) {
      stream.resume()
      callback(null)
    },
    write(chunk: Uint8Array, callback) {
      if (stream.write(chunk)) callback(null)
      else written = callback
    },
    final(callback) {
      stream.end(() => callback(null))
    },
    destroy(callback) {
      stream.destroy()
      settle(null)
      callback(null)
    },
  })
  stream.pause()
  stream.on('data', (chunk: Uint8Array) => {
    if (!adapter.push(chunk)) stream.pause()
  })
  stream.on('end', () => adapter.push(null))
  stream.on('drain', () => settle(null))
  stream.on('error', error => adapter.destroy(error))
  stream.on('close', () => {
    if (!stream.readableEnded || !stream.writableFinished) adapter.destroy()
  })
  return adapter
}
