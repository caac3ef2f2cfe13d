//! Who runs this process.

use ostler_api::audit::{Actor, By};

/// The user that runs this process, as the machine knows them; the environment could say anything. `uid N` for one without
/// a name.
#[must_use]
pub fn caller() -> Actor {
    let uid = rustix::process::getuid().as_raw();
    let name = std::fs::read_to_string("/etc/passwd")
        .ok()
        .and_then(|users| named(&users, uid));
    Actor {
        who: name.unwrap_or_else(|| format!("uid {uid}")),
        by: By::Command,
        address: None,
    }
}

/// The user's name in the format of passwd(5).
fn named(users: &str, uid: u32) -> Option<String> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let number: u32 = fields.nth(1)?.parse().ok()?;
        (number == uid && !name.is_empty()).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn users_are_found_by_number() {
        let users = "root:x:0:0:root:/root:/bin/sh\nbroken\nada:x:1000:1000:Ada,,,:/home/ada:/bin/sh\n";
        assert_eq!(named(users, 1000).as_deref(), Some("ada"));
        assert_eq!(named(users, 7), None);
    }
}
