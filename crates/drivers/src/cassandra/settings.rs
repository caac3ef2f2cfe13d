//! What the configuration says of a ring.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ostler_vocabulary::Secret;

use super::NAME;
use super::tls::Tls;
use crate::options::Options;
use crate::{Error, Wanted};

/// The port of CQL.
const PORT: u16 = 9042;
/// The option that restricts a backup to one datacenter.
const DATACENTER: &str = "datacenter";
/// Where agents see directories of nodes, such as those of containers: `NODE_PATH=AGENT_PATH` with spaces between.
const MOUNTS: &str = "mounts";
/// Tables whose rows are counted, `KEYSPACE.TABLE` with spaces between.
const COUNT: &str = "count";
/// What the names of the user's questions begin with; the value is a statement.
const CHECK: &str = "check.";
/// What starts a scratch node, in the foreground.
const START: &str = "scratch_start";
/// The beginning of what asks it over JMX.
const NODETOOL: &str = "scratch_nodetool";
/// Cassandra's own configuration, from which that of scratch nodes is made.
const CONFIGURATION: &str = "scratch_conf";
/// Memory of each.
const HEAP: &str = "scratch_heap";

/// A ring, as it is configured.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) cluster: String,
    /// Where CQL answers on each node, with the port.
    pub(super) nodes: BTreeMap<String, String>,
    pub(super) user: Option<(String, Secret)>,
    /// How TLS is spoken to them; `None` where it is not.
    pub(super) tls: Option<Tls>,
    /// Nodes of other datacenters need no agent.
    pub(super) datacenter: Option<String>,
    pub(super) questions: Questions,
    pub(super) scratch: Scratch,
    /// Directories as nodes see them, and as their agents do.
    pub(super) mounts: Vec<(PathBuf, PathBuf)>,
}

/// What is asked when a ring is backed up, and when a drill has started it.
#[derive(Debug, Clone, Default)]
pub(super) struct Questions {
    /// Tables whose rows are counted: keyspace and name.
    pub(super) count: Vec<(String, String)>,
    /// Statements, by name.
    pub(super) checks: BTreeMap<String, String>,
}

/// How drills start nodes on this machine.
#[derive(Debug, Clone)]
pub(super) struct Scratch {
    pub(super) start: String,
    pub(super) nodetool: String,
    pub(super) configuration: PathBuf,
    pub(super) heap: String,
}

impl Settings {
    pub(super) fn of(wanted: Wanted) -> Result<Self, Error> {
        let known = [
            DATACENTER,
            MOUNTS,
            COUNT,
            CHECK,
            START,
            NODETOOL,
            CONFIGURATION,
            HEAP,
        ];
        let options = Options::of(NAME, &wanted, &known)?;
        let option = |name, usual: &str| {
            let given = options.text(name)?;
            Ok::<_, Error>(given.unwrap_or_else(|| usual.to_owned()))
        };
        let datacenter = options.text(DATACENTER)?;
        let mounts = mounts(options)?;
        let questions = Questions::of(options)?;
        let scratch = Scratch {
            start: option(START, "cassandra -f -R")?,
            nodetool: option(NODETOOL, "nodetool -h 127.0.0.1 -p \"$JMX_PORT\"")?,
            configuration: option(CONFIGURATION, "/etc/cassandra")?.into(),
            heap: option(HEAP, "512M")?,
        };
        let with_port = |(node, address): (String, String)| match address.rsplit_once(':') {
            Some((_, port)) if port.parse::<u16>().is_ok() => (node, address),
            _ => (node, format!("{address}:{PORT}")),
        };
        let nodes: BTreeMap<String, String> = wanted.nodes.into_iter().map(with_port).collect();
        let tls = wanted.tls.as_ref().map(|tls| {
            let named = tls.names.iter();
            let names = named.filter_map(|(node, name)| Some((nodes.get(node)?.clone(), name.clone())));
            Tls::of(&wanted.cluster, tls, names.collect())
        });
        Ok(Self {
            datacenter,
            questions,
            scratch,
            mounts,
            tls: tls.transpose()?,
            nodes,
            user: wanted.user.zip(wanted.password),
            cluster: wanted.cluster,
        })
    }

    /// Where agents see a directory of a node.
    pub(super) fn seen_by_agents(&self, directory: &Path) -> PathBuf {
        let moved = self.mounts.iter().find_map(|(node, agent)| {
            let below = directory.strip_prefix(node).ok()?;
            Some(agent.join(below))
        });
        // Without the `/` at the end that joining nothing leaves.
        moved.map_or_else(|| directory.to_owned(), |path| path.components().collect())
    }

    pub(super) fn address(&self, node: &str) -> &str {
        self.nodes.get(node).map_or("", String::as_str)
    }
}

fn mounts(options: Options<'_>) -> Result<Vec<(PathBuf, PathBuf)>, Error> {
    let words = options.text(MOUNTS)?.unwrap_or_default();
    let mount = |word: &str| {
        let pair = word.split_once('=');
        let pair = pair.filter(|(node, agent)| node.starts_with('/') && agent.starts_with('/'));
        let reason = || format!("`{word}` is no NODE_PATH=AGENT_PATH");
        let (node, agent) = pair.ok_or_else(|| options.wrong(MOUNTS, reason()))?;
        Ok((node.into(), agent.into()))
    };
    words.split_whitespace().map(mount).collect()
}

impl Questions {
    fn of(options: Options<'_>) -> Result<Self, Error> {
        let words = options.text(COUNT)?.unwrap_or_default();
        let table = |word: &str| {
            let parts = word.split_once('.');
            let parts = parts.filter(|(keyspace, name)| !keyspace.is_empty() && !name.is_empty());
            let reason = || format!("`{word}` is no KEYSPACE.TABLE");
            let (keyspace, name) = parts.ok_or_else(|| options.wrong(COUNT, reason()))?;
            Ok((keyspace.to_owned(), name.to_owned()))
        };
        Ok(Self {
            count: words
                .split_whitespace()
                .map(table)
                .collect::<Result<_, Error>>()?,
            checks: options.texts(CHECK)?,
        })
    }
}
