//! What a set of rows is known by, in whatever order they come.

use std::fmt;
use std::str::FromStr;

/// How many rows there are, and the sum of their hashes: of each of the four 64-bit numbers (little-endian) of a hash, modulo 2^64.
/// Two sets of rows with the same tally are the same rows, each as often; against accidents, not against somebody who
/// makes rows for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rows.
    pub rows: u64,
    sum: [u64; 4],
}

/// Text that is no tally.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is no tally of rows")]
pub struct TallyError(String);

impl Tally {
    /// Adds a row by its hash.
    pub fn add(&mut self, hash: &[u8; 32]) {
        self.rows += 1;
        for (sum, part) in self.sum.iter_mut().zip(hash.chunks_exact(8)) {
            let part = part.try_into().map_or(0, u64::from_le_bytes);
            *sum = sum.wrapping_add(part);
        }
    }

    /// Adds the rows of another set.
    pub fn join(&mut self, other: &Self) {
        self.rows += other.rows;
        for (sum, part) in self.sum.iter_mut().zip(other.sum) {
            *sum = sum.wrapping_add(part);
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.rows)?;
        self.sum.iter().try_for_each(|part| write!(f, "{part:016x}"))
    }
}

impl FromStr for Tally {
    type Err = TallyError;

    fn from_str(text: &str) -> Result<Self, TallyError> {
        let wrong = || TallyError(text.to_owned());
        let (rows, sum) = text.split_once(':').ok_or_else(wrong)?;
        let mut tally = Self {
            rows: rows.parse().map_err(|_| wrong())?,
            sum: [0; 4],
        };
        if sum.len() != 64 || !sum.is_ascii() {
            return Err(wrong());
        }
        for (part, slot) in tally.sum.iter_mut().enumerate() {
            let digits = &sum[part * 16..part * 16 + 16];
            *slot = u64::from_str_radix(digits, 16).map_err(|_| wrong())?;
        }
        Ok(tally)
    }
}

ostler_vocabulary::serde_as_text!(Tally);

#[cfg(test)]
mod tests {
    use super::Tally;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_order_of_rows_does_not_count_and_their_number_does(rows in prop::collection::vec(any::<[u8; 32]>(), 1..20)) {
            let tally = |rows: &[[u8; 32]]| {
                let mut tally = Tally::default();
                rows.iter().for_each(|row| tally.add(row));
                tally
            };
            let mut turned = rows.clone();
            turned.reverse();
            let all = tally(&rows);
            prop_assert_eq!(all, tally(&turned));
            prop_assert_ne!(all, tally(&rows[1..]));
            let mut parts = tally(&rows[..1]);
            parts.join(&tally(&rows[1..]));
            prop_assert_eq!(all, parts);
            prop_assert_eq!(all.to_string().parse(), Ok(all));
        }
    }
}
