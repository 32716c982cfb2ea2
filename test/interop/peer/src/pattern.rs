//! Test data that the other side can make again from its seed: the words of an xorshift32
//! generator, little-endian. `test/interop/pattern.ts` makes the same bytes.

use bytes::{Bytes, BytesMut};

pub struct Pattern {
    state: u32,
    word: [u8; 4],
    /// How many bytes of `word` have been given out.
    used: usize,
}

impl Pattern {
    pub fn new(seed: u32) -> Self {
        Self { state: if seed == 0 { 1 } else { seed }, word: [0; 4], used: 4 }
    }

    pub fn take(&mut self, length: usize) -> Bytes {
        let mut bytes = BytesMut::with_capacity(length + 4);
        while self.used < 4 && bytes.len() < length {
            bytes.extend_from_slice(&[self.word[self.used]]);
            self.used += 1;
        }
        while bytes.len() < length {
            self.state ^= self.state << 13;
            self.state ^= self.state >> 17;
            self.state ^= self.state << 5;
            self.word = self.state.to_le_bytes();
            self.used = (length - bytes.len()).min(4);
            bytes.extend_from_slice(&self.word[..self.used]);
        }
        bytes.freeze()
    }
}
