//! What a run asked of the vault's store, and what that costs.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Requests that were sent to the store, each try of a request counted, and the bytes of objects.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Traffic {
    /// Requests that create an object.
    pub created: u64,
    /// Requests that read an object or a part of it.
    pub read: u64,
    /// Requests that ask for an object's size.
    pub looked_up: u64,
    /// Pages of listings.
    pub listed: u64,
    /// Requests that delete an object.
    pub deleted: u64,
    /// Those of all of them that failed.
    pub failed: u64,
    /// Bytes sent.
    pub sent_bytes: u64,
    /// Bytes received.
    pub received_bytes: u64,
    /// How long a request took on average, in milliseconds.
    pub average_ms: u64,
    /// How long the slowest took, in milliseconds.
    pub slowest_ms: u64,
    /// What that costs, where the vault has a price list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
}

impl Traffic {
    /// All requests.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.created + self.read + self.looked_up + self.listed + self.deleted
    }
}

/// An amount of money by a price list of the configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cost {
    /// How much.
    pub amount: f64,
    /// Of what, as the price list says.
    pub currency: String,
}

impl fmt::Display for Cost {
    /// As people write it: with two places after the point, and more where the amount is small.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = if self.amount < 1.0 { 4 } else { 2 };
        write!(f, "{:.places$}", self.amount)?;
        match self.currency.as_str() {
            "" => Ok(()),
            currency => write!(f, " {currency}"),
        }
    }
}

/// What will have to be read from the store, before it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    /// Bytes to be received.
    pub bytes: u64,
    /// Requests that read.
    pub requests: u64,
    /// How long it will take in milliseconds, by the vault's limits and the last restore from it; `None` without both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// What it costs, where the vault has a price list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
}
