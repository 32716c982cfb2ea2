import type { EventEmitter } from 'node:events'

/** The names of `events` in the order in which `emitter` emits them; `close` and `error` tell their argument as well. */
export function eventLog(emitter: EventEmitter, events: readonly string[]): string[] {
  const log: string[] = []
  for (const event of events) {
    emitter.on(event, (argument: unknown) => {
      if (event === 'close') log.push(`close ${argument}`)
      else if (event === 'error') log.push(`error ${(argument as NodeJS.ErrnoException).code}`)
      else log.push(event)
    })
  }
  return log
}

/** Those of a socket. `data` must not be among them where nobody is to read. */
export const socketEvents = ['connect', 'ready', 'end', 'finish', 'error', 'close'] as const
