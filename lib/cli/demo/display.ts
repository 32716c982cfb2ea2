// Where the demo shows how it goes: a table that is drawn anew in a terminal, plain lines everywhere else.

import { formatLine, formatTable, type Snapshot } from './table.ts'

export interface Display {
  /** Time between two snapshots, in ms. */
  readonly interval: number
  show(snapshot: Snapshot): void
  /** Tells something that stays on the screen. */
  tell(text: string): void
  /** The last table stays on the screen; what follows comes below. */
  done(): void
}

/** `process.stdout`, or anything else that takes text. */
export type Output = NodeJS.WritableStream & { readonly isTTY?: boolean }

export async function createDisplay(output: Output): Promise<Display> {
  const table = output.isTTY ? await tableDisplay(output) : undefined
  return table ?? lineDisplay(output)
}

/** What is used of log-update. It is an optional dependency, so the build must not need its types. */
interface LogUpdate {
  createLogUpdate(output: NodeJS.WritableStream): { (text: string): void; persist(text: string): void; done(): void }
}
const LOG_UPDATE: string = 'log-update'

async function tableDisplay(output: Output): Promise<Display | undefined> {
  const logUpdate: LogUpdate | undefined = await import(LOG_UPDATE).catch(() => undefined)
  if (!logUpdate) return undefined
  const update = logUpdate.createLogUpdate(output)
  return {
    interval: 250,
    show: snapshot => update(formatTable(snapshot).join('\n')),
    tell: text => update.persist(text),
    done: () => update.done(),
  }
}

function lineDisplay(output: NodeJS.WritableStream): Display {
  return {
    interval: 1_000,
    show: snapshot => output.write(`${formatLine(snapshot)}\n`),
    tell: text => output.write(`${text}\n`),
    done: () => {},
  }
}
