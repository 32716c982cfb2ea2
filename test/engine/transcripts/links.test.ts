// The life of links: docs/protocol.md, section 6.

import { transcript } from './play.ts'

transcript(
  'a link is tested before it carries data',
  { config: { link: { testDataLimit: 5 } } },
  `
  0   write 61                  | nothing to send it on
  0   A joins
      A > 0d 00 01 02 03 04     | TestData, then Ping
      A > 05
  10  A < 06                    | Pong
      ! linkWorking A
      A > 07 00000000, 61
      ! writable
  20  A < 08 00000000
`,
)

transcript(
  'test data goes out in packets, as much as configured',
  { config: { link: { testDataLimit: 8200 } } },
  `
  0   A joins
      A > 0d ${Array.from({ length: 8_192 }, (_, index) => (index & 0xff).toString(16).padStart(2, '0')).join(' ')}
      A > 0d 00 01 02 03 04 05 06 07
      A > 05
  10  A < 06
      ! linkWorking A
`,
)

transcript(
  'test data of the peer is dropped, its Ping answered at once',
  {},
  `
  0   A joins
      A > 05
  1   A < 0d 00 01 02, 0d, 05
      A > 06
  10  A < 06
      ! linkWorking A
`,
)

transcript(
  'a link that is not tested yet takes data and acknowledges it',
  {},
  `
  0   A joins
      A > 05
  1   A < 07 00000000, 61
      A > 08 00000000
      ! readable
  1   read 61
  10  A < 06
      ! linkWorking A
`,
)

transcript(
  'a test that takes longer than half of ackTimeoutMax is failed, and repeated',
  { config: { link: { ackTimeoutMin: 500, ackTimeoutMax: 1_000, retestInterval: 2_000 } } },
  `
  0   A joins
      A > 05
  600 A < 06                    | more than 500
      ! linkNotWorking A test-failed
  2600 wait
      A > 05
  2700 A < 06
      ! linkWorking A
`,
)

transcript(
  'Pings are answered one by one while the link takes data, once for those that wait',
  {},
  `
  0   A work
  0   A < 05
      A > 06
  1   A < 05
      A > 06
  2   A fills
  3   A < 05, 05, 05            | free: a Pong for each, or one; what is late tells nothing more
  4   A drains
      A > 06
`,
)

transcript(
  'a Pong that nobody asked for is ignored',
  {},
  `
  0   A work
  0   A < 06, 06
`,
)

transcript(
  'an idle link is pinged',
  { config: { link: { ping: { mode: 'whenIdle', interval: 15_000 } } } },
  `
  0   A work
  15000 wait                    | 15 s after the Pong of its test; free: or after its Ping
      A > 05
  15010 A < 06
  30010 wait
      A > 05
  30020 A < 06
`,
)

transcript(
  'a link that does not answer its Ping is removed',
  { config: { link: { pingTimeout: 5_000 } } },
  `
  0   A joins
      A > 05
  5000 wait
      ! linkClosed A ping-timeout abruptly
`,
)

transcript(
  'a link that takes nothing for the ping timeout is removed',
  { config: { link: { pingTimeout: 5_000 } } },
  `
  0   A work
  100 A fills
  5100 wait
      ! linkClosed A send-timeout abruptly
`,
)

transcript(
  'we block a link',
  {},
  `
  0   A work
  0   A blocks
      A > 0e 01
      ! linkBlocked A
  0   write 61                  | blocked links carry no reliable messages
  1   A < 05
      A > 06                    | Pong goes on
  2   A unblocks
      A > 0e 00
      A > 07 00000000, 61
      ! linkBlocked A
      ! writable
  12  A < 08 00000000
`,
)

transcript(
  'the peer blocks a link; only it can undo that',
  {},
  `
  0   A work
  0   A < 0e 01
      ! linkBlocked A
  0   write 61
  1   A blocks
      A > 0e 01
      ! linkBlocked A
  2   A unblocks
      A > 0e 00
      ! linkBlocked A
  3   A < 0e 01                 | said twice is said once
  4   A < 0e 00
      A > 07 00000000, 61
      ! linkBlocked A
      ! writable
  14  A < 08 00000000
`,
)

transcript(
  'any value but 0 in SetBlock blocks',
  {},
  `
  0   A work
  0   A < 0e ff
      ! linkBlocked A
`,
)

transcript(
  'we disconnect a link: acks first, then Goodbye; it goes when the peer said Goodbye, too',
  {},
  `
  0   A B work
  0   A fills
  0   A < 07 00000000, 61
      ! readable
  0   read 61
  1   A leaves
      ! linkNotWorking A disconnecting
  2   A drains
      A > 08 00000000
      A > 0f
  12  A < 0f
      ! linkClosed A locally-requested
`,
)

transcript(
  'the peer disconnects a link',
  {},
  `
  0   A B work
  0   A < 07 00000000, 61, 0f
      A > 08 00000000           | outstanding acks, then our own Goodbye
      A > 0f
      ! readable
      ! linkNotWorking A disconnecting
      ! linkClosed A remotely-requested
  0   read 61
`,
)

transcript(
  'Goodbyes of both sides cross',
  {},
  `
  0   A B work
  0   A leaves
      A > 0f
      ! linkNotWorking A disconnecting
  5   A < 0f
      ! linkClosed A locally-requested
`,
)

transcript(
  'a link that says Goodbye is still read: data and acks',
  {},
  `
  0   A B work
  0   write 61
      A > 07 00000000, 61       | free: A or B
      ! writable
  1   A leaves
      A > 0f
      B > 07 00000000, 61
      ! linkNotWorking A disconnecting
  5   A < 07 00000000, 62       | no ack may follow our Goodbye: the peer sends it again elsewhere
      ! readable
  5   read 62
  6   B < 07 00000000, 62
      B > 08 00000000
  10  A < 08 00000000, 0f
      ! linkClosed A locally-requested
  11  B < 08 00000000
`,
)

transcript(
  'Goodbye on the last link: the connection waits for another one',
  {},
  `
  0   A work
  0   A < 0f
      A > 0f
      ! linkNotWorking A disconnecting
      ! linkClosed A remotely-requested
  1   write 61
  100 B joins
      B > 05
  110 B < 06
      ! linkWorking B
      B > 07 00000000, 61
      ! writable
  120 B < 08 00000000
`,
)

transcript(
  'no working link for the time allowed ends the connection',
  { config: { noLinkTimeout: 3_000 } },
  `
  0   A work
  100 A breaks
      ! linkClosed A io-error abruptly
  3100 wait
      ! closed no-links-timeout
`,
)

transcript(
  'an ack that is overdue: the link does not work, the message waits, and late acks are as good as a test',
  { config: { link: { ackTimeoutMin: 1_000, ackTimeoutFactor: 1 } } },
  `
  0   A work
  0   write 61
      A > 07 00000000, 61
      ! writable
  12  wait                      | free: hawser asks a silent link
      A > 05
  1000 wait
      ! linkNotWorking A ack-timeout
  1500 A < 08 00000000
      ! linkWorking A
  1501 A < 06
`,
)

transcript(
  'everything that a broken link carried goes out again, oldest first, before new data',
  { config: { chunkSize: 1 } },
  `
  0   A work
  0   write 61 62 63
      A > 07 00000000, 61
      A > 07 00000001, 62
      A > 07 00000002, 63
      ! writable
  5   A breaks
      ! linkClosed A io-error abruptly
  6   write 64
  6   B joins
      B > 05
  16  B < 06
      ! linkWorking B
      B > 07 00000000, 61
      B > 07 00000001, 62
      B > 07 00000002, 63
      B > 07 00000003, 64
      ! writable
  26  B < 08 00000000, 08 00000001, 08 00000002, 08 00000003
`,
)

transcript(
  'Consumed goes before what is sent again and before new data',
  { config: { recvBuffer: 10, chunkSize: 1 } },
  `
  0   A work
  0   write 61
      A > 07 00000000, 61
      ! writable
  1   A < 07 00000000, 78 79
      A > 08 00000000
      ! readable
  2   A breaks
      ! linkClosed A io-error abruptly
  3   B joins
      B > 05
  4   read 78 79
  5   write 62
  13  B < 06
      ! linkWorking B
      B > 09 00000001 00000002  | section 6: Consumed, resends, new data
      B > 07 00000000, 61
      B > 07 00000002, 62
      ! writable
  23  B < 08 00000001, 08 00000000, 08 00000002
`,
)
