//! Repeatable randomness for tests: a seed in the message of a failure is enough to see it again.

/// SplitMix64 (Steele, Lea, Flood 2014): tiny, and good enough to choose test data.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Starts from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`, which must not be 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.number() % limit
    }

    /// That many bytes; about a third of them compress well.
    #[must_use]
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length + 8);
        while bytes.len() < length {
            let word = self.number().to_le_bytes();
            if word[0] < 85 {
                bytes.extend_from_slice(&[word[1]; 16]);
            } else {
                bytes.extend_from_slice(&word);
            }
        }
        bytes.truncate(length);
        bytes
    }
}
