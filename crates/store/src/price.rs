//! What requests and bytes cost, by a price list that somebody gives.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{Count, Verb};

/// Bytes that transfer is priced by: services count in powers of ten.
const GIGABYTE: f64 = 1e9;

/// A price list. What is not in it costs nothing: there are no prices but those that were given.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Prices {
    /// What the numbers are in, for people: `USD`.
    pub currency: String,
    /// A thousand requests that create an object.
    pub create: f64,
    /// A thousand requests that read an object, a part of it, or its size.
    pub read: f64,
    /// A thousand pages of a listing.
    pub list: f64,
    /// A thousand requests that delete an object.
    pub delete: f64,
    /// A gigabyte (10⁹ bytes) that is sent.
    pub upload: f64,
    /// A gigabyte (10⁹ bytes) that is received.
    pub download: f64,
    /// A gigabyte (10⁹ bytes) that is stored for a month.
    pub storage: f64,
}

impl Prices {
    /// What this costs.
    #[must_use]
    pub fn cost(&self, counts: &BTreeMap<Verb, Count>) -> f64 {
        counts.iter().map(|(verb, count)| self.of(*verb, *count)).sum()
    }

    /// What a month costs in which so many bytes are stored.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "an estimate; exact up to 9·10¹⁵ bytes")]
    pub fn month(&self, bytes: u64) -> f64 {
        bytes as f64 / GIGABYTE * self.storage
    }

    /// Whether every price is a number that can be added up.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        [
            self.create,
            self.read,
            self.list,
            self.delete,
            self.upload,
            self.download,
            self.storage,
        ]
        .iter()
        .all(|price| price.is_finite() && *price >= 0.0)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "an estimate; exact up to 9·10¹⁵ requests or bytes"
    )]
    fn of(&self, verb: Verb, count: Count) -> f64 {
        let (request, byte) = match verb {
            Verb::Create => (self.create, self.upload),
            Verb::Get | Verb::GetRange | Verb::Head => (self.read, self.download),
            Verb::List => (self.list, 0.0),
            Verb::Delete => (self.delete, 0.0),
        };
        count.requests as f64 / 1000.0 * request + count.bytes as f64 / GIGABYTE * byte
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::Prices;
    use crate::{Count, Verb};

    #[test]
    fn requests_are_priced_by_the_thousand_and_bytes_by_the_gigabyte() {
        let prices = Prices {
            create: 0.005,
            read: 0.0004,
            download: 0.09,
            storage: 0.023,
            ..Prices::default()
        };
        let count = |requests, bytes| Count {
            requests,
            bytes,
            ..Count::default()
        };
        let counts = BTreeMap::from([
            (Verb::Create, count(2000, 5_000_000_000)),
            (Verb::Head, count(1000, 0)),
            (Verb::GetRange, count(1000, 2_000_000_000)),
            (Verb::Delete, count(9, 0)),
        ]);
        assert!((prices.cost(&counts) - (0.01 + 0.0008 + 0.18)).abs() < 1e-12);
        assert!(prices.cost(&BTreeMap::new()).abs() < 1e-12);
        assert!((prices.month(2_000_000_000_000) - 46.0).abs() < 1e-9);
        assert!(prices.is_sound());
        for price in [f64::NAN, f64::INFINITY, -1.0] {
            let wrong = Prices {
                upload: price,
                ..Prices::default()
            };
            assert!(!wrong.is_sound());
        }
    }
}
