// What a hostile peer sends: messages that parse and break a rule, or keep all rules and cost much. The numbers are those
// of the attacks in the threat model of the project's design; docs/protocol.md has the rules.

import { type LinkMessage, MessageType } from '../../../lib/protocol/messages.ts'
import type { Random } from '../random.ts'

/** What an attack knows and changes. */
export interface Scene {
  readonly random: Random
  /** Next number that was not used; attacks that use some move it on. */
  sequence: number
  /** Bytes that the victim still takes, as far as rules go. */
  creditBytes: number
  /** Receive buffer of the victim. */
  readonly recvBuffer: number
  /** Data bytes that came from the victim and that no Consumed was sent for. */
  unconsumedBytes: number
  /** Newest number that the victim sent, as far as known. */
  readonly newest: number
  /** Numbers that the victim sent on this link and that were not acked; on others. */
  readonly owed: readonly number[]
  readonly owedElsewhere: readonly number[]
}

export interface Attack {
  readonly name: string
  /** What it must cost the peer; without it the victim may bear it. */
  readonly costs?: 'link' | 'connection'
  readonly messages: (scene: Scene) => LinkMessage[]
}

/** Most messages of one attack. */
const MANY = 400

const take = (scene: Scene): number => {
  const { sequence } = scene
  scene.sequence = (sequence + 1) >>> 0
  return sequence
}

const data = (sequence: number, bytes: number): LinkMessage => ({
  type: MessageType.Data,
  sequence,
  payload: bytes > 0 ? [new Uint8Array(bytes)] : [],
  bytes,
})

/** Data that the victim must take, if there is room for it. */
const lawful = (scene: Scene, wanted: number): LinkMessage[] => {
  const bytes = Math.min(wanted, scene.creditBytes, payloadLimit(scene.recvBuffer))
  if (bytes === 0) return []
  scene.creditBytes -= bytes
  return [data(take(scene), bytes)]
}

const payloadLimit = (recvBuffer: number): number => Math.max(Math.floor(recvBuffer / 2), 2) - 1

const times = (count: number, make: (index: number) => LinkMessage): LinkMessage[] =>
  Array.from({ length: count }, (_, i) => make(i))

const ending = (type: 10 | 11 | 12, sequence: number): LinkMessage => ({ type, sequence })

const hello = {
  extensions: 0xffffffff,
  publicKey: new Uint8Array(32),
  serverId: new Uint8Array(16).fill(1),
  userData: new Uint8Array(3),
  recvBuffer: 1,
}

export const attacks: readonly Attack[] = [
  { name: 'lawful data', messages: scene => lawful(scene, scene.random.logBetween(1, 4_096)) },
  {
    name: 'A16 numbers far ahead, now and then',
    messages: ({ random, sequence }) =>
      times(random.between(1, 5), () => data((sequence + random.between(131_072, 2 ** 30)) >>> 0, 9)),
  },
  {
    name: 'A16 numbers far ahead, without end',
    costs: 'connection',
    messages: ({ sequence }) => times(1_001, index => data((sequence + 200_000 + index) >>> 0, 9)),
  },
  {
    name: 'A17 numbers of long ago',
    messages: ({ random, sequence }) =>
      times(random.between(1, 50), () => data((sequence - random.between(1, 2 ** 30)) >>> 0, 9)),
  },
  { name: 'A19 empty data', messages: scene => times(MANY, () => data(take(scene), 0)) },
  {
    name: 'A20 single bytes between padding',
    messages: scene =>
      Array.from(
        { length: 50 },
        () => [...lawful(scene, 1), { type: MessageType.TestData, bytes: 4_096 }] as LinkMessage[],
      ).flat(),
  },
  {
    name: 'A21 every second message is missing',
    messages: scene =>
      Array.from({ length: MANY }, () => {
        take(scene)
        return lawful(scene, 1)
      }).flat(),
  },
  {
    name: 'A22 more than the receive buffer',
    costs: 'connection',
    messages: scene => {
      const bytes = payloadLimit(scene.recvBuffer)
      // All behind a gap, so that nobody can take any of it.
      take(scene)
      return times(Math.floor(scene.recvBuffer / bytes) + 1, () => data(take(scene), bytes))
    },
  },
  {
    name: 'A22 a payload above the limit',
    costs: 'connection',
    messages: scene => [data(take(scene), payloadLimit(scene.recvBuffer) + 1)],
  },
  {
    name: 'A23 another length for the same number',
    costs: 'connection',
    messages: scene => {
      take(scene)
      const sequence = take(scene)
      return [data(sequence, 0), data(sequence, 1)]
    },
  },
  {
    name: 'A24 data behind the end',
    costs: 'connection',
    messages: scene => {
      take(scene)
      return [ending(MessageType.SendFinish, take(scene)), data(take(scene), 1)]
    },
  },
  {
    name: 'A24 two ends',
    costs: 'connection',
    messages: scene => {
      take(scene)
      return times(2, () => ending(MessageType.SendFinish, take(scene)))
    },
  },
  {
    name: 'A25 more consumed than was sent',
    costs: 'connection',
    messages: scene => [{ type: MessageType.Consumed, sequence: take(scene), bytes: 0xffffffff }],
  },
  {
    name: 'A25 nothing consumed, again and again',
    messages: scene => times(MANY, () => ({ type: MessageType.Consumed, sequence: take(scene), bytes: 0 })),
  },
  {
    name: 'lawful Consumed',
    messages: scene => {
      const bytes = scene.unconsumedBytes
      scene.unconsumedBytes = 0
      return bytes > 0 ? [{ type: MessageType.Consumed, sequence: take(scene), bytes }] : []
    },
  },
  {
    name: 'A26 an ack of what was never sent',
    costs: 'link',
    messages: ({ newest, random }) => [{ type: MessageType.Ack, sequence: (newest + random.between(100_000, 2 ** 30)) >>> 0 }],
  },
  { name: 'A26 acks of another link', messages: ({ owedElsewhere }) => owedElsewhere.slice(0, MANY).map(ack) },
  { name: 'A26 an ack twice', messages: ({ owed }) => owed.slice(0, 1).flatMap(sequence => [ack(sequence), ack(sequence)]) },
  { name: 'A26 acks in reverse order', messages: ({ owed }) => owed.slice(0, 64).reverse().map(ack) },
  { name: 'A29 a flood of pings', messages: () => times(MANY, () => ({ type: MessageType.Ping })) },
  { name: 'A29 pongs that nobody asked for', messages: () => times(MANY, () => ({ type: MessageType.Pong })) },
  {
    name: 'A30 blocking and unblocking',
    messages: () => times(MANY, index => ({ type: MessageType.SetBlock, blocked: index % 2 === 0 })),
  },
  { name: 'A28 blocking for ever', messages: () => [{ type: MessageType.SetBlock, blocked: true }] },
  {
    name: 'A31 Goodbye twice',
    costs: 'link',
    messages: () => times(2, () => ({ type: MessageType.Goodbye })),
  },
  {
    name: 'A31 data behind Goodbye',
    costs: 'link',
    messages: scene => [{ type: MessageType.Goodbye }, data(take(scene), 1)],
  },
  { name: 'A32 Terminate', costs: 'connection', messages: () => [{ type: MessageType.Terminate }] },
  { name: 'A4 Welcome', costs: 'link', messages: () => [{ type: MessageType.Welcome, ...hello }] },
  {
    name: 'A4 Connect',
    costs: 'link',
    messages: () => [{ type: MessageType.Connect, ...hello, encryptedConnectionId: new Uint8Array(16), existing: true }],
  },
  { name: 'A4 Accepted', costs: 'link', messages: () => [{ type: MessageType.Accepted }] },
  { name: 'A4 Refused', costs: 'link', messages: () => [{ type: MessageType.Refused, reason: 1 }] },
  { name: 'A5 test data', messages: () => times(20, () => ({ type: MessageType.TestData, bytes: 65_536 })) },
  {
    name: 'ends in every order',
    messages: scene =>
      [MessageType.ReceiveFinish, MessageType.ReceiveClose, MessageType.ReceiveFinish].map(type => ending(type, take(scene))),
  },
]

function ack(sequence: number): LinkMessage {
  return { type: MessageType.Ack, sequence }
}
