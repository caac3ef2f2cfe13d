//! A second server that follows the first one, and takes its place.

use std::fs;
use std::process::Command;

use anyhow::Result;

use super::{Postgres, READY, own_directory};
use crate::install::run;
use crate::servers::free_ports;

impl Postgres {
    /// A standby on a port of its own, made by `pg_basebackup`, that streams from this server under a name. `None` after a line
    /// that says so when there are no client tools.
    ///
    /// Whoever has to be sure that a commit is there starts this server with `synchronous_standby_names` of that name and
    /// `synchronous_commit` `local`, and commits under `synchronous_commit` `on`. The standby itself waits for nobody.
    ///
    /// # Panics
    /// When it does not start, or does not stream within a minute.
    #[must_use]
    pub fn standby(&self, name: &str) -> Option<Self> {
        let copy = self.tool("pg_basebackup", "postgres")?;
        Some(
            self.follower(copy, name)
                .unwrap_or_else(|error| panic!("{error:#}")),
        )
    }

    fn follower(&self, mut copy: Command, name: &str) -> Result<Self> {
        let directory = own_directory()?;
        let data = directory.join("data");
        run(copy
            .args([
                "--write-recovery-conf",
                "--checkpoint=fast",
                "--no-sync",
                "--pgdata",
            ])
            .arg(&data))?;
        let [port] = free_ports()?;
        // Read after postgresql.conf; of two lines the later one counts.
        let settings = data.join("postgresql.auto.conf");
        let text = format!(
            "{}port = {port}\nunix_socket_directories = '{}'\nsynchronous_standby_names = ''\n\
             primary_conninfo = 'host=127.0.0.1 port={} user=postgres application_name={name}'\n",
            fs::read_to_string(&settings)?,
            directory.display(),
            self.port,
        );
        fs::write(&settings, text)?;
        let standby = Self::launched(self.release, directory, port)?;
        let streams = format!(
            "SELECT count(*) FROM pg_stat_replication WHERE application_name = '{name}' AND state = 'streaming'"
        );
        standby.server().wait_until(READY, || {
            let rows = self.try_sql("postgres", &streams);
            rows.is_ok_and(|rows| rows == [[Some("1".to_owned())]])
        })?;
        Ok(standby)
    }

    /// Makes a standby the primary, and waits until it takes writes.
    ///
    /// # Panics
    /// When it does not within a minute.
    pub fn promote(&self) {
        let done = self.sql("postgres", "SELECT pg_promote(true, 60)");
        assert_eq!(done, [[Some("t".to_owned())]], "{}", self.server().log());
    }
}

#[cfg(test)]
mod tests {
    use super::Postgres;
    use crate::install::or_skip;
    use crate::install::postgres::Release;

    #[test]
    fn a_standby_has_what_was_committed_and_takes_writes_when_it_is_promoted() {
        for release in Release::SUPPORTED {
            let settings = [
                ("synchronous_standby_names", "follower"),
                ("synchronous_commit", "local"),
            ];
            let Some(mut primary) = or_skip(release.name(), Postgres::start(release, &settings)) else {
                continue;
            };
            primary.sql("postgres", "CREATE TABLE t (a int)");
            let Some(standby) = primary.standby("follower") else {
                continue;
            };
            primary.sql(
                "postgres",
                "SET synchronous_commit = on; INSERT INTO t VALUES (1)",
            );
            assert!(standby.try_sql("postgres", "INSERT INTO t VALUES (5)").is_err());
            primary.stop();
            standby.promote();
            standby.sql("postgres", "INSERT INTO t VALUES (2)");
            let rows = standby.sql("postgres", "SELECT sum(a) FROM t");
            assert_eq!(rows, [[Some("3".to_owned())]], "{release:?}");
        }
    }
}
