// What a peer must not send, and whether it costs the link or the connection. Framing: docs/protocol.md, section 2 and 3;
// the rest: section 5.

import { transcript } from './play.ts'

const broken = '! linkClosed A protocol-error abruptly'
const ended = `! linkClosed A protocol-error abruptly
      ! closed protocol-error`

transcript(
  'a frame as it is on the wire',
  {},
  `
  0   A work
  0   A <raw 00000001 0000 a2681b02 05 | length 1, frame 0, CRC-32 of the byte 05; then the Ping
      A > 06
  0   A <raw 00000001 0001 a2681b02 05
      A > 06
`,
)

transcript(
  'a frame out of sequence costs the link',
  {},
  `
  0   A work
  0   A <raw 00000001 0001 a2681b02 05 | frame 1 where frame 0 belongs
      ${broken}
`,
)

transcript(
  'a damaged frame costs the link',
  {},
  `
  0   A work
  0   A <raw 00000001 0000 a2681b03 05
      ${broken}
`,
)

transcript(
  'a length above 8 MiB costs the link before anything of it has come',
  {},
  `
  0   A work
  0   A <raw 00800001 0000 00000000
      ${broken}
`,
)

transcript(
  'an empty packet where a message belongs costs the link',
  {},
  `
  0   A work
  0   A <raw 00000000 0000 00000000
      ${broken}
`,
)

transcript(
  'an unknown type costs the link',
  {},
  `
  0   A work
  0   A < 11
      ${broken}
`,
)

transcript(
  'a message that is cut off costs the link',
  {},
  `
  0   A work
  0   A < 08 000000
      ${broken}
`,
)

transcript(
  'bytes behind a message are ignored',
  {},
  `
  0   A work
  0   A < 05 ff ff
      A > 06
  0   A < 0e 01 00
      ! linkBlocked A
`,
)

transcript(
  'a broken link costs no other',
  {},
  `
  0   A B work
  0   write 61
      A > 07 00000000, 61
      ! writable
  1   A < 11
      ${broken}
      B > 07 00000000, 61
  2   B < 05
      B > 06
  11  B < 08 00000000
`,
)

for (const [name, bytes] of [
  ['Accepted', '03'],
  ['Refused', '04 01'],
] as const) {
  transcript(
    `${name} behind the handshake costs the link`,
    {},
    `
  0   A work
  0   A < ${bytes}
      ${broken}
`,
  )
}

transcript(
  'a second Goodbye costs the link',
  {},
  `
  0   A B work
  0   A fills                   | or the link would be gone with the first one
  0   A < 0f
      ! linkNotWorking A disconnecting
  0   A < 0f
      ${broken}
`,
)

transcript(
  'data behind Goodbye costs the link',
  {},
  `
  0   A B work
  0   A fills
  0   A < 0f
      ! linkNotWorking A disconnecting
  0   A < 07 00000000, 61
      ${broken}
`,
)

transcript(
  'an ack of what was never sent costs the link',
  {},
  `
  0   A B work
  0   A < 08 00000000
      ${broken}
`,
)

transcript(
  'an ack before that of an older message costs the link: it loses data',
  { config: { chunkSize: 1 } },
  `
  0   A work
  0   write 61 62
      A > 07 00000000, 61
      A > 07 00000001, 62
      ! writable
  10  A < 08 00000001
      ${broken}
`,
)

transcript(
  'a payload above half of the receive buffer less one ends the connection',
  { config: { recvBuffer: 10 } },
  `
  0   A work
  0   A < 07 00000000, 61*4
      A > 08 00000000
      ! readable
  0   A < 07 00000001, 61*5
      ${ended}
`,
)

transcript(
  'more than the receive buffer ends the connection',
  { config: { recvBuffer: 10 } },
  `
  0   A work
  0   A < 07 00000000, 61*4, 07 00000001, 61*4, 07 00000002, 61*2
      A > 08 00000000
      A > 08 00000001
      A > 08 00000002
      ! readable
  0   A < 07 00000003, 61       | nothing was read
      ${ended}
`,
)

transcript(
  'more than the receive buffer behind a gap ends the connection',
  { config: { recvBuffer: 10 } },
  `
  0   A work
  0   A < 07 00000001, 61*4, 07 00000002, 61*4
      A > 08 00000001
      A > 08 00000002
  0   A < 07 00000003, 61*3
      ${ended}
`,
)

transcript(
  'what was read and not reported still counts against the receive buffer',
  { config: { recvBuffer: 20 } },
  `
  0   A work
  0   A < 07 00000000, 61*2
      A > 08 00000000
      ! readable
  0   read 61*2                 | 2 is no more than a tenth of 20: the peer was not told
  0   A < 07 00000001, 61*9, 07 00000002, 61*9
      A > 08 00000001
      A > 08 00000002
      ! readable
  0   A < 07 00000003, 61
      ${ended}
`,
)

transcript(
  'more consumed than was sent ends the connection',
  {},
  `
  0   A work
  0   write 61
      A > 07 00000000, 61
      ! writable
  5   A < 08 00000000, 09 00000000 00000001
      A > 08 00000000
  6   A < 09 00000001 00000001
      ${ended}
`,
)

transcript(
  'data behind SendFinish ends the connection',
  {},
  `
  0   A work
  0   A < 0a 00000000
      A > 08 00000000
      ! end
  0   A < 07 00000001, 61
      ${ended}
`,
)

transcript(
  'SendFinish before data that has come ends the connection',
  {},
  `
  0   A work
  0   A < 07 00000002, 61
      A > 08 00000002
  0   A < 0a 00000001
      ${ended}
`,
)

transcript(
  'a second SendFinish ends the connection',
  {},
  `
  0   A work
  0   A < 0a 00000000
      A > 08 00000000
      ! end
  0   A < 0a 00000001
      ${ended}
`,
)

transcript(
  'another message of a number that is held ends the connection',
  {},
  `
  0   A work
  0   A < 07 00000001, 61
      A > 08 00000001
  0   A < 07 00000001, 61 62
      ${ended}
`,
)

transcript(
  'Consumed and endings behind SendFinish are allowed',
  {},
  `
  0   A work
  0   A < 0a 00000000, 09 00000001 00000000, 0c 00000002
      A > 08 00000000
      A > 08 00000001
      A > 08 00000002
      ! end
      ! writeRefused
      ! finished
      ! linkClosed A connection-closed
      ! closed
`,
)
