//! `[agent]` and `[cluster.NAME]`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ostler_drivers::Said;
use ostler_vocabulary::Span;
use serde::Deserialize;

use super::file::File;
use super::reference::Reference;
use crate::Error;

/// What an agent works with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Agent {
    /// The node's name in its cluster.
    pub node: Option<String>,
    /// Where it answers: an address and port.
    pub listen: String,
    /// The vault it stores into.
    pub vault: Option<String>,
    /// The directories it works in, by name.
    pub roots: BTreeMap<String, PathBuf>,
    /// The commands it runs, by name.
    pub commands: BTreeMap<String, String>,
    /// How many threads read and hash at a time; `None` is one for each core.
    pub parallel: Option<u32>,
    /// How much they give way to other processes, up to 19.
    pub nice: u8,
    /// Its certificate; relative to the file.
    pub certificate: Option<PathBuf>,
    /// Its private key.
    pub key: Option<Reference>,
    /// The authority whose clients it answers; relative to the file.
    pub authority: Option<PathBuf>,
    /// What lets in who has no certificate.
    pub token: Option<Reference>,
}

impl Default for Agent {
    fn default() -> Self {
        Self {
            node: None,
            listen: "0.0.0.0:7447".to_owned(),
            vault: None,
            roots: BTreeMap::new(),
            commands: BTreeMap::new(),
            parallel: None,
            nice: 0,
            certificate: None,
            key: None,
            authority: None,
            token: None,
        }
    }
}

/// A cluster, for whoever works on it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cluster {
    /// The vault its backups go to.
    pub vault: Option<String>,
    /// The authority that its agents are believed by; relative to the file.
    pub authority: Option<PathBuf>,
    /// What is shown to the agents; relative to the file.
    pub certificate: Option<PathBuf>,
    /// Its key.
    pub key: Option<Reference>,
    /// What is shown instead.
    pub token: Option<Reference>,
    /// The roots that backups hold; none means all.
    pub roots: Vec<String>,
    /// Globs of what its backups leave out.
    pub exclude: Vec<String>,
    /// How many nodes a backup has to hold; `None` is all.
    pub quorum: Option<u32>,
    /// How long an agent may be silent.
    pub patience: Span,
    /// How many nodes are worked on at a time.
    pub limit: u32,
    /// What runs on it.
    pub driver: ClusterDriver,
    /// Its nodes.
    pub node: BTreeMap<String, ClusterNode>,
}

/// The database of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClusterDriver {
    /// Its driver.
    pub name: String,
    /// Who signs in to it.
    pub user: Option<String>,
    /// With which password.
    pub password: Option<Reference>,
    /// Whether TLS is spoken to it.
    pub tls: bool,
    /// The authority that its servers are believed by; relative to the file, `None` is the system's.
    pub authority: Option<PathBuf>,
    /// What is shown to its servers; relative to the file.
    pub certificate: Option<PathBuf>,
    /// The key of that certificate.
    pub key: Option<Reference>,
    /// What only its driver knows.
    pub options: BTreeMap<String, Said>,
}

impl Default for ClusterDriver {
    fn default() -> Self {
        Self {
            name: ostler_backup::driver::FILES.to_owned(),
            user: None,
            password: None,
            tls: false,
            authority: None,
            certificate: None,
            key: None,
            options: BTreeMap::new(),
        }
    }
}

impl Default for Cluster {
    fn default() -> Self {
        Self {
            vault: None,
            authority: None,
            certificate: None,
            key: None,
            token: None,
            roots: Vec::new(),
            exclude: Vec::new(),
            quorum: None,
            patience: Span(std::time::Duration::from_secs(30)),
            limit: 8,
            driver: ClusterDriver::default(),
            node: BTreeMap::new(),
        }
    }
}

/// A node of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterNode {
    /// Host and port of its agent.
    pub address: String,
    /// The name that its agent's certificate is for.
    pub certificate_name: Option<String>,
    /// Where its database answers, if not on the agent's host at the usual port.
    pub database: Option<String>,
    /// The name that its database's certificate is for, if not the host of `database`.
    pub database_certificate_name: Option<String>,
    /// What fails together with others of the same name.
    pub zone: Option<String>,
    /// Which part of the data it has.
    pub shard: Option<String>,
}

/// Whether a name can be that of a cluster or node: it becomes part of the names in certificates.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !name.is_empty()
        && name.len() <= 63
        && name.chars().all(plain)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// Looks at what the types do not say.
///
/// # Errors
/// What `wrong` makes of a key, a reason and a cure.
pub(super) fn check(file: &File, wrong: &dyn Fn(&str, &str, &str) -> Result<(), Error>) -> Result<(), Error> {
    const NAMES: &str = "a name has lower-case letters, digits and `-` only, and no more than 63 of them";
    for (name, cluster) in &file.cluster {
        let key = format!("cluster.{name}");
        if !is_name(name) {
            return wrong(&key, NAMES, "rename it");
        }
        if cluster.quorum == Some(0)
            || cluster
                .quorum
                .is_some_and(|least| least as usize > cluster.node.len())
        {
            return wrong(
                &format!("{key}.quorum"),
                "it is 0, or more than the cluster has nodes",
                "leave it out for all nodes",
            );
        }
        if cluster.limit == 0 {
            return wrong(&format!("{key}.limit"), "it is 0", "write at least 1");
        }
        let driver = &cluster.driver;
        if driver.certificate.is_some() != driver.key.is_some() {
            return wrong(
                &format!("{key}.driver.certificate"),
                "a certificate and its key come together",
                "write `certificate` and `key`, or neither",
            );
        }
        for (node, settings) in &cluster.node {
            let key = format!("{key}.node.{node}");
            if !is_name(node) {
                return wrong(&key, NAMES, "rename it");
            }
            let port = settings
                .address
                .rsplit_once(':')
                .map(|(_, port)| port.parse::<u16>());
            if !matches!(port, Some(Ok(1..))) {
                return wrong(&format!("{key}.address"), "it has no port", "write `host:7447`");
            }
        }
    }
    if file.agent.parallel == Some(0) {
        return wrong("agent.parallel", "it is 0", "leave it out for all cores");
    }
    if file.agent.nice > 19 {
        return wrong("agent.nice", "it is more than 19", "write 0 to 19");
    }
    if file.agent.node.as_deref().is_some_and(|node| !is_name(node)) {
        return wrong("agent.node", NAMES, "rename it");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::file::File;
    use super::check;
    use crate::Error;

    #[test]
    fn a_certificate_for_a_database_comes_with_its_key() {
        for (lines, expected) in [
            ("tls = true", None),
            ("key = { env = 'K' }", Some("cluster.x.driver.certificate")),
            (
                "tls = true\ncertificate = 'c'",
                Some("cluster.x.driver.certificate"),
            ),
            (
                "tls = true\nkey = { env = 'K' }",
                Some("cluster.x.driver.certificate"),
            ),
            ("tls = true\ncertificate = 'c'\nkey = { env = 'K' }", None),
        ] {
            let text = format!("version = 1\n[cluster.x.driver]\n{lines}\n");
            let file: File = toml::from_str(&text).expect("a file");
            let wrong = |key: &str, reason: &str, cure: &str| {
                Err(Error::Setting {
                    file: String::new(),
                    key: key.to_owned(),
                    reason: reason.to_owned(),
                    cure: cure.to_owned(),
                })
            };
            let key = match check(&file, &wrong) {
                Err(Error::Setting { key, .. }) => Some(key),
                _ => None,
            };
            assert_eq!(key.as_deref(), expected, "{lines}");
        }
    }
}
