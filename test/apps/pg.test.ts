import { readdirSync } from 'node:fs'
import pg from 'pg'
import t from 'tap'
import { Socket } from '../../lib/index.ts'
import { bondedService } from './bonded-service.ts'
import { folderFor, freePort, run, startService, userNamed } from './service.ts'

t.test('pg with PostgreSQL', async t => {
  const user = await userNamed('postgres')
  const folder = await folderFor(t, user)
  const versions = readdirSync('/usr/lib/postgresql').sort((one, other) => Number(one) - Number(other))
  const bin = `/usr/lib/postgresql/${versions.at(-1)}/bin`
  await run(`${bin}/initdb`, ['-D', `${folder}/data`, '-U', 'test', '-A', 'trust', '--no-sync'], user)
  const port = await freePort()
  const args = ['-D', `${folder}/data`, '-h', '127.0.0.1', '-p', String(port), '-k', folder, '-F']
  await startService(t, { command: `${bin}/postgres`, args, port, user })

  const { bond, cutOne } = await bondedService(t, port)
  const pool = new pg.Pool({ user: 'test', database: 'postgres', stream: () => new Socket(bond), max: 3 })
  await pool.query('CREATE TABLE ropes (id int PRIMARY KEY, name text, data bytea)')
  const insert = (id: number) => pool.query('INSERT INTO ropes VALUES ($1, $2, $3)', [id, `rope ${id}`, Buffer.alloc(20_000, id)])
  await Promise.all(Array.from({ length: 100 }, (_, id) => insert(id)))
  const writing = Promise.all(Array.from({ length: 100 }, (_, id) => insert(100 + id)))
  await cutOne()
  await writing
  const { rows } = await pool.query('SELECT id, name, data FROM ropes ORDER BY id')
  t.equal(rows.length, 200)
  t.ok(rows.every((row, id) => row.id === id && row.name === `rope ${id}` && row.data.equals(Buffer.alloc(20_000, id))))

  const client = await pool.connect()
  await client.query('LISTEN news')
  const news = new Promise<pg.Notification>(resolve => client.once('notification', resolve))
  await pool.query("NOTIFY news, 'over one link'")
  t.equal((await news).payload, 'over one link')
  await t.rejects(client.query('SELECT nonsense'), { code: '42703' })
  client.release()
  await pool.end()
})
