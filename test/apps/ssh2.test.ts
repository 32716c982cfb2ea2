import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import ssh2, { type ClientChannel } from 'ssh2'
import t from 'tap'
import { connect } from '../../lib/index.ts'
import { bondedService } from './bonded-service.ts'
import { folderFor, freePort, run, startService } from './service.ts'

t.test('ssh2 with OpenSSH', async t => {
  const folder = await folderFor(t)
  const port = await freePort()
  for (const name of ['host', 'user']) {
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', `${folder}/${name}`])
  }
  await mkdir('/run/sshd', { recursive: true })
  const options = [
    `HostKey=${folder}/host`,
    `AuthorizedKeysFile=${folder}/user.pub`,
    'ListenAddress=127.0.0.1',
    `Port=${port}`,
    'StrictModes=no',
    'UsePAM=no',
    'PermitRootLogin=yes',
    `PidFile=${folder}/pid`,
  ]
  const args = ['-D', '-e', '-f', '/dev/null', ...options.flatMap(option => ['-o', option])]
  await startService(t, { command: '/usr/sbin/sshd', args, port })

  const { bond, cutOne } = await bondedService(t, port)
  const client = new ssh2.Client()
  const username = (await run('id', ['-un'])).trim()
  const ready = new Promise((resolve, reject) => client.once('ready', () => resolve(undefined)).once('error', reject))
  client.connect({ sock: connect(bond), username, privateKey: readFileSync(`${folder}/user`) })
  await ready
  const exec = (command: string) =>
    new Promise<ClientChannel>((resolve, reject) => {
      client.exec(command, (error, channel) => (error ? reject(error) : resolve(channel)))
    })
  t.equal(await text(await exec('echo hello')), 'hello\n')
  const sum = await exec('sha256sum')
  const answer = text(sum)
  const data = Buffer.alloc(3_000_000, 'hawser')
  sum.write(data.subarray(0, 1_000_000))
  await cutOne()
  sum.end(data.subarray(1_000_000))
  t.equal(await answer, `${createHash('sha256').update(data).digest('hex')}  -\n`)
  const closed = once(client, 'close')
  client.end()
  await closed
})
