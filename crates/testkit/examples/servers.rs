//! Fetches, or names, what tests need from package registries; `cargo xtask servers get|list`.

#![expect(clippy::print_stdout, reason = "a program for developers")]

use anyhow::{Context, Result, bail};
use ostler_testkit::install;
use ostler_testkit::install::cassandra::Release as Cassandra;
use ostler_testkit::install::postgres::{self, Release};

/// The name in `OSTLER_REQUIRE`, what it is, and how to get it.
type Entry = (&'static str, &'static str, fn() -> Result<std::path::PathBuf>);

const EVERYDAY: &[Entry] = &[
    ("seaweedfs", "an S3 store, SeaweedFS", install::seaweedfs),
    (
        "reader",
        "Python with the packages of the stand-alone reader",
        install::python,
    ),
    (
        "azurite",
        "an Azure Blob store, its maker's stand-in (Node)",
        install::azurite,
    ),
    ("sshd", "OpenSSH's server, for SFTP", install::sshd),
    (
        "fake-gcs",
        "a Google Cloud Storage, fake-gcs-server (Go)",
        install::fake_gcs,
    ),
    (
        "moto",
        "an S3 store that ignores conditions, an old moto",
        install::moto,
    ),
    (
        "versitygw",
        "an S3 store over a directory, with object lock (Go)",
        install::versitygw,
    ),
    ("chromium", "Debian's Chromium and its driver", || {
        install::browser::chromium().map(|it| it.browser())
    }),
    ("promtool", "the checker of Prometheus' rules", install::promtool),
    ("postgres-13", "PostgreSQL 13, the oldest supported", || {
        Release::Thirteen.data()
    }),
    ("postgres-15", "PostgreSQL 15", || Release::Fifteen.data()),
    ("postgres-18", "PostgreSQL 18, the newest", || {
        Release::Eighteen.data()
    }),
    ("cassandra-5.0", "Cassandra 5.0 (Maven, JDK 17)", || {
        Cassandra::Five.jars()
    }),
    (
        "postgres-tools",
        "psql, pg_dump, pgbench and their like",
        postgres::tools,
    ),
    (
        "postgres-pgq",
        "Debian's PostgreSQL 15 with PgQ in C, to compare with",
        || Release::WithPgq.data(),
    ),
    ("pgq-client", "PgQ's client in Python", install::pgq_client),
    ("pgbouncer", "a pooler before PostgreSQL", postgres::pooler),
    ("postgres-jdbc", "PostgreSQL's driver for Java", postgres::jdbc),
];

/// Fetched when named.
const OPTIONAL: &[Entry] = &[("cassandra-4.1", "Cassandra 4.1 (Maven, JDK 17)", || {
    Cassandra::Four.jars()
})];

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.split_first() {
        Some((verb, [])) if verb == "get" => EVERYDAY.iter().try_for_each(fetch),
        Some((verb, names)) if verb == "get" => names.iter().try_for_each(|name| {
            let entry = EVERYDAY.iter().chain(OPTIONAL).find(|entry| entry.0 == name);
            fetch(entry.with_context(|| format!("nothing is called {name}"))?)
        }),
        Some((verb, [])) if verb == "list" => {
            for (name, what, _) in EVERYDAY.iter().chain(OPTIONAL) {
                println!("{name:<14} {what}");
            }
            println!(
                "key_stores the system's key stores: keyctl, secret-tool, gnome-keyring; got by the test that wants them"
            );
            println!(
                "reflink    XFS and btrfs in a file, mounted; their makers are got by the test that wants them"
            );
            println!("kept in {}", install::cache()?.display());
            Ok(())
        }
        _ => bail!("usage: servers get [NAME…] | servers list"),
    }
}

fn fetch((name, _, get): &Entry) -> Result<()> {
    println!("{name:<14} {}", get()?.display());
    Ok(())
}
