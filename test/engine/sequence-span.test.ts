// Between the oldest message that is not acknowledged and the newest one there are at most 65,536 numbers, 1,024 of
// which data leaves to Consumed and the endings (docs/protocol.md, section 5).

import t from 'tap'
import type { EngineLink } from '../../lib/engine/engine-link.ts'
import { MessageType } from '../../lib/protocol/messages.ts'
import { SingleEngine } from '../simulation/single-engine.ts'

const FOR_DATA = 65_536 - 1_024
/** With less the memory of so many messages is what stops data. */
const SEND_BUFFER = 134_217_728

/** Message 0 stays unacknowledged on `holder`; as many as data may have follow on the other link and are acknowledged. */
function spanOfData(): { single: SingleEngine; holder: EngineLink; other: EngineLink } {
  const single = new SingleEngine({ config: { sendBuffer: SEND_BUFFER, recvBuffer: 1_000 } })
  const holder = single.addWorkingLink()
  single.write(1)
  single.receive(holder, { type: MessageType.SetBlock, blocked: true })
  const other = single.addWorkingLink()
  for (let sequence = 1; sequence < FOR_DATA; sequence++) {
    single.write(1)
    single.receive(other, { type: MessageType.Ack, sequence })
  }
  return { single, holder, other }
}

const newestOn = (single: SingleEngine, link: EngineLink) => single.sequencesOn(link).at(-1)

t.test(
  'data stops 1,024 numbers before the end of the window, Consumed and endings at the end, all go on with the ack',
  async t => {
    const { single, holder, other } = spanOfData()
    t.same(single.sequencesOn(holder), [0])
    t.equal(newestOn(single, other), FOR_DATA - 1)
    t.equal(single.engine.stats(single.nowMs).unconsumedCount, FOR_DATA)
    single.forget()
    single.write(1)
    t.same(single.sequencesOn(other), [], 'no number is left for data')

    // Each is due at once, being more than a tenth of the receive buffer.
    for (let sequence = 0; sequence < 1_024 + 4; sequence++) {
      single.receiveData(other, sequence, 101)
      single.readAll()
    }
    t.equal(single.sentOn(other, MessageType.Consumed).length, 1_024)
    t.equal(newestOn(single, other), 65_535)
    single.do((engine, nowMs) => engine.dropRead(nowMs))
    t.equal(newestOn(single, other), 65_535, 'nor for an ending')

    single.receive(holder, { type: MessageType.Ack, sequence: 0 })
    // Data is paced behind a thousand messages that went out in no time.
    single.advance(10)
    const types = single.sentOn(other).map(({ message }) => message.type)
    for (const type of [MessageType.Data, MessageType.Consumed, MessageType.ReceiveFinish]) t.ok(types.includes(type))
  },
)
