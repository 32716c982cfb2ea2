import { Duplex } from 'node:stream'
import t from 'tap'
import { LinkSettings } from '../lib/link-settings.ts'

type Setting = [name: string, ...values: unknown[]]

/** A stream that takes the settings of a TCP socket, but for those that `refused` names. */
function recorder(refused: readonly string[] = []): { stream: Duplex; settings: Setting[] } {
  const settings: Setting[] = []
  const setter =
    (name: string) =>
    (...values: unknown[]) => {
      settings.push([name, ...values])
      if (refused.includes(name)) throw new Error('the system does not want that')
    }
  const names = ['setNoDelay', 'setKeepAlive', 'setTypeOfService']
  const stream = Object.assign(new Duplex(), Object.fromEntries(names.map(name => [name, setter(name)])))
  return { stream, settings }
}

t.test('a link gets what was set, and nothing else', async t => {
  const settings = new LinkSettings()
  const before = recorder()
  settings.apply(before.stream)
  t.same(before.settings, [])
  settings.setNoDelay(false)
  settings.setKeepAlive({ enable: true, initialDelay: 5_000 })
  settings.setTypeOfService(0x10)
  const after = recorder()
  settings.apply(after.stream)
  t.same(after.settings, [
    ['setNoDelay', false],
    ['setKeepAlive', true, 5_000],
    ['setTypeOfService', 0x10],
  ])
})

t.test('interval and count of keep-alive reach a link as single arguments, which every Node takes', async t => {
  const settings = new LinkSettings()
  const { stream, settings: seen } = recorder()
  settings.setKeepAlive({ enable: true, initialDelay: 5_000, interval: 2_000, count: 3 })
  settings.apply(stream)
  settings.setKeepAlive({ enable: true, count: 3 })
  settings.apply(stream)
  settings.setKeepAlive({})
  settings.apply(stream)
  t.same(seen, [
    ['setKeepAlive', true, 5_000, 2_000, 3],
    ['setKeepAlive', true, 0, undefined, 3],
    ['setKeepAlive', false, 0],
  ])
})

t.test('a negative delay is none, as for net.Socket', async t => {
  const settings = new LinkSettings()
  const { stream, settings: seen } = recorder()
  settings.setKeepAlive({ enable: true, initialDelay: -1 })
  settings.apply(stream)
  t.same(seen, [['setKeepAlive', true, 0]])
})

t.test('what the system refuses does not keep the other settings from a link', async t => {
  const settings = new LinkSettings()
  settings.setNoDelay(true)
  settings.setKeepAlive({ enable: true })
  settings.setTypeOfService(1)
  const { stream, settings: seen } = recorder(['setNoDelay', 'setKeepAlive', 'setTypeOfService'])
  settings.apply(stream)
  t.equal(seen.length, 3)
})

t.test('a stream that knows no settings is left alone', async t => {
  const settings = new LinkSettings()
  settings.setNoDelay(true)
  settings.setTypeOfService(1)
  t.doesNotThrow(() => settings.apply(new Duplex()))
})
