// Both clients of Redis: `ioredis` takes a connector, `redis` only an address, which a local forward gives it.

import { Redis } from 'ioredis'
import { createClient } from 'redis'
import t, { type Test } from 'tap'
import { connect, type Socket } from '../../lib/index.ts'
import { type BondedService, bondedService, localForward } from './bonded-service.ts'
import { folderFor, freePort, startService } from './service.ts'

async function service(t: Test): Promise<BondedService> {
  const port = await freePort()
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', await folderFor(t)]
  await startService(t, { command: 'redis-server', args, port })
  return bondedService(t, port)
}

t.test('ioredis with Redis', async t => {
  const { bond, cutOne } = await service(t)
  class Connector {
    socket: Socket | undefined
    connect(): Promise<Socket> {
      this.socket = connect(bond)
      return Promise.resolve(this.socket)
    }
    disconnect(): void {
      this.socket?.end()
    }
    check(): boolean {
      return true
    }
  }
  const redis = new Redis({ Connector: Connector as never })
  const value = (index: number) => `${index} `.repeat(2_000)
  const setting = Array.from({ length: 200 }, (_, index) => redis.set(`key ${index}`, value(index)))
  await setting[0]
  await cutOne()
  await Promise.all(setting)
  const values = await redis.mget(Array.from({ length: 200 }, (_, index) => `key ${index}`))
  t.ok(values.every((found, index) => found === value(index)))
  const subscriber = redis.duplicate()
  await subscriber.subscribe('news')
  const message = new Promise(resolve => subscriber.on('message', (channel, text) => resolve(`${channel}: ${text}`)))
  await redis.publish('news', 'hello')
  t.equal(await message, 'news: hello')
  await Promise.all([redis.quit(), subscriber.quit()])
})

t.test('redis with Redis, over a local forward', async t => {
  const bonded = await service(t)
  const client = createClient({ socket: { port: await localForward(t, bonded), host: '127.0.0.1' } })
  await client.connect()
  const value = (index: number) => `${index} `.repeat(2_000)
  const setting = Array.from({ length: 200 }, (_, index) => client.set(`key ${index}`, value(index)))
  await setting[0]
  await bonded.cutOne()
  await Promise.all(setting)
  for (let index = 0; index < 200; index++) t.equal(await client.get(`key ${index}`), value(index))
  await client.close()
})
