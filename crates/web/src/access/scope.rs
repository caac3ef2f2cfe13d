//! What somebody may see and touch.

use std::collections::BTreeSet;
use std::fmt;

use super::Role;

/// Everything, or what is about some clusters only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope(Option<BTreeSet<String>>);

impl Scope {
    /// These clusters; everything when none is named.
    #[must_use]
    pub fn of(clusters: impl IntoIterator<Item = String>) -> Self {
        let clusters: BTreeSet<String> = clusters.into_iter().collect();
        Self(Some(clusters).filter(|clusters| !clusters.is_empty()))
    }

    /// Whether nothing is left out.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.0.is_none()
    }

    /// The clusters, where it is not everything.
    #[must_use]
    pub fn clusters(&self) -> Option<&BTreeSet<String>> {
        self.0.as_ref()
    }

    /// As it is stored. An empty set, which nothing makes, is kept as one: it is nothing, and not everything.
    pub(super) fn stored(&self) -> Option<String> {
        self.0
            .as_ref()
            .map(|clusters| serde_json::to_string(clusters).unwrap_or_else(|_| "[]".to_owned()))
    }

    /// As it was stored. What cannot be read is nothing.
    pub(super) fn read(stored: Option<String>) -> Self {
        Self(stored.map(|text| serde_json::from_str(&text).unwrap_or_default()))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.write_str("everything"),
            Some(clusters) => {
                let names: Vec<&str> = clusters.iter().map(String::as_str).collect();
                f.write_str(&names.join(", "))
            }
        }
    }
}

/// What is to be seen and touched somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// What is about clusters, of which those outside of a scope are left out.
    Clusters,
    /// What is about no cluster, or about all of them at once: for those whose scope is everything.
    Everything,
}

impl Scope {
    /// Whether it is enough for that.
    #[must_use]
    pub fn covers(&self, reach: Reach) -> bool {
        self.is_everything() || reach == Reach::Clusters
    }
}

/// What somebody may do, and about what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rights {
    /// What they may do.
    pub role: Role,
    /// About what.
    pub scope: Scope,
}

impl From<Role> for Rights {
    fn from(role: Role) -> Self {
        Self {
            role,
            scope: Scope::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Scope;

    #[test]
    fn what_was_stored_is_read_and_what_cannot_be_read_is_nothing() {
        for scope in [Scope::default(), Scope::of(["b".to_owned(), "a".to_owned()])] {
            assert_eq!(Scope::read(scope.stored()), scope);
        }
        assert!(Scope::of([]).is_everything());
        let broken = Scope::read(Some("no json".to_owned()));
        assert_eq!(broken.clusters().map(|clusters| clusters.len()), Some(0));
        assert_eq!(Scope::of(["b".to_owned(), "a".to_owned()]).to_string(), "a, b");
    }
}
