//! What CrateDB's error codes mean. Source: "HTTP endpoint: error codes" of the CrateDB manual.

use ostler_vocabulary::ErrorKind;

/// A row with such a key is there already.
pub const DUPLICATE_KEY: i64 = 4091;
/// A write, to a table or partition that is blocked.
pub const BLOCKED: i64 = 4035;

/// A table that is not there.
pub const UNKNOWN_TABLE: i64 = 4041;
/// A schema that is not there, or not to be seen.
pub const UNKNOWN_SCHEMA: i64 = 4045;
/// A partition that is not there.
pub const UNKNOWN_PARTITION: i64 = 4046;

/// The kind of a failure, by CrateDB's code or, where there is none, by HTTP's status.
pub(crate) fn kind(code: Option<i64>, status: u16) -> ErrorKind {
    match code {
        Some(4007 | 4035 | 4037 | 4092) => ErrorKind::Conflict,
        Some(4000..=4008 | 40000 | 40010..=40013) => ErrorKind::Invalid,
        Some(4010..=4019 | 4031..=4036) => ErrorKind::Denied,
        Some(4040..=4049 | 40410 | 40411) => ErrorKind::NotFound,
        Some(4091 | 4093..=4099 | 40910) => ErrorKind::AlreadyExists,
        Some(5002 | 5030..=5035) => ErrorKind::Unavailable,
        Some(_) => by_status(status),
        None => by_status(status),
    }
}

fn by_status(status: u16) -> ErrorKind {
    match status {
        401 | 403 => ErrorKind::Denied,
        404 => ErrorKind::NotFound,
        409 => ErrorKind::Conflict,
        429 | 502..=504 => ErrorKind::Unavailable,
        400..=499 => ErrorKind::Invalid,
        _ => ErrorKind::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::kind;
    use ostler_vocabulary::ErrorKind;

    #[test]
    fn codes_and_statuses_have_kinds() {
        for (code, status, expected) in [
            (Some(4000), 400, ErrorKind::Invalid),
            (Some(4035), 403, ErrorKind::Conflict),
            (Some(4011), 401, ErrorKind::Denied),
            (Some(4041), 404, ErrorKind::NotFound),
            (Some(4096), 409, ErrorKind::AlreadyExists),
            (Some(5031), 503, ErrorKind::Unavailable),
            (Some(5000), 500, ErrorKind::Internal),
            (None, 401, ErrorKind::Denied),
            (None, 429, ErrorKind::Unavailable),
        ] {
            assert_eq!(kind(code, status), expected, "{code:?} {status}");
        }
    }
}
