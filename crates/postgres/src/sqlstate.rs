//! What the server's error codes mean.
//!
//! Source: "PostgreSQL Error Codes" of the manual.

use ostler_vocabulary::ErrorKind;

/// The kind of an error with this SQLSTATE.
///
/// Deadlocks and serialization failures are `Unavailable`: the same transaction made again may succeed.
pub fn kind(code: &str, message: &str) -> ErrorKind {
    match code {
        "57014" if message.contains("timeout") => ErrorKind::Timeout,
        "57014" => ErrorKind::Cancelled,
        "55P03" | "55006" => ErrorKind::Busy,
        "40001" | "40P01" | "57P01" | "57P02" | "57P03" | "57P05" | "25006" | "25P03" | "25P04" => {
            ErrorKind::Unavailable
        }
        "42501" => ErrorKind::Denied,
        "3D000" | "3F000" | "42P01" | "42883" | "42704" | "42703" => ErrorKind::NotFound,
        "42P04" | "42P06" | "42P07" | "42701" | "42710" | "42723" | "23505" => ErrorKind::AlreadyExists,
        "0A000" => ErrorKind::Unsupported,
        "XX001" | "XX002" => ErrorKind::Corrupt,
        _ => match code.get(..2).unwrap_or_default() {
            "08" | "53" | "58" => ErrorKind::Unavailable,
            "28" => ErrorKind::Denied,
            "22" | "23" | "42" | "26" | "34" => ErrorKind::Invalid,
            "25" | "55" | "2B" => ErrorKind::Conflict,
            "0B" | "0L" | "0P" => ErrorKind::Denied,
            _ => ErrorKind::Internal,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{ErrorKind, kind};

    #[test]
    fn codes_mean_what_can_be_done_about_them() {
        for (code, message, meant) in [
            (
                "57014",
                "canceling statement due to statement timeout",
                ErrorKind::Timeout,
            ),
            (
                "57014",
                "canceling statement due to user request",
                ErrorKind::Cancelled,
            ),
            ("28P01", "password authentication failed", ErrorKind::Denied),
            ("53300", "too many clients already", ErrorKind::Unavailable),
            ("40P01", "deadlock detected", ErrorKind::Unavailable),
            ("55P03", "could not obtain lock", ErrorKind::Busy),
            ("42P01", "relation does not exist", ErrorKind::NotFound),
            ("42601", "syntax error", ErrorKind::Invalid),
            ("P0001", "whatever a function says", ErrorKind::Internal),
            ("", "", ErrorKind::Internal),
            ("ü", "", ErrorKind::Internal),
        ] {
            assert_eq!(kind(code, message), meant, "{code} {message}");
        }
    }
}
