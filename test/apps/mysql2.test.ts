import mysql from 'mysql2/promise'
import t from 'tap'
import { connect } from '../../lib/index.ts'
import { bondedService } from './bonded-service.ts'
import { folderFor, freePort, run, startService, userNamed } from './service.ts'

t.test('mysql2 with MariaDB', async t => {
  const user = await userNamed('mysql')
  const folder = await folderFor(t, user)
  const port = await freePort()
  const place = [`--datadir=${folder}/data`, '--no-defaults']
  await run('mariadb-install-db', ['--no-defaults', `--datadir=${folder}/data`, '--auth-root-authentication-method=normal'], user)
  const network = [`--port=${port}`, '--bind-address=127.0.0.1', `--socket=${folder}/socket`, `--pid-file=${folder}/pid`]
  await startService(t, {
    command: 'mariadbd',
    args: [...place.reverse(), ...network, '--innodb-flush-method=nosync'],
    port,
    user,
  })

  const { bond, cutOne } = await bondedService(t, port)
  const pool = mysql.createPool({ user: 'root', stream: () => connect(bond), connectionLimit: 3 })
  await pool.query('CREATE DATABASE harbour')
  await pool.query('CREATE TABLE harbour.ropes (id int PRIMARY KEY, name text, data blob)')
  const insert = (id: number) =>
    pool.execute('INSERT INTO harbour.ropes VALUES (?, ?, ?)', [id, `rope ${id}`, Buffer.alloc(20_000, id)])
  await Promise.all(Array.from({ length: 50 }, (_, id) => insert(id)))
  const writing = Promise.all(Array.from({ length: 50 }, (_, id) => insert(50 + id)))
  await cutOne()
  await writing
  const [rows] = await pool.query<(mysql.RowDataPacket & { id: number; name: string; data: Buffer })[]>(
    'SELECT id, name, data FROM harbour.ropes ORDER BY id',
  )
  t.equal(rows.length, 100)
  t.ok(rows.every((row, id) => row.id === id && row.name === `rope ${id}` && row.data.equals(Buffer.alloc(20_000, id))))
  await t.rejects(pool.query('SELECT nonsense'), { code: 'ER_BAD_FIELD_ERROR' })
  await pool.end()
})
