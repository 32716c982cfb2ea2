// What drivers use of an engine, so that others than the library's can take its place.

import type { Connection, ConnectionOptions } from '../../../lib/engine/connection.ts'

/** The public members of the library's engine. */
export type Engine = { [Member in keyof Connection]: Connection[Member] }

export type CreateEngine = (options: ConnectionOptions, nowMs: number) => Engine
