// The sixteen messages of link protocol version 4, as values. `docs/protocol.md` section 3 says what each means.

/** First byte of a message on the wire. */
export const MessageType = {
  Welcome: 1,
  Connect: 2,
  Accepted: 3,
  Refused: 4,
  Ping: 5,
  Pong: 6,
  Data: 7,
  Ack: 8,
  Consumed: 9,
  SendFinish: 10,
  ReceiveClose: 11,
  ReceiveFinish: 12,
  TestData: 13,
  SetBlock: 14,
  Goodbye: 15,
  Terminate: 16,
} as const

export type MessageType = (typeof MessageType)[keyof typeof MessageType]

/** Why a server refused a link. */
export const RefusedReason = {
  ConnectionClosed: 1,
  NotListening: 2,
  ConnectionRefused: 3,
  LinkRefused: 4,
} as const

export type RefusedReason = (typeof RefusedReason)[keyof typeof RefusedReason]

/** Server to client, first message of a link. */
export interface WelcomeMessage {
  readonly type: typeof MessageType.Welcome
  /** Bit set, 0 for the reference. */
  readonly extensions: number
  /** X25519 public key, 32 bytes, fresh for this link. */
  readonly publicKey: Uint8Array
  /** 16 bytes, not all zero. */
  readonly serverId: Uint8Array
  /** At most 65,535 bytes, opaque, never to be trusted. */
  readonly userData: Uint8Array
  /** Size of the sender's receive buffer in bytes, 1 to 2^32 - 1. */
  readonly recvBuffer: number
}

/** Client to server, answer to Welcome. */
export interface ConnectMessage {
  readonly type: typeof MessageType.Connect
  readonly extensions: number
  readonly publicKey: Uint8Array
  /** Server id of the client itself, 16 bytes, all zero when it is none. */
  readonly serverId: Uint8Array
  /** 16 bytes: connection id XOR the first half of the shared secret. */
  readonly encryptedConnectionId: Uint8Array
  /** The client knows that the connection is already established. */
  readonly existing: boolean
  readonly userData: Uint8Array
  readonly recvBuffer: number
}

export interface RefusedMessage {
  readonly type: typeof MessageType.Refused
  /** One of {@link RefusedReason}; another number from a newer peer is passed on as it is. */
  readonly reason: number
}

/** A piece of the application's bytes. */
export interface DataMessage {
  readonly type: typeof MessageType.Data
  readonly sequence: number
  /** The payload in order; views that the receiver of the message owns from here on. */
  readonly payload: readonly Uint8Array[]
  /** Sum of the lengths of `payload`. */
  readonly bytes: number
}

export interface AckMessage {
  readonly type: typeof MessageType.Ack
  readonly sequence: number
}

export interface ConsumedMessage {
  readonly type: typeof MessageType.Consumed
  readonly sequence: number
  /** Payload bytes that the application took since the last Consumed. */
  readonly bytes: number
}

/** The three messages that end one direction. */
export interface EndingMessage {
  readonly type: typeof MessageType.SendFinish | typeof MessageType.ReceiveClose | typeof MessageType.ReceiveFinish
  readonly sequence: number
}

export interface TestDataMessage {
  readonly type: typeof MessageType.TestData
  /** Length of the test data behind the type byte; the bytes themselves are never kept. */
  readonly bytes: number
}

export interface SetBlockMessage {
  readonly type: typeof MessageType.SetBlock
  readonly blocked: boolean
}

export interface GoodbyeMessage {
  readonly type: typeof MessageType.Goodbye
  /** Not only the link ends: the connection is over for the sender. Only to peers that know it, see `Extension`. */
  readonly over?: true
}

/** The messages that are nothing but their type. */
export interface BareMessage {
  readonly type: typeof MessageType.Accepted | typeof MessageType.Ping | typeof MessageType.Pong | typeof MessageType.Terminate
}

/** Messages that share the sequence space of their direction. */
export type ReliableMessage = DataMessage | ConsumedMessage | EndingMessage

export type LinkMessage =
  | WelcomeMessage
  | ConnectMessage
  | RefusedMessage
  | ReliableMessage
  | AckMessage
  | TestDataMessage
  | SetBlockMessage
  | GoodbyeMessage
  | BareMessage
