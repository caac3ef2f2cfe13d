//! Sizes, times and names as people read them.

use std::ffi::OsString;
use std::time::Duration;

use crate::{ByteSize, ProgressValue, Timestamp, Unit};

/// `3.2 GiB`
#[must_use]
pub fn size(bytes: u64) -> String {
    ByteSize(bytes).to_string()
}

/// `12,345`
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 file`, `12 files`
#[must_use]
pub fn plural(number: u64, noun: &str) -> String {
    match (number, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{} {stem}ies", count(number)),
        (_, None) if noun.ends_with("ch") => format!("{} {noun}es", count(number)),
        (_, None) => format!("{} {noun}s", count(number)),
    }
}

/// `850 ms`, `3.2 s`, `4 min 10 s`, `2 h 5 min`, `3 d 4 h`
#[must_use]
pub fn duration(length: Duration) -> String {
    let seconds = length.as_secs();
    match seconds {
        0 => format!("{} ms", length.as_millis()),
        1..=59 => format!("{}.{} s", seconds, length.subsec_millis() / 100),
        60..=3_599 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..=86_399 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// The same for what is only estimated: no fractions of a second.
#[must_use]
pub fn about(length: Duration) -> String {
    match length.as_secs() {
        seconds @ 0..=59 => format!("{seconds} s"),
        _ => duration(length),
    }
}

/// `2 h ago`; what is in the future by other machines' clocks is `just now`.
#[must_use]
pub fn ago(now: Timestamp, then: Timestamp) -> String {
    let seconds = now.as_second().saturating_sub(then.as_second());
    match seconds {
        i64::MIN..=4 => "just now".to_owned(),
        5..=59 => format!("{seconds} s ago"),
        60..=3_599 => format!("{} min ago", seconds / 60),
        3_600..=172_799 => format!("{} h ago", seconds / 3_600),
        172_800..=5_183_999 => format!("{} d ago", seconds / 86_400),
        5_184_000..=63_071_999 => format!("{} mo ago", seconds / 2_592_000),
        _ => format!("{} y ago", seconds / 31_536_000),
    }
}

/// `2026-11-21 08:13Z`
#[must_use]
pub fn moment(then: Timestamp) -> String {
    then.strftime("%Y-%m-%d %H:%MZ").to_string()
}

/// `37 %`, of which no rounding makes 100.
#[must_use]
pub fn percent(done: u64, total: u64) -> String {
    if total == 0 {
        return "–".to_owned();
    }
    let share = u128::from(done.min(total)) * 100 / u128::from(total);
    format!("{share} %")
}

/// `1.2 GiB of 3.2 GiB`, `12 of 40 files`, `12 files`
#[must_use]
pub fn share(value: &ProgressValue) -> String {
    let noun = match value.unit {
        Unit::Bytes if value.total == 0 => return size(value.done),
        Unit::Bytes => return format!("{} of {}", size(value.done), size(value.total)),
        Unit::Files => "file",
        Unit::Objects => "object",
        Unit::Backups => "backup",
        Unit::Rows => "row",
    };
    if value.total == 0 {
        plural(value.done, noun)
    } else {
        format!("{} of {}", count(value.done), plural(value.total, noun))
    }
}

/// `210.4 MiB/s`, `35 files/s`
#[must_use]
pub fn rate(per_second: u64, unit: Unit) -> String {
    match unit {
        Unit::Bytes => format!("{}/s", size(per_second)),
        Unit::Files => format!("{} files/s", count(per_second)),
        Unit::Objects => format!("{} objects/s", count(per_second)),
        Unit::Backups => format!("{} backups/s", count(per_second)),
        Unit::Rows => format!("{} rows/s", count(per_second)),
    }
}

/// Text without control characters: names come from file systems and stores, and must not move the cursor.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        // Format characters (such as those that turn the direction of writing) deceive as well as control ones do.
        if c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            clean.extend(c.escape_default());
        } else {
            clean.push(c);
        }
    }
    clean
}

/// A command line of `ostler` that a shell reads back as these words.
#[must_use]
pub fn command_line(words: &[OsString]) -> String {
    let mut text = String::from("ostler");
    for word in words {
        text.push(' ');
        text.push_str(&quoted(&word.to_string_lossy()));
    }
    text
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,~@%+".contains(c);
    if !word.is_empty() && !word.starts_with('~') && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{ago, command_line, count, duration, percent, plural, printable};

    #[test]
    fn numbers_are_grouped_and_nouns_agree() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), text);
        }
        assert_eq!(plural(1, "entry"), "1 entry");
        assert_eq!(plural(2, "entry"), "2 entries");
        assert_eq!(plural(0, "file"), "0 files");
        assert_eq!(percent(999, 1000), "99 %");
        assert_eq!(percent(u64::MAX, u64::MAX), "100 %");
    }

    #[test]
    fn lengths_of_time_have_two_units_at_most() {
        for (ms, text) in [
            (850, "850 ms"),
            (3_250, "3.2 s"),
            (250_000, "4 min 10 s"),
            (7_500_000, "2 h 5 min"),
            (273_600_000, "3 d 4 h"),
        ] {
            assert_eq!(duration(Duration::from_millis(ms)), text);
        }
    }

    #[test]
    fn the_past_is_told_in_one_unit_and_the_future_is_now() {
        let now = "2026-11-21T10:00:00Z".parse().unwrap();
        for (then, text) in [
            ("2026-11-21T10:30:00Z", "just now"),
            ("2026-11-21T09:59:30Z", "30 s ago"),
            ("2026-11-20T10:00:00Z", "24 h ago"),
            ("2026-11-18T10:00:00Z", "3 d ago"),
            ("2026-08-01T10:00:00Z", "3 mo ago"),
            ("2020-11-21T10:00:00Z", "6 y ago"),
        ] {
            assert_eq!(ago(now, then.parse().unwrap()), text);
        }
    }

    #[test]
    fn names_cannot_move_the_cursor_and_shells_read_commands_back() {
        assert_eq!(printable("a\u{1b}[2Jb\u{202e}c\n"), "a\\u{1b}[2Jb\\u{202e}c\\n");
        let words = ["restore", "it's", "", "~/x", "a b"].map(Into::into);
        assert_eq!(command_line(&words), r"ostler restore 'it'\''s' '' '~/x' 'a b'");
    }
}
