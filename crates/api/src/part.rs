//! A part of a backup: how much of its data is read.

use ostler_vocabulary::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A part of a backup's data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// So much of it; each time the part that comes after the one before.
    Share(Share),
    /// What was neither stored nor read for so long.
    OlderThan(Span),
}

/// A share in hundredths of a percent: more than nothing, at most all. Written `5%` or `0.25%`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share(u32);

impl Share {
    /// Everything.
    const ALL: u32 = 10_000;

    /// Whether it is everything.
    #[must_use]
    pub fn is_all(self) -> bool {
        self.0 == Self::ALL
    }

    /// So much of a number, rounded up.
    #[must_use]
    pub fn of(self, whole: u32) -> u32 {
        whole.saturating_mul(self.0).div_ceil(Self::ALL)
    }
}

/// A text that is no share.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a share: write a percentage, such as 5% or 0.25%, of at least 0.01% and at most 100%")]
pub struct ShareError(String);

impl std::str::FromStr for Share {
    type Err = ShareError;

    fn from_str(text: &str) -> Result<Self, ShareError> {
        let wrong = || ShareError(text.to_owned());
        let number = text.trim().strip_suffix('%').ok_or_else(wrong)?.trim_end();
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || whole.len() > 3 || fraction.len() > 2 {
            return Err(wrong());
        }
        let parse = |text: &str| text.parse::<u32>().map_err(|_| wrong());
        let scale = if fraction.len() == 1 { 10 } else { 1 };
        let share = parse(whole)? * 100 + parse(fraction)? * scale;
        match share {
            1..=Self::ALL => Ok(Self(share)),
            _ => Err(wrong()),
        }
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.0 / 100, self.0 % 100) {
            (whole, 0) => write!(f, "{whole}%"),
            (whole, part) => write!(f, "{whole}.{part:02}%"),
        }
    }
}

ostler_vocabulary::serde_as_text!(Share);

#[cfg(test)]
mod tests {
    use super::Share;

    #[test]
    fn shares_are_percentages_from_a_hundredth_to_a_hundred() {
        for (text, shown, of) in [
            ("5%", "5%", 13),
            ("0.25 %", "0.25%", 1),
            ("12.5%", "12.50%", 32),
            ("100%", "100%", 256),
        ] {
            let share: Share = text.parse().unwrap();
            assert_eq!((share.to_string().as_str(), share.of(256)), (shown, of));
            assert_eq!(shown.parse(), Ok(share));
        }
        for text in [
            "", "5", "%", "0%", "0.001%", "100.01%", "-5%", "5%%", "1e2%", "5.%",
        ] {
            assert!(text.parse::<Share>().is_err(), "{text}");
        }
    }
}
