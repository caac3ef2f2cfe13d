//! Numbers of variable length (LEB128: seven bits a byte, lowest first), and a reader of bytes that cannot panic.

/// Why stored bytes cannot be read as what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

pub(crate) fn put_number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        #[expect(clippy::cast_possible_truncation, reason = "the low seven bits are meant")]
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    #[expect(clippy::cast_possible_truncation, reason = "below 128")]
    out.push(value as u8);
}

/// The difference to `before`, wrapping, with the sign in the lowest bit so that small steps back stay short.
pub(crate) fn put_step(out: &mut Vec<u8>, before: u64, value: u64) {
    let step = value.wrapping_sub(before).cast_signed();
    put_number(out, ((step << 1) ^ (step >> 63)).cast_unsigned());
}

pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Takes numbers and bytes from the front of a slice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a>(pub(crate) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many bytes are left: the bound of every allocation for a stored count.
    pub(crate) fn left(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Malformed> {
        let (first, rest) = self.0.split_first().ok_or(Malformed("it ends too early"))?;
        self.0 = rest;
        Ok(*first)
    }

    pub(crate) fn number(&mut self) -> Result<u64, Malformed> {
        let mut value: u64 = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(Malformed("a number is too large"));
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Malformed("a number is too long"))
    }

    pub(crate) fn small(&mut self) -> Result<u32, Malformed> {
        u32::try_from(self.number()?).map_err(|_| Malformed("a number is too large"))
    }

    pub(crate) fn step(&mut self, before: u64) -> Result<u64, Malformed> {
        let coded = self.number()?;
        let step = (coded >> 1) ^ (coded & 1).wrapping_neg();
        Ok(before.wrapping_add(step))
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(Malformed("it ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self
            .0
            .split_first_chunk::<N>()
            .ok_or(Malformed("it ends too early"))?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(self.number()?).map_err(|_| Malformed("a length is too large"))?;
        self.take(length)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Malformed("a text is not UTF-8"))
    }

    /// A count of things of which each takes at least `least` bytes.
    pub(crate) fn count(&mut self, least: usize) -> Result<usize, Malformed> {
        let count = usize::try_from(self.number()?).map_err(|_| Malformed("a count is too large"))?;
        if count > self.left() / least.max(1) {
            return Err(Malformed("a count is larger than what follows"));
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::{Cursor, put_number, put_step};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_and_steps_read_back(before: u64, value: u64) {
            let mut out = Vec::new();
            put_number(&mut out, value);
            put_step(&mut out, before, value);
            let mut cursor = Cursor(&out);
            prop_assert_eq!(cursor.number(), Ok(value));
            prop_assert_eq!(cursor.step(before), Ok(value));
            prop_assert!(cursor.is_empty());
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let mut cursor = Cursor(&bytes);
            while !cursor.is_empty() && cursor.number().is_ok() && cursor.bytes().is_ok() {}
        }
    }

    #[test]
    fn a_number_of_more_than_64_bits_is_refused() {
        assert!(Cursor(&[0xff; 11]).number().is_err());
        assert!(
            Cursor(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2])
                .number()
                .is_err()
        );
    }
}
