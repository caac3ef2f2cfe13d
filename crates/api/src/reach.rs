//! Which clusters requests, plans and backups are about. Pure.

use std::collections::BTreeSet;

use crate::document::BackupSummary;
use crate::request::{Plan, Request, Selector, Work};

/// How the host of a cluster's backups begins; no host of one machine has a `:` in its name.
const HOST: &str = "cluster:";

/// What listings show as the host of the backups of this cluster.
#[must_use]
pub fn host_of_cluster(cluster: &str) -> String {
    format!("{HOST}{cluster}")
}

/// The cluster whose backups have this host.
#[must_use]
pub fn cluster_of_host(host: &str) -> Option<&str> {
    host.strip_prefix(HOST)
}

impl BackupSummary {
    /// The cluster that it is of, if it is not of one machine.
    #[must_use]
    pub fn cluster(&self) -> Option<&str> {
        cluster_of_host(&self.source.as_ref()?.host)
    }
}

impl Selector {
    /// The cluster to whose backups it is narrowed.
    #[must_use]
    pub fn cluster(&self) -> Option<&str> {
        cluster_of_host(self.filter.host.as_deref()?)
    }
}

impl Request {
    /// The clusters that it is about; none where it is about anything else too, or does not say.
    #[must_use]
    pub fn clusters(&self) -> BTreeSet<String> {
        let named: Vec<Option<&str>> = match self {
            Self::CreateBackup(request) => vec![request.cluster.as_deref()],
            Self::Verify(request) => vec![request.backup.cluster()],
            Self::Drill(request) => vec![request.backup.cluster()],
            Self::Restore(request) => {
                let onto = request.onto.as_ref().map(|onto| Some(onto.cluster.as_str()));
                std::iter::once(request.backup.cluster()).chain(onto).collect()
            }
            Self::Delete(request) => vec![request.filter.host.as_deref().and_then(cluster_of_host)],
            _ => Vec::new(),
        };
        all(named.into_iter())
    }
}

impl Plan {
    /// The clusters that it is about; none where it is about anything else too, or does not say.
    #[must_use]
    pub fn clusters(&self) -> BTreeSet<String> {
        match (&self.request, &self.work) {
            (Request::Delete(_), Work::Prune(work)) => {
                let gone = work.decisions.iter().filter(|decision| !decision.keep);
                all(gone.map(|decision| {
                    let (cluster, _) = cluster_of_host(&decision.group)?.split_once(':')?;
                    Some(cluster)
                }))
            }
            (request, _) => request.clusters(),
        }
    }
}

/// All of them; none where one is not known.
fn all<'a>(clusters: impl Iterator<Item = Option<&'a str>>) -> BTreeSet<String> {
    clusters
        .map(|cluster| cluster.map(str::to_owned))
        .collect::<Option<_>>()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::request::{CreateBackup, Filter, Onto, Request, Restore, Selector};

    fn of(host: Option<&str>) -> Selector {
        Selector {
            vault: None,
            backup: "latest".to_owned(),
            filter: Filter {
                host: host.map(str::to_owned),
                ..Filter::default()
            },
        }
    }

    fn restore(host: Option<&str>, onto: Option<&str>) -> Request {
        Request::Restore(Restore {
            backup: of(host),
            to: None,
            include: Vec::new(),
            overwrite: crate::request::Overwrite::Never,
            delete_extra: false,
            allow_incomplete: false,
            onto: onto.map(|cluster| Onto {
                cluster: cluster.to_owned(),
                ..Onto::default()
            }),
        })
    }

    #[test]
    fn what_does_not_say_all_of_what_it_is_about_is_about_no_cluster() {
        let create = |cluster: Option<&str>| {
            Request::CreateBackup(CreateBackup {
                cluster: cluster.map(str::to_owned),
                ..CreateBackup::default()
            })
        };
        for (request, clusters) in [
            (create(Some("a")), &["a"][..]),
            (create(None), &[]),
            (restore(Some("cluster:a"), Some("b")), &["a", "b"]),
            (restore(Some("cluster:a"), None), &["a"]),
            (restore(None, Some("a")), &[]),
            (restore(Some("alpha"), Some("a")), &[]),
        ] {
            let found: Vec<String> = request.clusters().into_iter().collect();
            assert_eq!(found, clusters, "{request:?}");
        }
    }
}
