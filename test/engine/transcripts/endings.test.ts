// How connections end: docs/protocol.md, section 5, "Ending". Towards the reference there is no Goodbye at the end; two
// hawsers say it, section 3.

import { transcript } from './play.ts'

const hawser = { peerAcksAll: true }

transcript(
  'we finish first, the peer is the reference',
  {},
  `
  0   A work
  0   finish
      A > 0a 00000000
      ! finished
  10  A < 08 00000000
  20  A < 0a 00000000
      A > 08 00000000
      ! end
      ! linkClosed A connection-closed | both just close their links
      ! closed
`,
)

transcript(
  'we finish first, the peer is hawser',
  hawser,
  `
  0   A work
  0   finish
      A > 0a 00000000
      ! finished
  10  A < 08 00000000
  20  A < 0a 00000000
      A > 08 00000000
      A > 0f 01                 | Goodbye behind the last ack; 1: the connection is over
      ! end
      ! linkClosed A connection-closed
      ! closed
`,
)

transcript(
  'the peer finishes first, the peer is the reference',
  {},
  `
  0   A work
  0   A < 0a 00000000
      A > 08 00000000
      ! end
  10  finish
      A > 0a 00000000
      ! finished
  20  A < 08 00000000           | now nothing is unacknowledged
      ! linkClosed A connection-closed
      ! closed
`,
)

transcript(
  'the peer finishes first, the peer is hawser',
  hawser,
  `
  0   A work
  0   A < 0a 00000000
      A > 08 00000000
      ! end
  10  finish
      A > 0a 00000000
      ! finished
  20  A < 08 00000000
      A > 0f 01
      ! linkClosed A connection-closed
      ! closed
`,
)

transcript(
  'both finish at once',
  {},
  `
  0   A work
  0   finish
      A > 0a 00000000
      ! finished
  5   A < 0a 00000000
      A > 08 00000000
      ! end
  10  A < 08 00000000
      ! linkClosed A connection-closed
      ! closed
`,
)

transcript(
  'Goodbye goes to every link, the last ack before it',
  hawser,
  `
  0   A B work
  0   A < 0a 00000000
      A > 08 00000000
      ! end
  0   finish
      A > 0a 00000000           | free: A or B
      ! finished
  5   B < 0a 00000000           | a copy over the other link
      B > 08 00000000
  10  A < 08 00000000
      A > 0f 01
      B > 0f 01
      ! linkClosed A connection-closed
      ! linkClosed B connection-closed
      ! closed
`,
)

transcript(
  'Goodbye does not wait for a link that takes nothing',
  hawser,
  `
  0   A B work
  0   B fills
  0   A < 0a 00000000
      A > 08 00000000
      ! end
  0   finish
      A > 0a 00000000
      ! finished
  10  A < 08 00000000
      A > 0f 01
      ! linkClosed A connection-closed
      ! linkClosed B connection-closed
      ! closed
`,
)

transcript(
  'Goodbye of a hawser whose end is reached means that it has everything',
  hawser,
  `
  0   A work
  0   A < 0a 00000000
      A > 08 00000000
      ! end
  0   finish
      A > 0a 00000000
      ! finished
  10  A < 0f 01                 | its ack of our SendFinish is lost with some other link
      ! linkClosed A connection-closed
      ! closed
`,
)

transcript(
  'Goodbyes at the end cross',
  hawser,
  `
  0   A work
  0   finish
      A > 0a 00000000
      ! finished
  5   A < 0a 00000000, 08 00000000, 0f 01  | the peer was done first
      ! end
      ! linkClosed A connection-closed
      ! closed
`,
)

transcript(
  'without Goodbye a hawser that lost its link may be missing what is unacknowledged',
  hawser,
  `
  0   A work
  0   A < 0a 00000000
      A > 08 00000000
      ! end
  0   finish
      A > 0a 00000000
      ! finished
  5   A breaks
      ! linkClosed A io-error abruptly
  50  B joins
      B > 05
  60  B < 06
      ! linkWorking B
      B > 0a 00000000           | sent again
  70  B < 08 00000000
      B > 0f 01
      ! linkClosed B connection-closed
      ! closed
`,
)

transcript(
  'the reference that ends its link when both directions are over has everything',
  {},
  `
  0   A work
  0   A < 0a 00000000
      A > 08 00000000
      ! end
  0   finish
      A > 0a 00000000
      ! finished
  5   A breaks                  | it closes its links the moment its own conditions hold
      ! linkClosed A connection-closed abruptly
      ! closed
`,
)

transcript(
  'data that was not consumed is no end, whoever the peer is',
  {},
  `
  0   A work
  0   A < 0a 00000000
      A > 08 00000000
      ! end
  0   write 61
      A > 07 00000000, 61
      ! writable
  0   finish
      A > 0a 00000001
      ! finished
  5   A breaks
      ! linkClosed A io-error abruptly
  6   B joins
      B > 05
  16  B < 06
      ! linkWorking B
      B > 07 00000000, 61
      B > 0a 00000001
  26  B < 08 00000000, 08 00000001
  27  B < 09 00000001 00000001  | consumed
      B > 08 00000001
      ! linkClosed B connection-closed
      ! closed
`,
)

transcript(
  'the end comes behind all data, also when SendFinish overtakes it',
  {},
  `
  0   A B work
  0   A < 0a 00000001
      A > 08 00000001
  5   B < 07 00000000, 61
      B > 08 00000000
      ! readable
  6   read 61
      A > 09 00000000 00000001  | free: A or B
      ! end
  16  A < 08 00000000
`,
)

transcript(
  'a reader that goes away',
  {},
  `
  0   A work
  0   dropRead
      A > 0c 00000000           | ReceiveFinish
  10  A < 08 00000000
  11  finish
      A > 0a 00000001
      ! finished
  21  A < 08 00000001           | the other direction counts as finished: no SendFinish comes
      ! linkClosed A connection-closed
      ! closed
`,
)

transcript(
  'a reader that goes away after the end owes no ReceiveFinish',
  {},
  `
  0   A work
  0   A < 0a 00000000
      A > 08 00000000
      ! end
  1   dropRead
`,
)

transcript(
  "the peer's reader goes away: what waits is dropped, no SendFinish is owed",
  { remoteRecvBuffer: 20 },
  `
  0   A work
  0   write 61*30
      A > 07 00000000, 61*9
      A > 07 00000001, 61*9
      A > 07 00000002, 61*2     | free: the last 2 bytes of the credit now, or 9 with the next
  5   A < 0c 00000000           | ReceiveFinish
      A > 08 00000000
      ! writeRefused
      ! finished
      ! writable
  10  A < 08 00000000, 08 00000001, 08 00000002
  11  A < 0a 00000001
      A > 08 00000001
      ! end
      ! linkClosed A connection-closed | what it had not consumed it never will
      ! closed
`,
)

transcript(
  "the peer's reader closes: what waits is dropped and SendFinish follows",
  { remoteRecvBuffer: 20 },
  `
  0   A work
  0   write 61*30
      A > 07 00000000, 61*9
      A > 07 00000001, 61*9
      A > 07 00000002, 61*2     | free, as above
  5   A < 0b 00000000           | ReceiveClose
      A > 08 00000000
      A > 0a 00000003
      ! writeRefused
      ! writable
      ! finished
  10  A < 08 00000000, 08 00000001, 08 00000002, 08 00000003
`,
)

transcript(
  'ReceiveClose behind our own end changes nothing',
  {},
  `
  0   A work
  0   finish
      A > 0a 00000000
      ! finished
  5   A < 0b 00000000
      A > 08 00000000
  10  A < 08 00000000
  11  A < 0c 00000001
      A > 08 00000001
`,
)

transcript(
  'both readers go away',
  {},
  `
  0   A work
  0   dropRead
      A > 0c 00000000
  5   A < 0c 00000000
      A > 08 00000000
      ! writeRefused
      ! finished
  10  A < 08 00000000
      ! linkClosed A connection-closed
      ! closed
`,
)

transcript(
  'a half-open connection goes on',
  {},
  `
  0   A work
  0   finish
      A > 0a 00000000
      ! finished
  10  A < 08 00000000
  5000 A < 07 00000000, 61
      A > 08 00000000
      ! readable
  5000 read 61
`,
)

transcript(
  'Terminate is said on every link and answered on every link',
  {},
  `
  0   A B work
  0   terminate
      A > 10
      B > 10
  10  A < 10
      ! linkClosed A terminated
  12  B < 10
      ! linkClosed B terminated
      ! closed terminated
`,
)

transcript(
  'Terminate of the peer is answered on all links',
  {},
  `
  0   A B work
  0   A < 10
      A > 10
      B > 10
      ! terminated
      ! linkClosed A terminated
  1   B < 10
      ! linkClosed B terminated
      ! closed terminated
`,
)

transcript(
  'Terminates that cross',
  {},
  `
  0   A work
  0   terminate
      A > 10
  3   A < 10                    | it was sent before ours came
      ! linkClosed A terminated
      ! closed terminated
`,
)

transcript(
  '0.9.7 drops the link on which Terminate comes',
  {},
  `
  0   A B work
  0   terminate
      A > 10
      B > 10
  10  A breaks
      ! linkClosed A io-error abruptly
  10  B breaks
      ! linkClosed B io-error abruptly
      ! closed terminated
`,
)

transcript(
  'a Terminate that is never answered ends after 5 s',
  {},
  `
  0   A work
  0   terminate
      A > 10
  5000 wait
      ! linkClosed A terminated
      ! closed terminated
`,
)

transcript(
  'Terminate without a link is the end at once',
  {},
  `
  0   terminate
      ! closed terminated
`,
)
