// Pings beside a transfer: `echo.js serve PORT` answers datagrams; `echo.js ping LOCAL HOST PORT` sends one every 50 ms
// until its input ends, then prints `[[time sent, round trip or null], ...]`, in milliseconds.

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { nowMs } from './clock.ts'

const PERIOD_MS = 50
const LAST_ANSWER_MS = 1_000

const [role, ...rest] = process.argv.slice(2)
if (role === 'serve') await serve(Number(rest[0]))
else await ping(rest[0] ?? '', rest[1] ?? '', Number(rest[2]))

async function serve(port: number): Promise<void> {
  const socket = createSocket('udp4', (message, from) => socket.send(message, from.port, from.address))
  socket.bind(port)
  await once(socket, 'listening')
  console.log('listening')
}

async function ping(localAddress: string, host: string, port: number): Promise<void> {
  const socket = createSocket('udp4')
  socket.bind(0, localAddress)
  await once(socket, 'listening')
  const sentMs: number[] = []
  const roundTripsMs: (number | null)[] = []
  socket.on('message', message => {
    const number = message.readUInt32BE()
    roundTripsMs[number] = nowMs() - (sentMs[number] ?? Number.NaN)
  })
  const timer = setInterval(() => {
    const message = Buffer.alloc(64)
    message.writeUInt32BE(sentMs.length)
    sentMs.push(nowMs())
    roundTripsMs.push(null)
    socket.send(message, port, host)
  }, PERIOD_MS)
  console.log('listening')
  process.stdin.resume()
  await once(process.stdin, 'end')
  clearInterval(timer)
  await sleep(LAST_ANSWER_MS)
  console.log(JSON.stringify(sentMs.map((atMs, number) => [atMs, roundTripsMs[number]])))
  socket.close()
}
