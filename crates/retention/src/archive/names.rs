//! Names of an archive's objects.

use std::fmt::Write;

use ostler_api::retention::TableName;
use ostler_store::Key;

/// What everything begins with.
const ROOT: &str = "ostler-archive";

/// The names of one table's archives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    table: String,
}

impl Names {
    /// Those of a table of a database.
    #[must_use]
    pub fn new(database: &str, table: &TableName) -> Self {
        let parts = [database, &table.schema, &table.name].map(escaped);
        Self {
            table: format!("{ROOT}/{}", parts.join("/")),
        }
    }

    /// What the manifests' names begin with.
    #[must_use]
    pub fn manifests(&self) -> String {
        format!("{}/manifests/", self.table)
    }

    /// A manifest's name.
    ///
    /// # Errors
    /// When names are too long for a store.
    pub fn manifest(&self, archive: &str) -> Result<Key, ostler_store::Error> {
        Key::new(format!("{}{archive}.json", self.manifests()))
    }

    /// What the names of an archive's files begin with, of all tries or of one.
    #[must_use]
    pub fn data(&self, archive: &str, attempt: Option<u32>) -> String {
        let mut prefix = format!("{}/data/{archive}-", self.table);
        if let Some(attempt) = attempt {
            let _ = write!(prefix, "{attempt}/");
        }
        prefix
    }
}

/// A name with letters that every store takes: others as `=` and two hexadecimal digits for each byte. A name that would be too
/// long is cut, and ends with its hash.
fn escaped(name: &str) -> String {
    let mut text = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' => text.push(char::from(byte)),
            other => {
                let _ = write!(text, "={other:02x}");
            }
        }
    }
    if text.len() > 200 {
        let hash = blake3::hash(name.as_bytes()).to_hex();
        text.truncate(160);
        text = format!("{text}=={}", &hash[..32]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::Names;
    use ostler_api::retention::TableName;

    #[test]
    fn any_table_has_names_that_every_store_takes() {
        for (schema, name, expected) in [
            (
                "public",
                "readings",
                "ostler-archive/app/public/readings/manifests/7.json",
            ),
            (
                "My.ext",
                "größe",
                "ostler-archive/app/My=2eext/gr=c3=b6=c3=9fe/manifests/7.json",
            ),
            ("..", "a/b", "ostler-archive/app/=2e=2e/a=2fb/manifests/7.json"),
        ] {
            let table = TableName {
                schema: schema.into(),
                name: name.into(),
            };
            let key = Names::new("app", &table).manifest("7").unwrap();
            assert_eq!(key.as_str(), expected);
        }
        let long = TableName::in_public("列".repeat(63));
        assert!(Names::new(&"列".repeat(63), &long).manifest("7").is_ok());
    }
}
