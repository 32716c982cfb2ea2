// Bytes that the reference itself sent: `agg-speed` of aggligator-util 0.18.7 (aggligator 0.9.7), over loopback, with
// frame headers. The other side used the key below, so what was encrypted for it can be decrypted here.

/** Secret key of the side that captured. */
export const SECRET_KEY = '77076d0a7318a57d3c16c17251b26645d6ad9b1b5b5b5b5b5b5b5b5b5b5b5b5b'
export const PUBLIC_KEY = 'fdee96c849497276a839d155ff457335f1721a5c708ab6a590e57ce7baf2af46'

/** First frame of a link to `agg-speed server`. */
export const WELCOME =
  '000000430000c696e8ba014c494147000400000000512db98f1edef68ebe983b9d169f81f3a1f23f5ae61bdc27ed8af9605f1fe676' +
  '4a8530eb1bdcc6b4f1db8c493925944100026c6f04000000'

/** Its answer to Connect, frame 1. */
export const ACCEPTED = '0000000100014b0bbe3703'

/** Frame 2: 8,192 bytes of test data begin; behind the header comes `0d 00 01 ... ff 00 01 ...`. */
export const TEST_DATA_HEADER = '000020010002fc30d462'

/** Frames 129 to 133: Ping, Pong, a Data message (the seed of the speed test), the header of the next one. */
export const AFTER_TEST =
  '000000010081a2681b0205' +
  '0000000100823b614ab806' +
  '00000005008374022b0d0700000000' +
  '000000080084553d241464483ed22b106b6d' +
  '00000005008503051b9b0700000001'
export const AFTER_TEST_SEQUENCE = 129

/** First frames of two links of one `agg-speed client`. */
export const CONNECTS = [
  '000000540000bd78de12024c49414700040000000082159a13e5a52318f232315d63749d75ee8d44b797b62658c2b0537f58403b65' +
    '00000000000000000000000000000000418ec469617c314106c3ed1c08fe0d4c0000026c6f04000000',
  '0000005400008c495a26024c49414700040000000001c828bc033d3ed2b1caf0b138715af3184a0eb8be5e56dc2e2462ed48ad982e' +
    '000000000000000000000000000000002d7a14d9b77cd0c025bf0722754b05840000026c6f04000000',
] as const

/** Connection id inside both. */
export const CONNECTION_ID = '9caf491bef16d49ba8c4876f3ed83808'
