// What users say about which links are used for what: the options `schedule` and `linkPolicy`, and the properties of links
// and sockets that go with them.

import { DEFAULT_POLICY, type LinkPolicy, type LinkRole, ROLES } from './engine/link-policy.ts'
import { SCHEDULE_NAMES, type Schedule } from './engine/schedulers/schedule.ts'
import { HawserError } from './errors.ts'
import type { LinkTag } from './transports/transport.ts'

/** What a link is used for; what is left out has its default. */
export type LinkPolicyInput = { readonly [Name in keyof LinkPolicy]?: LinkPolicy[Name] | undefined }

/**
 * Says what a link is used for, from its tag; asked for each link before the link filters, again when it is dialed anew. What
 * it throws, and a wrong answer, keep the link out: event `linkerror`.
 */
export type LinkPolicyOption = (tag: LinkTag) => LinkPolicyInput | undefined

/** Options of sockets and servers. */
export interface PolicyOptions {
  /**
   * Which links messages are given to: `'aggregate'` (all links, most bandwidth), `'interactive'` (lowest latency),
   * `'handover'` (best link only, the others stand by), `'redundant'` (every message over all links), or a `Scheduler` of
   * your own. It is about what this side sends; `'handover'` also keeps the peer to the one link.
   *
   * @defaultValue 'aggregate'
   */
  schedule?: Schedule | undefined
  /** Role, weight, rate limit and byte budget of each link. */
  linkPolicy?: LinkPolicyOption | undefined
}

const CHECKS: { readonly [Name in keyof LinkPolicy]: (value: unknown, name: string) => void } = {
  role: (value, name) => {
    if (typeof value !== 'string') throw wrongType(name, 'a string', value)
    if (ROLES.includes(value as LinkRole)) return
    throw invalid(`${name} must be ${listed(ROLES)}, not ${JSON.stringify(value.slice(0, 64))}`)
  },
  weight: (value, name) => {
    if (typeof value !== 'number') throw wrongType(name, 'a number', value)
    if (!(value > 0 && value < Number.POSITIVE_INFINITY)) throw outOfRange(name, 'a finite number more than 0', value)
  },
  rateLimit: (value, name) => {
    if (value === null) return
    if (typeof value !== 'number') throw wrongType(name, 'a number or null', value)
    if (!(value >= 1 && value < Number.POSITIVE_INFINITY)) throw outOfRange(name, 'a finite number of at least 1', value)
  },
  byteBudget: (value, name) => {
    if (value === null) return
    if (typeof value !== 'number') throw wrongType(name, 'a number or null', value)
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) throw outOfRange(name, 'a finite number of at least 0', value)
  },
}

/**
 * Lays `input` over `base`.
 *
 * @throws {HawserError} `ERR_INVALID_ARG_TYPE`, `ERR_OUT_OF_RANGE`, or `ERR_INVALID_ARG_VALUE` for a role or a key that does
 * not exist; the message names the key
 */
export function resolveLinkPolicy(input: LinkPolicyInput, base: LinkPolicy = DEFAULT_POLICY, prefix = ''): LinkPolicy {
  const given = Object.entries(input).filter(([, value]) => value !== undefined)
  for (const [key, value] of given) {
    if (!Object.hasOwn(CHECKS, key)) throw invalid(`unknown key ${prefix}${key} of a link policy`)
    CHECKS[key as keyof LinkPolicy](value, `${prefix}${key}`)
  }
  return { ...base, ...Object.fromEntries(given) }
}

/** What the option says about a link. @throws what `resolveLinkPolicy` and the application throw */
export function policyFor(tag: LinkTag, option: LinkPolicyOption | undefined): LinkPolicy {
  if (!option) return DEFAULT_POLICY
  const input: unknown = option(tag)
  if (input === undefined || input === null) return DEFAULT_POLICY
  if (typeof input !== 'object' || Array.isArray(input)) throw wrongType('linkPolicy', 'a function that returns an object', input)
  return resolveLinkPolicy(input, DEFAULT_POLICY, 'linkPolicy.')
}

/** @throws {HawserError} `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`, `ERR_OUT_OF_RANGE` */
export function checkSchedule(schedule: unknown): void {
  if (typeof schedule === 'string') {
    if (SCHEDULE_NAMES.includes(schedule as (typeof SCHEDULE_NAMES)[number])) return
    throw invalid(`schedule must be ${listed(SCHEDULE_NAMES)} or a Scheduler, not ${JSON.stringify(schedule.slice(0, 64))}`)
  }
  const { choose, linksPerMessage } = (schedule ?? {}) as { choose?: unknown; linksPerMessage?: unknown }
  if (typeof choose !== 'function') throw wrongType('schedule', 'a name or a Scheduler, which has "choose"', schedule)
  if (linksPerMessage === undefined || linksPerMessage === Number.POSITIVE_INFINITY) return
  if (typeof linksPerMessage !== 'number') throw wrongType('schedule.linksPerMessage', 'a number', linksPerMessage)
  if (Number.isInteger(linksPerMessage) && linksPerMessage >= 1) return
  throw outOfRange('schedule.linksPerMessage', 'an integer of at least 1, or Infinity', linksPerMessage)
}

function listed(names: readonly string[]): string {
  return names.map(name => `'${name}'`).join(', ')
}

function invalid(text: string): HawserError {
  return new HawserError('ERR_INVALID_ARG_VALUE', 'invalid-argument', text)
}

function outOfRange(name: string, wanted: string, value: number): HawserError {
  return new HawserError('ERR_OUT_OF_RANGE', 'invalid-argument', `${name} must be ${wanted}, not ${value}`)
}

function wrongType(name: string, wanted: string, value: unknown): HawserError {
  const received = value === null ? 'null' : `type ${typeof value}`
  return new HawserError('ERR_INVALID_ARG_TYPE', 'invalid-argument', `${name} must be ${wanted}. Received ${received}`)
}
