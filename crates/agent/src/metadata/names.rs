//! Names of users and groups, from the files of this machine.

use std::collections::HashMap;
use std::fs;

#[derive(Debug, Default)]
pub(crate) struct Names {
    users: HashMap<u32, String>,
    groups: HashMap<u32, String>,
}

impl Names {
    /// Those of `/etc/passwd` and `/etc/group`. Ids of other directories have no name here; the number is what counts.
    pub(crate) fn of_this_machine() -> Self {
        let read = |path| {
            fs::read(path)
                .map(|text| parse(&String::from_utf8_lossy(&text)))
                .unwrap_or_default()
        };
        Self {
            users: read("/etc/passwd"),
            groups: read("/etc/group"),
        }
    }

    pub(crate) fn user(&self, id: u32) -> Option<String> {
        self.users.get(&id).cloned()
    }

    pub(crate) fn group(&self, id: u32) -> Option<String> {
        self.groups.get(&id).cloned()
    }
}

/// Both files have the name in the first field and the number in the third.
fn parse(text: &str) -> HashMap<u32, String> {
    let mut names = HashMap::new();
    for line in text.lines() {
        let mut fields = line.split(':');
        if let (Some(name), Some(id)) = (fields.next(), fields.nth(1))
            && let Ok(id) = id.parse()
        {
            names.entry(id).or_insert_with(|| name.to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_first_name_of_a_number_counts_and_nonsense_is_skipped() {
        let names = super::parse("root:x:0:0::/root:/bin/sh\ntoor:x:0:0\n# comment\nbad:x:nine\nu:x:1000:\n");
        assert_eq!(names.len(), 2);
        assert_eq!(names[&0], "root");
        assert_eq!(names[&1000], "u");
    }
}
