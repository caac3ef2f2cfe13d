//! Words that carry a secret: a stored command must not.

/// Keys whose values are secrets.
const KEYS: [&str; 7] = [
    "password",
    "passwd",
    "secret",
    "token",
    "passphrase",
    "pgpassword",
    "apikey",
];

/// What in this word looks like a secret: a password in a URL, or `password=…` and the like, also inside a shell
/// command. A reference such as `$NAME` is none.
#[must_use]
pub fn carries_secret(word: &str) -> Option<&'static str> {
    if word.split("://").skip(1).any(has_password) {
        return Some("a password in a URL");
    }
    let lower = word.to_ascii_lowercase();
    let assigned = KEYS.iter().any(|key| {
        lower.match_indices(key).any(|(at, _)| {
            let rest = lower[at + key.len()..].trim_start();
            let Some(value) = rest.strip_prefix(['=', ':']) else {
                return false;
            };
            let value = value.trim_start().trim_start_matches(['"', '\'']);
            !value.is_empty() && !value.starts_with(['$', '/', '}', '&', ' '])
        })
    });
    assigned.then_some("the value of a password or token")
}

/// Whether what follows `://` begins with `user:password@`.
fn has_password(rest: &str) -> bool {
    let authority = rest
        .split(['/', '?', '#', ' ', '\'', '"'])
        .next()
        .unwrap_or_default();
    authority
        .rsplit_once('@')
        .and_then(|(user, _)| user.split_once(':'))
        .is_some_and(|(_, password)| !password.is_empty() && !password.starts_with('$'))
}

#[cfg(test)]
mod tests {
    use super::carries_secret;

    #[test]
    fn secrets_are_known_by_where_they_stand_and_references_are_none() {
        for word in [
            "postgresql://app:hunter2@db/main",
            "host=db password=hunter2",
            "PGPASSWORD='hunter2' pg_dump",
            "curl -H 'X-Token: abc' http://x",
            "https://x/?apikey=17",
        ] {
            assert!(carries_secret(word).is_some(), "{word}");
        }
        for word in [
            "/srv/passwords",
            "postgresql://app@db/main",
            "postgresql://app:$PW@db/main",
            "PGPASSWORD=\"$SECRET\" pg_dump",
            "--passphrase-file",
            "token",
            "password=/run/secrets/pw",
            "s3://bucket/a:b@c",
            "12:30",
        ] {
            assert_eq!(carries_secret(word), None, "{word}");
        }
    }
}
