import t from 'tap'
import {
  type Config,
  type ConfigInput,
  defaults,
  type LinkConfigInput,
  MAX_DURATION_MS,
  resolveConfig,
  resolveLinkConfig,
} from '../lib/config.ts'
import { HawserError } from '../lib/errors.ts'

/** The error that a wrong configuration gives; anything else thrown goes on. */
function rejection(action: () => unknown): HawserError | undefined {
  try {
    action()
  } catch (error) {
    if (error instanceof HawserError) return error
    throw error
  }
  return undefined
}

/** Configuration as programs without types may give it. */
const resolveAny = (input: unknown): Config => resolveConfig(input as ConfigInput)

t.test('without input everything is at its default, and the defaults cannot be changed', async t => {
  t.same(resolveConfig(), defaults)
  t.same(resolveConfig({}), defaults)
  t.same(resolveConfig({ link: {} }), defaults)
  t.same(resolveConfig({ link: { ping: {} } }), defaults)
  for (const part of [defaults, defaults.link, defaults.link.ping, defaults.statsIntervals]) t.ok(Object.isFrozen(part))
})

t.test('the defaults are accepted as input', async t => {
  t.same(resolveConfig(defaults), defaults)
})

t.test('a key that is given replaces the default, the others stay, at every depth', async t => {
  const config = resolveConfig({ chunkSize: 1_000, link: { pingTimeout: 5, ping: { interval: 7 } } })
  t.same(config, {
    ...defaults,
    chunkSize: 1_000,
    link: { ...defaults.link, pingTimeout: 5, ping: { mode: 'whenIdle', interval: 7 } },
  })
})

t.test('undefined means left out', async t => {
  t.same(resolveAny({ chunkSize: undefined, link: undefined }), defaults)
  t.same(resolveAny({ link: { pingTimeout: undefined, ping: undefined } }), defaults)
  t.same(resolveAny({ link: { ping: { mode: undefined } } }), defaults)
})

t.test('what is left out comes from the base when there is one', async t => {
  const base = resolveConfig({ sendBuffer: 5_000, link: { retestInterval: 9 } })
  const config = resolveConfig({ link: { windowInit: 8 } }, base)
  t.equal(config.sendBuffer, 5_000)
  t.equal(config.link.retestInterval, 9)
  t.equal(config.link.windowInit, 8)
  t.equal(resolveLinkConfig({ windowLimit: 1_000 }, base.link).retestInterval, 9)
})

t.test('the input is neither changed nor kept', async t => {
  const input = { statsIntervals: [1, 2], link: { ping: { interval: 3 } } }
  const copy = structuredClone(input)
  const config = resolveConfig(input)
  t.same(input, copy)
  input.statsIntervals.push(3)
  input.link.ping.interval = 4
  t.same(config.statsIntervals, [1, 2])
  t.equal(config.link.ping.interval, 3)
})

t.test('an unknown key is an error that names it, at every depth', async t => {
  const unknown: [unknown, string][] = [
    [{ chunksize: 1 }, 'config.chunksize'],
    [{ link: { ackTimeout: 1 } }, 'config.link.ackTimeout'],
    [{ link: { ping: { every: 1 } } }, 'config.link.ping.every'],
    [{ toString: 1 }, 'config.toString'],
    [{ constructor: 1 }, 'config.constructor'],
    [{ ping: 1 }, 'config.ping'],
    [{ unknown: undefined }, 'config.unknown'],
    [JSON.parse('{"__proto__":{"chunkSize":1}}'), 'config.__proto__'],
    [JSON.parse('{"link":{"__proto__":{}}}'), 'config.link.__proto__'],
  ]
  for (const [input, name] of unknown) {
    const error = rejection(() => resolveAny(input))
    t.equal(error?.code, 'ERR_INVALID_ARG_VALUE', name)
    t.equal(error?.reason, 'invalid-argument', name)
    t.ok(error?.message.includes(name), `the message names ${name}`)
  }
})

t.test('inherited keys are not configuration', async t => {
  t.same(resolveAny(Object.create({ chunkSize: 1, nonsense: 2 })), defaults)
})

const durations = ['noLinkTimeout', 'terminationTimeout']
const linkDurations = ['ackTimeoutMin', 'ackTimeoutMax', 'pingTimeout', 'maxPing', 'retestInterval', 'nonWorkingTimeout']

/** Name, value, what it must be accepted or rejected as. */
const cases: [key: string, value: unknown, code?: 'ERR_OUT_OF_RANGE' | 'ERR_INVALID_ARG_TYPE' | 'ERR_INVALID_ARG_VALUE'][] = [
  ['chunkSize', 1],
  ['chunkSize', 8_388_608],
  ['chunkSize', 0, 'ERR_OUT_OF_RANGE'],
  ['chunkSize', 8_388_609, 'ERR_OUT_OF_RANGE'],
  ['chunkSize', 1.5, 'ERR_OUT_OF_RANGE'],
  ['chunkSize', -1, 'ERR_OUT_OF_RANGE'],
  ['chunkSize', Number.NaN, 'ERR_OUT_OF_RANGE'],
  ['chunkSize', '65536', 'ERR_INVALID_ARG_TYPE'],
  ['chunkSize', 1n, 'ERR_INVALID_ARG_TYPE'],
  ['chunkSize', null, 'ERR_INVALID_ARG_TYPE'],
  ['chunkSize', Object.create(null), 'ERR_INVALID_ARG_TYPE'],
  ['chunkSize', Symbol('size'), 'ERR_INVALID_ARG_TYPE'],
  ['chunkSize', () => 1, 'ERR_INVALID_ARG_TYPE'],
  ['sendBuffer', 1],
  ['sendBuffer', 2 ** 32 - 1],
  ['sendBuffer', 2 ** 32, 'ERR_OUT_OF_RANGE'],
  ['recvBuffer', 2 ** 32 - 1],
  ['recvBuffer', 0, 'ERR_OUT_OF_RANGE'],
  ['recvBuffer', 2 ** 32, 'ERR_OUT_OF_RANGE'],
  ['connectQueue', 1],
  ['connectQueue', 0, 'ERR_OUT_OF_RANGE'],
  ['disconnectOnServerIdMismatch', false],
  ['disconnectOnServerIdMismatch', 0, 'ERR_INVALID_ARG_TYPE'],
  ['maxPingSpread', null],
  ['maxPingSpread', 1],
  ['maxPingSpread', 0.9, 'ERR_OUT_OF_RANGE'],
  ['maxPingSpread', '5', 'ERR_INVALID_ARG_TYPE'],
  ['statsIntervals', []],
  ['statsIntervals', [0.5, 1_000]],
  ['statsIntervals', [0], 'ERR_OUT_OF_RANGE'],
  ['statsIntervals', ['100'], 'ERR_INVALID_ARG_TYPE'],
  ['statsIntervals', 100, 'ERR_INVALID_ARG_TYPE'],
  ['statsIntervals', { length: 1 }, 'ERR_INVALID_ARG_TYPE'],
  ['statsIntervals', Array.from({ length: 17 }, () => 1), 'ERR_OUT_OF_RANGE'],
  ['link', null, 'ERR_INVALID_ARG_TYPE'],
  ['link', [], 'ERR_INVALID_ARG_TYPE'],
  ['link', 'fast', 'ERR_INVALID_ARG_TYPE'],
  ...durations.flatMap((key): typeof cases => [
    [key, 0.5],
    [key, MAX_DURATION_MS],
    [key, MAX_DURATION_MS + 1, 'ERR_OUT_OF_RANGE'],
    [key, 0, 'ERR_OUT_OF_RANGE'],
    [key, Number.POSITIVE_INFINITY, 'ERR_OUT_OF_RANGE'],
    [key, Number.NaN, 'ERR_OUT_OF_RANGE'],
    [key, '1s', 'ERR_INVALID_ARG_TYPE'],
  ]),
]

const linkCases: typeof cases = [
  ['ackTimeoutFactor', 1],
  ['ackTimeoutFactor', 1_000],
  ['ackTimeoutFactor', 0.99, 'ERR_OUT_OF_RANGE'],
  ['ackTimeoutFactor', Number.POSITIVE_INFINITY, 'ERR_OUT_OF_RANGE'],
  ['windowInit', 1],
  ['windowInit', 0, 'ERR_OUT_OF_RANGE'],
  ['windowLimit', 2 ** 32, 'ERR_OUT_OF_RANGE'],
  ['testDataLimit', 0],
  ['testDataLimit', -1, 'ERR_OUT_OF_RANGE'],
  ['maxPing', null],
  ['ping', null, 'ERR_INVALID_ARG_TYPE'],
  ['ping', 'periodic', 'ERR_INVALID_ARG_TYPE'],
  ['ping', { mode: 'periodic' }],
  ['ping', { mode: 'whenTimedOut', interval: 1 }],
  ['ping', { mode: 'never' }, 'ERR_INVALID_ARG_VALUE'],
  ['ping', { mode: 1 }, 'ERR_INVALID_ARG_VALUE'],
  ['ping', { interval: 0 }, 'ERR_OUT_OF_RANGE'],
  ['ping', { interval: MAX_DURATION_MS + 1 }, 'ERR_OUT_OF_RANGE'],
  ...linkDurations.flatMap((key): typeof cases => [
    [key, key === 'ackTimeoutMax' ? MAX_DURATION_MS : 0.5],
    [key, MAX_DURATION_MS + 1, 'ERR_OUT_OF_RANGE'],
    [key, 0, 'ERR_OUT_OF_RANGE'],
    [key, -1, 'ERR_OUT_OF_RANGE'],
    [key, Number.NaN, 'ERR_OUT_OF_RANGE'],
    [key, true, 'ERR_INVALID_ARG_TYPE'],
  ]),
]

t.test('every key of the configuration is checked', async t => {
  const keys = (config: object, without: string) => Object.keys(config).filter(key => key !== without)
  const covered = new Set([...cases, ...linkCases].map(([key]) => key))
  t.same(
    [...keys(defaults, ''), ...keys(defaults.link, '')].filter(key => !covered.has(key)),
    [],
  )
})

for (const [path, list] of [
  ['config', cases],
  ['config.link', linkCases],
] as const) {
  t.test(`${path}: values in range are taken, others are errors of the right code that name the key`, async t => {
    for (const [key, value, code] of list) {
      const resolve = () => resolveAny(path === 'config' ? { [key]: value } : { link: { [key]: value } })
      const text = `${path}.${key} = ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`
      const error = rejection(resolve)
      t.equal(error?.code, code, text)
      if (error) t.ok(error.message.includes(`${path}.${key}`), error.message)
      else if (key !== 'ping')
        t.same(((path === 'config' ? resolve() : resolve().link) as unknown as Record<string, unknown>)[key], value, text)
    }
  })
}

t.test('what is no object is no configuration', async t => {
  for (const input of [null, [], 1, 'fast', true]) {
    t.equal(rejection(() => resolveAny(input))?.code, 'ERR_INVALID_ARG_TYPE', String(input))
    t.equal(rejection(() => resolveLinkConfig(input as unknown as LinkConfigInput))?.code, 'ERR_INVALID_ARG_TYPE', String(input))
  }
})

t.test('the shortest ack timeout may not exceed the longest, wherever the two come from', async t => {
  t.equal(rejection(() => resolveConfig({ link: { ackTimeoutMin: 10, ackTimeoutMax: 9 } }))?.code, 'ERR_OUT_OF_RANGE')
  t.equal(rejection(() => resolveLinkConfig({ ackTimeoutMax: defaults.link.ackTimeoutMin - 1 }))?.code, 'ERR_OUT_OF_RANGE')
  t.equal(resolveConfig({ link: { ackTimeoutMin: 9, ackTimeoutMax: 9 } }).link.ackTimeoutMin, 9)
})

t.test('a long wrong value is cut in the message', async t => {
  const error = rejection(() => resolveAny({ chunkSize: 'x'.repeat(1_000_000) }))
  t.ok(error && error.message.length < 200)
})
