// Which faults must have met a link, or a connection, in which state, so that a run of very many worlds counts as complete.

import { HANDSHAKE_BYTES } from './draw-faults.ts'
import type { LinkState } from './plan.ts'

/** Worlds after which nothing possible may be missing. */
export const COMPLETE_AFTER = 100_000

const ALIVE = ['new', 'working', 'suspect', 'ack-timeout', 'blocked', 'leaving'] as const
const CARRYING = ['handshake', ...ALIVE] as const
const ANY = [...CARRYING, 'closing'] as const
const CONNECTION = ['opening', 'open', 'half-open', 'closing'] as const

/** Of faults of a path. What acts on bytes counts when the first ones meet it; a link that closes has few. */
const LINK_FAULTS: Readonly<Record<string, readonly LinkState[]>> = {
  reset: ['no-link', ...ANY],
  'clean-end': ['no-link', ...ANY],
  'half-close': ['no-link', ...ANY],
  flap: ['no-link', ...ANY],
  blackhole: CARRYING,
  pause: CARRYING,
  swallow: CARRYING,
  stall: CARRYING,
  'withhold-drain': CARRYING,
  trickle: CARRYING,
  'delay-step': CARRYING,
  'jitter-burst': CARRYING,
  'shrink-buffer': CARRYING,
  'flip-bit': CARRYING,
  drop: CARRYING,
  double: CARRYING,
  'cut-handshake': ['handshake'],
  refuse: ['no-link'],
  'rogue-server': ['no-link'],
  'add-link': ['no-link', ...CARRYING],
  're-add-link': CARRYING,
  'disconnect-link': ALIVE,
  'block-link': ALIVE,
  'unblock-link': ALIVE,
  'configure-link': ALIVE,
  'set-policy': ['working'],
}

/** Of everything else. */
const OTHER_FAULTS: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(
    ['end', 'destroy', 'terminate', 'stop'].flatMap(action =>
      ['client', 'server', 'both'].map(side => [`${action} ${side}`, CONNECTION]),
    ),
  ),
  'block-loop': CONNECTION,
  sleep: CONNECTION,
  'late-timers': CONNECTION,
  'restart-server': CONNECTION,
  'set-schedule': ['open'],
  'reset all': CONNECTION,
  'pause all': CONNECTION,
  'disconnect-link all': CONNECTION,
  'block-link all': CONNECTION,
  filter: ['slow', 'throws', 'refuses'],
  'second-buffer': ['less', 'more'],
  recovery: ['working', 'blocked'],
  'beside-hostile': ['undisturbed'],
  scheduler: ['random', 'idle', 'throws', 'foreign'],
  'cut-handshake up': Array.from({ length: HANDSHAKE_BYTES.up }, (_, bytes) => String(bytes)),
  'cut-handshake down': Array.from({ length: HANDSHAKE_BYTES.down }, (_, bytes) => String(bytes)),
}

/** What a complete run has seen; keys as `Outcome.faults` has them. */
export function possibleFaults(): string[] {
  return Object.entries({ ...LINK_FAULTS, ...OTHER_FAULTS }).flatMap(([kind, states]) => states.map(state => `${kind} ${state}`))
}

/** Those that already some hundred worlds must have seen: every fault on links that work, and in the handshake if it can be there. */
export function mainFaults(): string[] {
  const links = Object.entries(LINK_FAULTS).flatMap(([kind, states]) =>
    states.length === 1 || kind === 'configure-link'
      ? [`${kind} ${states[0] === 'new' ? 'working' : states[0]}`]
      : states.filter(state => state === 'working' || state === 'new').map(state => `${kind} ${state}`),
  )
  const others = Object.entries(OTHER_FAULTS).flatMap(([kind, states]) => {
    if (kind.startsWith('cut-handshake')) return []
    return states.includes('open') ? [`${kind} open`] : states.map(state => `${kind} ${state}`)
  })
  return [...links, ...others]
}

/** The counters as lines, a fault with all its states in each. */
export function tableOf(counts: ReadonlyMap<string, number>): string[] {
  return Object.entries({ ...LINK_FAULTS, ...OTHER_FAULTS }).map(([kind, states]) => {
    const numbers = states.map(state => counts.get(`${kind} ${state}`) ?? 0)
    if (states.length > 12) return `${kind}: ${Math.min(...numbers)} to ${Math.max(...numbers)} at each of ${states.length} bytes`
    return `${kind}: ${states.map((state, index) => `${state} ${numbers[index]}`).join(', ')}`
  })
}
