// How many bytes a message takes on a byte-stream link, frames included.

import { type LinkMessage, MessageType } from './messages.ts'

/** Length, sequence and checksum before each packet. */
export const FRAME_HEADER_BYTES = 10

const HELLO_BYTES = 1 + 5 + 1 + 4 + 32 + 16 + 2 + 4

export function wireSize(message: LinkMessage): number {
  switch (message.type) {
    case MessageType.Data:
      return 2 * FRAME_HEADER_BYTES + 5 + message.bytes
    case MessageType.Ack:
    case MessageType.SendFinish:
    case MessageType.ReceiveClose:
    case MessageType.ReceiveFinish:
      return FRAME_HEADER_BYTES + 5
    case MessageType.Consumed:
      return FRAME_HEADER_BYTES + 9
    case MessageType.TestData:
      return FRAME_HEADER_BYTES + 1 + message.bytes
    case MessageType.SetBlock:
    case MessageType.Refused:
      return FRAME_HEADER_BYTES + 2
    case MessageType.Goodbye:
      return FRAME_HEADER_BYTES + (message.over ? 2 : 1)
    case MessageType.Welcome:
      return FRAME_HEADER_BYTES + HELLO_BYTES + message.userData.byteLength
    case MessageType.Connect:
      return FRAME_HEADER_BYTES + HELLO_BYTES + 17 + message.userData.byteLength
    default:
      return FRAME_HEADER_BYTES + 1
  }
}
