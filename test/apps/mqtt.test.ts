import { writeFile } from 'node:fs/promises'
import { MqttClient } from 'mqtt'
import t from 'tap'
import { connect } from '../../lib/index.ts'
import { bondedService } from './bonded-service.ts'
import { folderFor, freePort, startService } from './service.ts'

t.test('mqtt with Mosquitto', async t => {
  const folder = await folderFor(t)
  const port = await freePort()
  await writeFile(`${folder}/mosquitto.conf`, `listener ${port} 127.0.0.1\nallow_anonymous true\npersistence false\nuser root\n`)
  await startService(t, { command: 'mosquitto', args: ['-c', `${folder}/mosquitto.conf`], port })

  const { bond, cutOne } = await bondedService(t, port)
  const client = new MqttClient(() => connect(bond), { reconnectPeriod: 0 })
  await new Promise(resolve => client.once('connect', resolve))
  await client.subscribeAsync('ropes/#', { qos: 1 })
  const received: string[] = []
  const all = new Promise<void>(resolve => {
    client.on('message', (topic, payload) => {
      received.push(`${topic} ${payload.length}`)
      if (received.length === 100) resolve()
    })
  })
  const publishing = Array.from({ length: 100 }, (_, index) =>
    client.publishAsync(`ropes/${index}`, Buffer.alloc(1_000 + index, 'r'), { qos: 1 }),
  )
  await publishing[0]
  await cutOne()
  await Promise.all(publishing)
  await all
  t.same(
    received,
    Array.from({ length: 100 }, (_, index) => `ropes/${index} ${1_000 + index}`),
  )
  await client.endAsync()
})
