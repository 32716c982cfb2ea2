import { deepEqual, equal, ok } from 'node:assert/strict'
import fc from 'fast-check'
import { type ConfigInput, defaults, type LinkConfigInput, resolveConfig, resolveLinkConfig } from '../../lib/config.ts'
import { HawserError } from '../../lib/errors.ts'
import { holds } from './holds.ts'

const CODES = ['ERR_OUT_OF_RANGE', 'ERR_INVALID_ARG_TYPE', 'ERR_INVALID_ARG_VALUE']

/** Left out, `undefined`, or one of these. */
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
const size = maybe(fc.integer({ min: 1, max: 2 ** 32 - 1 }))
const duration = maybe(fc.oneof(fc.integer({ min: 1, max: 2 ** 31 - 1 }), fc.double({ min: 0.001, max: 100_000, noNaN: true })))

const validLink = fc
  .record(
    {
      ackTimeoutMin: maybe(fc.integer({ min: 1, max: 1_000 })),
      ackTimeoutFactor: maybe(fc.double({ min: 1, max: 1_000, noNaN: true })),
      ackTimeoutMax: maybe(fc.integer({ min: 1_000, max: 2 ** 31 - 1 })),
      windowInit: size,
      windowLimit: size,
      ping: maybe(
        fc.record(
          { mode: maybe(fc.constantFrom('periodic', 'whenIdle', 'whenTimedOut')), interval: duration },
          { requiredKeys: [] },
        ),
      ),
      pingTimeout: duration,
      maxPing: fc.option(duration),
      testDataLimit: maybe(fc.nat(2 ** 32 - 1)),
      retestInterval: duration,
      nonWorkingTimeout: duration,
    },
    { requiredKeys: [] },
  )
  .map(input => input as LinkConfigInput)

const valid = fc
  .record(
    {
      chunkSize: maybe(fc.integer({ min: 1, max: 8_388_608 })),
      sendBuffer: size,
      recvBuffer: size,
      noLinkTimeout: duration,
      terminationTimeout: duration,
      connectQueue: size,
      disconnectOnServerIdMismatch: maybe(fc.boolean()),
      maxPingSpread: fc.option(maybe(fc.double({ min: 1, max: 1_000, noNaN: true }))),
      statsIntervals: maybe(fc.array(fc.integer({ min: 1, max: 1e9 }), { maxLength: 16 })),
      link: maybe(validLink),
    },
    { requiredKeys: [] },
  )
  .map(input => input as ConfigInput)

/** What is expected of keys: what is given holds, what is not comes from the base. */
function laidOver(base: object, input: object): Record<string, unknown> {
  const result: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(input)) {
    if (value === undefined) continue
    const below = result[key]
    const nests = typeof below === 'object' && below !== null && !Array.isArray(below)
    result[key] = nests ? laidOver(below, value as object) : value
  }
  return result
}

function codeOf(action: () => unknown): string | undefined {
  try {
    action()
  } catch (error) {
    ok(error instanceof HawserError, `${error}`)
    equal(error.reason, 'invalid-argument')
    return error.code
  }
  return undefined
}

holds(
  'what is given holds, what is left out or undefined comes from the base, and the defaults stay as they are',
  fc.property(valid, valid, (input, more) => {
    const before = JSON.stringify(defaults)
    const base = resolveConfig(input)
    deepEqual({ ...base }, laidOver(defaults, input))
    deepEqual({ ...resolveConfig(more, base) }, laidOver(base, more))
    equal(JSON.stringify(defaults), before)
  }),
)

holds(
  'the same for the configuration of one link',
  fc.property(validLink, input => deepEqual({ ...resolveLinkConfig(input) }, laidOver(defaults.link, input))),
)

const place = fc.constantFrom<(inner: object) => ConfigInput>(
  inner => inner,
  inner => ({ link: inner }),
  inner => ({ link: { ping: inner } }),
)
const knownKeys = new Set([...Object.keys(defaults), ...Object.keys(defaults.link), ...Object.keys(defaults.link.ping)])
const special = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype', 'valueOf', '']

holds(
  'an unknown key is refused, whatever its name and wherever it stands, and changes no prototype',
  fc.property(place, fc.oneof(fc.constantFrom(...special), fc.string()), fc.anything(), (place, key, value) => {
    fc.pre(!knownKeys.has(key))
    const inner: object = JSON.parse(`{${JSON.stringify(key)}:1}`) // an own key, also __proto__
    Object.defineProperty(inner, key, { value, enumerable: true })
    equal(
      codeOf(() => resolveConfig(place(inner))),
      'ERR_INVALID_ARG_VALUE',
    )
    equal(({} as Record<string, unknown>).polluted, undefined)
    equal(Object.getPrototypeOf({}), Object.prototype)
  }),
  500,
)

const integerRanges = {
  chunkSize: [1, 8_388_608],
  sendBuffer: [1, 2 ** 32 - 1],
  recvBuffer: [1, 2 ** 32 - 1],
  connectQueue: [1, 2 ** 32 - 1],
} as const

holds(
  'sizes are whole numbers within their range',
  fc.property(
    fc.constantFrom(...(Object.keys(integerRanges) as (keyof typeof integerRanges)[])),
    fc.oneof(
      fc.double(),
      fc.integer(),
      fc.maxSafeInteger(),
      fc.constantFrom(0, 1, -1, 8_388_608, 8_388_609, 2 ** 32 - 1, 2 ** 32),
    ),
    (key, value) => {
      const [least, most] = integerRanges[key]
      const fits = Number.isInteger(value) && value >= least && value <= most
      equal(
        codeOf(() => resolveConfig({ [key]: value })),
        fits ? undefined : 'ERR_OUT_OF_RANGE',
      )
    },
  ),
  500,
)

holds(
  'durations are positive and no longer than a timer can be',
  fc.property(
    fc.constantFrom('noLinkTimeout', 'terminationTimeout'),
    fc.oneof(fc.double(), fc.constantFrom(0, -0, 2 ** 31 - 1, 2 ** 31, Number.MIN_VALUE, Number.NaN, Number.POSITIVE_INFINITY)),
    (key, value) => {
      const fits = value > 0 && value <= 2 ** 31 - 1
      equal(
        codeOf(() => resolveConfig({ [key]: value })),
        fits ? undefined : 'ERR_OUT_OF_RANGE',
      )
    },
  ),
  500,
)

holds(
  'whatever is given is taken or refused with a code, and runs none of its code',
  fc.property(
    fc.constantFrom(...knownKeys),
    place,
    fc.anything({ withBigInt: true, withDate: true, withMap: true }),
    (key, place, value) => {
      const code = codeOf(() => resolveConfig(place({ [key]: value }) as ConfigInput))
      ok(code === undefined || CODES.includes(code))
    },
  ),
  2_000,
)
