//! When a file's times cannot prove that it has not changed since it was read.

use std::time::Duration;

use ostler_vault::list::FileTime;
use ostler_vocabulary::Timestamp;

/// Kernels stamp files with a clock that ticks every few milliseconds.
const FINE: Duration = Duration::from_millis(100);
/// File systems without parts of a second; FAT counts in steps of two.
const COARSE: Duration = Duration::from_millis(2500);

/// Whether a file with these times, read at or after `opened`, may be written again without getting other times:
/// the stamp it has could still be given to a write after the reading.
pub(crate) fn is_racy(modified: FileTime, changed: FileTime, opened: Timestamp) -> bool {
    let margin = if modified.nanoseconds == 0 && changed.nanoseconds == 0 {
        COARSE
    } else {
        FINE
    };
    let newest = modified.max(changed);
    let nanoseconds =
        i128::from(newest.seconds) * 1_000_000_000 + i128::from(newest.nanoseconds.min(999_999_999));
    let margin = i128::try_from(margin.as_nanos()).unwrap_or(i128::MAX);
    nanoseconds >= opened.as_nanosecond() - margin
}

#[cfg(test)]
mod tests {
    use super::is_racy;
    use ostler_vault::list::FileTime;
    use ostler_vocabulary::Timestamp;

    #[test]
    fn a_file_is_racy_while_its_stamp_could_be_given_again() {
        let opened = Timestamp::from_second(1000).unwrap();
        let at = |seconds, nanoseconds| FileTime { seconds, nanoseconds };
        for (modified, changed, expected) in [
            (at(900, 1), at(900, 1), false),
            (at(999, 850_000_000), at(999, 850_000_000), false),
            (at(999, 950_000_000), at(10, 5), true),
            (at(10, 5), at(999, 950_000_000), true),
            (at(998, 0), at(998, 0), true),
            (at(997, 0), at(997, 0), false),
            (at(5000, 0), at(1, 0), true),
            (at(i64::MAX, 0), at(1, 0), true),
        ] {
            assert_eq!(
                is_racy(modified, changed, opened),
                expected,
                "{modified:?} {changed:?}"
            );
        }
    }
}
