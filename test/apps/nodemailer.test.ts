import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import nodemailer from 'nodemailer'
import t from 'tap'
import { connect } from '../../lib/index.ts'
import { bondedService } from './bonded-service.ts'
import { folderFor, freePort, startService } from './service.ts'

t.test('nodemailer with an SMTP server', async t => {
  const folder = await folderFor(t)
  const port = await freePort()
  const args = ['-n', '-l', `127.0.0.1:${port}`, '-c', 'aiosmtpd.handlers.Mailbox', `${folder}/mail`]
  await startService(t, { command: 'aiosmtpd', args, port })

  const { bond, cutOne } = await bondedService(t, port)
  const connection = connect(bond)
  await once(connection, 'connect')
  const transport = nodemailer.createTransport({ connection, ignoreTLS: true } as object)
  const content = Buffer.alloc(2_000_000, 'hawser')
  const sending = transport.sendMail({
    from: 'ship@harbour.example',
    to: 'shore@harbour.example',
    subject: 'over two links',
    text: 'see the rope',
    attachments: [{ filename: 'rope', content }],
  })
  await cutOne()
  t.match(await sending, { accepted: ['shore@harbour.example'] })
  const [name] = await readdir(`${folder}/mail/new`)
  const mail = await readFile(`${folder}/mail/new/${name}`, 'latin1')
  t.match(mail, /Subject: over two links/)
  const attachment = /filename=rope\r?\n(?:.+\r?\n)*\r?\n([A-Za-z0-9+/=\r\n]+)/.exec(mail)?.[1]
  t.ok(Buffer.from(attachment ?? '', 'base64').equals(content), 'the attachment is whole')
  transport.close()
})
