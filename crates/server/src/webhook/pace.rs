//! When a message is sent again that was not taken: a pure function.

use std::time::Duration;

/// The pause after each attempt that failed: two and a half days in all.
const PAUSES: [Duration; 13] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(2 * 60),
    Duration::from_secs(10 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(3600),
    Duration::from_secs(2 * 3600),
    Duration::from_secs(4 * 3600),
    Duration::from_secs(8 * 3600),
    Duration::from_secs(12 * 3600),
    Duration::from_secs(16 * 3600),
    Duration::from_secs(16 * 3600),
];

/// How long to wait after so many attempts; `None` when it is given up.
pub(crate) fn pause(attempts: u32) -> Option<Duration> {
    let index = usize::try_from(attempts.checked_sub(1)?).ok()?;
    PAUSES.get(index).copied()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{PAUSES, pause};

    #[test]
    fn pauses_grow_and_have_an_end() {
        assert!(PAUSES.windows(2).all(|pair| pair[0] <= pair[1]));
        assert_eq!(pause(1), Some(Duration::from_secs(1)));
        assert_eq!(pause(u32::try_from(PAUSES.len()).unwrap() + 1), None);
        let all: Duration = PAUSES.iter().sum();
        assert!(all > Duration::from_secs(2 * 86_400) && all < Duration::from_secs(3 * 86_400));
    }
}
