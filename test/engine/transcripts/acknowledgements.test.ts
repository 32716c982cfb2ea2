// Acks: docs/protocol.md, section 5, first paragraph: one for every reliable message, on the link it came on, also for
// copies.

import { transcript } from './play.ts'

transcript(
  'a message is acknowledged on the link on which it came',
  {},
  `
  0   A B work
  0   B < 07 00000000, 68 69  | Data 0, "hi"; its payload is the next packet (section 3)
      B > 08 00000000         | its Ack; not on A
      ! readable
  0   read 68 69              | no Consumed: two bytes are no tenth of 16 MiB
`,
)

transcript(
  'acks are in the order of receipt, not of the numbers',
  {},
  `
  0   A work
  0   A < 07 00000002, 63, 07 00000000, 61, 07 00000001, 62  | three messages in one turn
      A > 08 00000002         | one Ack for each message, none stands for several
      A > 08 00000000
      A > 08 00000001
      ! readable
  0   read 61 62 63           | delivered in the order of the numbers
`,
)

transcript(
  'a copy on the same link is acknowledged again and delivered once',
  {},
  `
  0   A work
  0   A < 07 00000000, 61
      A > 08 00000000
      ! readable
  0   read 61
  5   A < 07 00000000, 61     | the peer did not get the Ack, or did not wait
      A > 08 00000000
  5   A < 07 00000001, 62
      A > 08 00000001
      ! readable
  5   read 62                 | nothing of the copy
`,
)

transcript(
  'a copy on another link is acknowledged there',
  {},
  `
  0   A B work
  0   A < 07 00000000, 61
      A > 08 00000000
      ! readable
  3   B < 07 00000000, 61
      B > 08 00000000         | the reference honours only an ack from the link that it used last
  3   read 61
`,
)

transcript(
  'a copy behind a gap is acknowledged, though the first one is not delivered yet',
  {},
  `
  0   A B work
  0   A < 07 00000001, 62
      A > 08 00000001
  0   B < 07 00000001, 62
      B > 08 00000001
  1   A < 07 00000000, 61     | the gap is filled
      A > 08 00000000
      ! readable
  1   read 61 62
`,
)

transcript(
  'Consumed and the messages that end a direction are acknowledged, too',
  {},
  `
  0   A work
  0   A < 09 00000000 00000000  | Consumed of nothing
      A > 08 00000000
  0   A < 0a 00000001           | SendFinish
      A > 08 00000001
      ! end
  0   A < 0b 00000002           | ReceiveClose: our writer may stop
      A > 08 00000002
      ! writeRefused
      A > 0a 00000000           | it does; SendFinish says so (section 5, Ending)
      ! finished
  1   A < 08 00000000           | both directions are over, nothing is owed: no Goodbye for the reference
      ! linkClosed A connection-closed
      ! closed
`,
)

transcript(
  'a message of no bytes is acknowledged and never delivered',
  {},
  `
  0   A work
  0   A < 07 00000000, , 07 00000001, , 07 00000002, 61  | the page asks for one byte at least; it costs nothing to be lenient
      A > 08 00000000
      A > 08 00000001
      A > 08 00000002
      ! readable
  0   read 61
`,
)

transcript(
  'numbers up to 131,071 ahead are taken: 0.9.7 goes beyond the 65,536 of the page',
  {},
  `
  0   A work
  0   A < 07 0001ffff, 7a     | 131,071
      A > 08 0001ffff
  0   A < 07 00020000, 7a     | 131,072: not stored, so not acknowledged; the sender will send it again
`,
)

transcript(
  'numbers of long ago are copies',
  {},
  `
  0   A work
  0   A < 07 00000000, 61
      A > 08 00000000
      ! readable
  0   read 61
  0   A < 07 ffffffff, 78     | one behind the first of all
      A > 08 ffffffff
  0   A < 07 80000001, 78     | as far behind as 32 bits can say
      A > 08 80000001
`,
)

transcript(
  'received numbers wrap',
  { firstSequence: { send: 0, receive: 0xfffffffe } },
  `
  0   A work
  0   A < 07 00000000, 63     | two ahead of fffffffe
      A > 08 00000000
  0   A < 07 ffffffff, 62
      A > 08 ffffffff
  0   A < 07 fffffffe, 61
      A > 08 fffffffe
      ! readable
  0   read 61 62 63
`,
)

transcript(
  'sent numbers wrap',
  { firstSequence: { send: 0xffffffff, receive: 0 } },
  `
  0   A work
  0   write 61
      A > 07 ffffffff, 61
      ! writable
  0   write 62
      A > 07 00000000, 62
      ! writable
  10  A < 08 ffffffff, 08 00000000
  10  finish
      A > 0a 00000001
      ! finished
  20  A < 08 00000001
`,
)

transcript(
  'an ack from a link that the message was sent on before counts',
  {},
  `
  0   A B work
  0   write 61
      A > 07 00000000, 61     | free: A or B
      ! writable
  5   A leaves                | A carries no data any more; what is not acknowledged there goes over B (section 6)
      A > 0f                  | Goodbye: no acks are owed
      ! linkNotWorking A disconnecting
      B > 07 00000000, 61
  6   A < 08 00000000         | the Ack of the first transmission: it counts, A reads until the other's Goodbye
  7   B breaks                | nothing is sent again over C
      ! linkClosed B io-error abruptly
  8   C joins
      C > 05                  | the test of a new link: a Ping
  18  C < 06
      ! linkWorking C
  19  A < 0f
      ! linkClosed A locally-requested
`,
)

transcript(
  'an ack of what another link carries is no ack',
  {},
  `
  0   A B work
  0   write 61
      A > 07 00000000, 61     | free: A or B
      ! writable
  3   B < 08 00000000         | B never carried it
  5   A breaks
      ! linkClosed A io-error abruptly
      B > 07 00000000, 61     | so it must be sent again
  15  B < 08 00000000
`,
)

transcript(
  'acks go on while the link is blocked',
  {},
  `
  0   A work
  0   A blocks
      A > 0e 01               | SetBlock, 1
      ! linkBlocked A
  1   A < 07 00000000, 61     | it was under way
      A > 08 00000000
      ! readable
  1   read 61
`,
)

transcript(
  'acks wait for a link that takes nothing, Pong goes before them',
  {},
  `
  0   A work
  0   A fills
  1   A < 07 00000000, 61, 05
      ! readable
  2   A < 07 00000001, 62
  3   A drains
      A > 06                  | section 6: Pong before Ack
      A > 08 00000000
      A > 08 00000001
  3   read 61 62
`,
)

transcript(
  'what is acknowledged is not sent again when its link breaks, what is not is',
  {},
  `
  0   A B work
  0   B blocks
      B > 0e 01
      ! linkBlocked B
  0   write 61
      A > 07 00000000, 61
      ! writable
  0   write 62
      A > 07 00000001, 62
      ! writable
  0   write 63
      A > 07 00000002, 63
      ! writable
  5   B unblocks
      B > 0e 00
      ! linkBlocked B
  10  A < 08 00000000
  11  A breaks
      ! linkClosed A io-error abruptly
      B > 07 00000001, 62     | oldest first
      B > 07 00000002, 63
  21  B < 08 00000001, 08 00000002
`,
)
