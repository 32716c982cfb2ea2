// Flow control and sizes: docs/protocol.md, section 5.

import { transcript } from './play.ts'

transcript(
  'Consumed goes out once more than a tenth of the receive buffer was read',
  { config: { recvBuffer: 1_000 } },
  `
  0   A work
  0   A < 07 00000000, 61*100
      A > 08 00000000
      ! readable
  0   read 61*100               | 100 bytes are a tenth, not more
  1   A < 07 00000001, 62
      A > 08 00000001
      ! readable
  1   read 62
      A > 09 00000000 00000065  | Consumed of 101 bytes; number 0 of our own direction
  11  A < 08 00000000
`,
)

transcript(
  'what was read is counted again from nothing after a Consumed',
  { config: { recvBuffer: 1_000 } },
  `
  0   A work
  0   A < 07 00000000, 61*300
      A > 08 00000000
      ! readable
  0   read 61*300
      A > 09 00000000 0000012c  | 300
  1   A < 07 00000001, 62*100
      A > 08 00000001
      ! readable
  1   read 62*100               | no more than a tenth
  10  A < 08 00000000
`,
)

transcript(
  'what is read after the peer finished is reported at once',
  { config: { recvBuffer: 1_000 } },
  `
  0   A work
  0   A < 07 00000000, 61 62
      A > 08 00000000
      ! readable
  0   A < 0a 00000001           | SendFinish
      A > 08 00000001
  1   read 61 62
      A > 09 00000000 00000002  | both sides need it to know that all is over
      ! end
  11  A < 08 00000000
`,
)

transcript(
  'a reader that closes reports what it drops at once',
  { config: { recvBuffer: 1_000 } },
  `
  0   A work
  0   A < 07 00000000, 61 62
      A > 08 00000000
      ! readable
  1   closeRead
      A > 09 00000000 00000002  | section 5: at once when the reading side has been closed
      A > 0b 00000001           | ReceiveClose; section 6: behind Consumed
  2   A < 07 00000001, 63 64 65 | was under way; it is still taken, and dropped
      A > 08 00000001
      A > 09 00000002 00000003
  11  A < 08 00000000, 08 00000001, 08 00000002
`,
)

transcript(
  'no more is sent than the receive buffer of the peer holds',
  { remoteRecvBuffer: 100 },
  `
  0   A work
  0   write 61*200
      A > 07 00000000, 61*49    | at most half of the buffer less one
      A > 07 00000001, 61*49
                                | 2 bytes of credit are left: free whether they are sent now; hawser saves a trickle up
  10  A < 08 00000000, 08 00000001
  11  A < 09 00000000 00000031  | 49 bytes were taken: acked, and 51 bytes may go, 49 at a time
      A > 08 00000000
      A > 07 00000002, 61*49
  21  A < 08 00000002
`,
)

transcript(
  'acks alone give no credit',
  { remoteRecvBuffer: 21 },
  `
  0   A work
  0   write 61*9 62*9 63*9
      A > 07 00000000, 61*9     | half of 21, rounded down, less one is 9
      A > 07 00000001, 62*9     | 18
      A > 07 00000002, 63*3     | 21, the credit is used up; free: these 3 bytes now, or 9 with the next
  10  A < 08 00000000, 08 00000001, 08 00000002
  20  A < 09 00000000 00000012
      A > 08 00000000
      A > 07 00000003, 63*6
      ! writable
  30  A < 08 00000003
`,
)

transcript(
  'a send buffer bounds what is not acknowledged',
  { config: { sendBuffer: 10 } },
  `
  0   A work
  0   write 61*10 62*5
      A > 07 00000000, 61*10
  10  A < 08 00000000
      A > 07 00000001, 62*5
      ! writable
  20  A < 08 00000001
`,
)

for (const [remoteRecvBuffer, least] of [
  [1, 1],
  [2, 1],
  [3, 1],
] as const) {
  transcript(
    `a peer with a receive buffer of ${remoteRecvBuffer} gets a byte at a time`,
    { remoteRecvBuffer },
    `
    0   A work
    0   write 61 62 63 64
${Array.from({ length: remoteRecvBuffer }, (_, index) => `        A > 07 0000000${index}, 6${index + 1}*${least}`).join('\n')}
    10  A < ${Array.from({ length: remoteRecvBuffer }, (_, index) => `08 0000000${index}`).join(', ')}
    11  A < 09 00000000 00000001  | a byte was taken
        A > 08 00000000
        A > 07 0000000${remoteRecvBuffer}, 6${remoteRecvBuffer + 1}
${remoteRecvBuffer === 3 ? '        ! writable' : ''}
    21  A < 08 0000000${remoteRecvBuffer}
  `,
  )
}

transcript(
  'a receive buffer of one byte of our own',
  { config: { recvBuffer: 1 } },
  `
  0   A work
  0   A < 07 00000000, 61
      A > 08 00000000
      ! readable
  0   read 61
      A > 09 00000000 00000001  | one byte is more than a tenth
  10  A < 08 00000000
  11  A < 07 00000001, 62
      A > 08 00000001
      ! readable
  11  read 62
      A > 09 00000001 00000001
  21  A < 08 00000001
`,
)

transcript(
  'payloads are no larger than chunkSize',
  { config: { chunkSize: 3 } },
  `
  0   A work
  0   write 61 62 63 64 65 66 67
      A > 07 00000000, 61 62 63
      A > 07 00000001, 64 65 66
      A > 07 00000002, 67
      ! writable
  10  A < 08 00000000, 08 00000001, 08 00000002
`,
)

transcript(
  'small writes that wait share a message',
  { remoteRecvBuffer: 10 },
  `
  0   A work
  0   write 61*4, 62*4          | two writes in one turn; free: merged here, up to half of the buffer less one
      A > 07 00000000, 61 61 61 61
      A > 07 00000001, 62 62 62 62
      ! writable
  10  A < 08 00000000, 08 00000001
`,
)

transcript(
  'a resend needs no credit',
  { remoteRecvBuffer: 10 },
  `
  0   A B work
  0   B blocks
      B > 0e 01
      ! linkBlocked B
  0   write 61*8
      A > 07 00000000, 61*4     | 4 is the payload limit
      A > 07 00000001, 61*4     | 8 of 10 bytes are used
      ! writable
  1   B unblocks
      B > 0e 00
      ! linkBlocked B
  2   A breaks
      ! linkClosed A io-error abruptly
      B > 07 00000000, 61*4     | the peer counts each number once
      B > 07 00000001, 61*4
  12  B < 08 00000000, 08 00000001
`,
)
