// Sizes that the wire fixes. Section numbers are those of `docs/protocol.md`.

/** Length u32, sequence u16, checksum u32 before each packet of a stream link (section 2). */
export { FRAME_HEADER_BYTES } from './wire-size.ts'

/** Largest packet (section 2). */
export const PACKET_BYTES_MAX = 8_388_608
/** Largest user data of Welcome and Connect (section 3): its length is a u16. */
export const USER_DATA_BYTES_MAX = 65_535
/** A Connect with the largest user data, the longest message of the handshake. */
export const HANDSHAKE_PACKET_BYTES_MAX = 65_617
/** Type and sequence; the payload is the next packet. */
export const DATA_HEADER_BYTES = 5
/** Consumed, the longest message outside the handshake whose content matters. */
export const CONTROL_PACKET_BYTES_MAX = 9
/** Connection ids and server ids. */
export const ID_BYTES = 16
export const PUBLIC_KEY_BYTES = 32
