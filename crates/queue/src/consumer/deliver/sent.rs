//! Which events a delivery had.

use std::collections::BTreeSet;

/// Numbers of events, mostly a byte each: they ascend within a batch, and a batch may have millions.
#[derive(Debug, Default)]
pub(super) struct Sent {
    last: i64,
    /// Steps from each number to the next, seven bits a byte, the lowest first; the high bit says that there are more.
    steps: Vec<u8>,
}

impl Sent {
    /// Notes one more.
    pub fn add(&mut self, ev_id: i64) {
        let mut step = ev_id.wrapping_sub(self.last).cast_unsigned();
        self.last = ev_id;
        while step >= 0x80 {
            self.steps.push((step & 0x7f) as u8 | 0x80);
            step >>= 7;
        }
        self.steps.push(step as u8);
    }

    /// One of these that is not there.
    pub fn missing(&self, wanted: impl IntoIterator<Item = i64>) -> Option<i64> {
        let mut wanted: BTreeSet<i64> = wanted.into_iter().collect();
        let (mut ev_id, mut step, mut shift) = (0_i64, 0_u64, 0);
        for byte in &self.steps {
            if wanted.is_empty() {
                break;
            }
            step |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                ev_id = ev_id.wrapping_add(step.cast_signed());
                wanted.remove(&ev_id);
                (step, shift) = (0, 0);
            }
        }
        wanted.pop_first()
    }
}

#[cfg(test)]
mod tests {
    use super::Sent;
    use proptest::prelude::*;

    #[test]
    fn an_event_takes_a_byte_or_two() {
        let mut sent = Sent::default();
        for ev_id in (1_000_000_000..).step_by(3).take(100_000) {
            sent.add(ev_id);
        }
        assert!(sent.steps.len() < 100_010, "{}", sent.steps.len());
    }

    proptest! {
        #[test]
        fn exactly_what_was_added_is_there(numbers in proptest::collection::vec(any::<i64>(), 0..50), other in any::<i64>()) {
            let mut sent = Sent::default();
            for number in &numbers {
                sent.add(*number);
            }
            prop_assert_eq!(sent.missing(numbers.clone()), None);
            prop_assert_eq!(sent.missing([other]).is_none(), numbers.contains(&other));
        }
    }
}
