//! Nodes on this machine that nobody else knows: their configuration and their processes.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::{Child, Command};

use super::ring::{Node, Ring};
use super::settings::Scratch;
use crate::Error;

/// Runs a command in a group of its own until our end of its input is gone, in whatever way we end.
const KEEPER: &str = r#"
exec 3<&0
setsid sh -c "$1" </dev/null >>"$2" 2>&1 3<&- &
child=$!
(
    cat <&3 >/dev/null
    # It may not have a group yet. No shell needs `--` before a group's number, and dash takes none.
    while kill -KILL "-$child" || kill -KILL "$child"; do sleep 0.05; done
) >/dev/null 2>&1 &
exec 3<&-
wait "$child"
"#;
/// What is not as usual because all that is needed is there, and nobody else is to be met.
const PROPERTIES: &[&str] = &[
    "-Dcassandra.load_ring_state=false",
    "-Dcassandra.ring_delay_ms=2000",
    "-Dcassandra.skip_wait_for_gossip_to_settle=0",
    "-Dcassandra.superuser_setup_delay_ms=0",
    "-Djava.net.preferIPv4Stack=true",
];
/// Settings that decide what can be read, and by whom. They are as they were where the backup was made.
const KEPT: &[&str] = &[
    "authenticator",
    "authorizer",
    "role_manager",
    "materialized_views_enabled",
    "sasi_indexes_enabled",
    "storage_compatibility_mode",
    "transient_replication_enabled",
    "user_defined_functions_enabled",
    "uuid_sstable_identifiers_enabled",
];
/// Characters of the end of a log that are told.
const TOLD: usize = 600;
/// Where Cassandra listens. Addresses are ours alone, so ports need not be.
const STORAGE: u16 = 7000;
const CQL: u16 = 9042;

/// A node that is to run, or runs until this is dropped.
#[derive(Debug)]
pub(super) struct ScratchNode {
    pub(super) name: String,
    home: PathBuf,
    data: Vec<PathBuf>,
    pub(super) address: String,
    jmx: u16,
    process: Option<Child>,
}

/// Nodes with addresses that no other process has. An address of the loopback network is made of a free port.
pub(super) fn nodes(parts: &[(String, PathBuf)], aside: &Path) -> io::Result<Vec<ScratchNode>> {
    let mut data: BTreeMap<&str, Vec<PathBuf>> = BTreeMap::new();
    for (name, directory) in parts {
        data.entry(name).or_default().push(directory.clone());
    }
    // All are held until all are known, so that none is given twice.
    let listeners = (0..=data.len()).map(|_| TcpListener::bind(("127.0.0.1", 0)));
    let listeners = listeners.collect::<io::Result<Vec<_>>>()?;
    let ports = listeners.iter().map(|listener| Ok(listener.local_addr()?.port()));
    let ports = ports.collect::<io::Result<Vec<u16>>>()?;
    let [high, low] = ports.first().copied().unwrap_or_default().to_be_bytes();
    let nodes = data.into_iter().zip(ports.into_iter().skip(1)).enumerate();
    Ok(nodes
        .map(|(index, ((name, data), jmx))| ScratchNode {
            name: name.to_owned(),
            home: aside.join(name),
            data,
            address: format!("127.{high}.{low}.{}", index + 1),
            jmx,
            process: None,
        })
        .collect())
}

impl ScratchNode {
    /// Where it answers CQL.
    pub(super) fn cql(&self) -> String {
        format!("{}:{CQL}", self.address)
    }

    /// Where others ask it for the ring.
    pub(super) fn storage(&self) -> String {
        format!("{}:{STORAGE}", self.address)
    }

    fn log(&self) -> PathBuf {
        self.home.join("log")
    }

    fn wrong(&self, reason: impl Into<String>) -> Error {
        Error::Scratch {
            node: self.name.clone(),
            reason: reason.into(),
        }
    }

    /// Writes its configuration and starts it. `was` is the node that its files are of.
    pub(super) fn start(
        &mut self,
        scratch: &Scratch,
        ring: &Ring,
        was: &Node,
        settings: &BTreeMap<&str, &str>,
        seed: &str,
    ) -> Result<(), Error> {
        let failed = |error: io::Error| self.wrong(error.to_string());
        let conf = self.home.join("conf");
        fs::create_dir_all(&conf).map_err(failed)?;
        copied(&scratch.configuration, &conf).map_err(failed)?;
        let text = self.configuration(ring, was, settings, seed);
        fs::write(conf.join("cassandra.yaml"), text).map_err(failed)?;
        let place = format!("dc={}\nrack={}\n", was.datacenter, was.rack);
        fs::write(conf.join("cassandra-rackdc.properties"), place).map_err(failed)?;
        let mut properties: Vec<String> = PROPERTIES.iter().map(|&word| word.to_owned()).collect();
        properties.extend([
            format!(
                "-Dcassandra.config=file://{}",
                conf.join("cassandra.yaml").display()
            ),
            format!("-Dcassandra.storagedir={}", self.home.display()),
            format!("-Dcassandra.logdir={}", self.home.display()),
            format!("-Dcassandra.jmx.local.port={}", self.jmx),
        ]);
        let mut command = Command::new("sh");
        command
            .args(["-c", KEEPER, "sh", &scratch.start])
            .arg(self.log())
            .current_dir(&self.home)
            .env("CASSANDRA_CONF", &conf)
            .env("CASSANDRA_LOG_DIR", &self.home)
            .env("MAX_HEAP_SIZE", &scratch.heap)
            .env("HEAP_NEWSIZE", "100M")
            .env("JVM_EXTRA_OPTS", properties.join(" "))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = command.spawn();
        self.process = Some(process.map_err(|error| self.wrong(error.to_string()))?);
        Ok(())
    }

    /// Fails once it has ended.
    pub(super) fn still_runs(&mut self) -> Result<(), Error> {
        let ended = self.process.as_mut().map(Child::try_wait);
        match ended {
            Some(Ok(None)) => Ok(()),
            Some(Ok(Some(status))) => {
                Err(self.wrong(format!("it ended with {status} and said: {}", self.said())))
            }
            Some(Err(error)) => Err(self.wrong(error.to_string())),
            None => Err(self.wrong("it was not started")),
        }
    }

    /// It did not come up in time.
    pub(super) fn late(&self) -> Error {
        self.wrong(format!("it takes too long; it said: {}", self.said()))
    }

    /// The end of its log.
    fn said(&self) -> String {
        let log = fs::read(self.log()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let skipped = log.chars().count().saturating_sub(TOLD);
        log.chars().skip(skipped).collect::<String>().trim().to_owned()
    }

    /// Has it verify every SSTable. Gives what it found.
    pub(super) async fn verify(&self, scratch: &Scratch) -> Result<Option<String>, Error> {
        let mut command = Command::new("sh");
        command
            .args([
                "-c",
                &format!("{} verify --force --extended-verify", scratch.nodetool),
            ])
            .env("JMX_PORT", self.jmx.to_string())
            .env("CASSANDRA_CONF", self.home.join("conf"))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let done = command
            .output()
            .await
            .map_err(|error| self.wrong(error.to_string()))?;
        if done.status.success() {
            return Ok(None);
        }
        let said = [done.stdout, done.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let last = said.lines().rev().find(|line| !line.trim().is_empty());
        Ok(Some(format!(
            "`nodetool verify` ended with {}: {}",
            done.status,
            last.unwrap_or("nothing").trim()
        )))
    }

    /// Ends it, and waits until its group is told to.
    pub(super) async fn end(&mut self) {
        if let Some(mut process) = self.process.take() {
            drop(process.stdin.take());
            let _ = process.wait().await;
        }
    }

    fn configuration(&self, ring: &Ring, was: &Node, settings: &BTreeMap<&str, &str>, seed: &str) -> String {
        let own = |name: &str| text(&self.home.join(name).display().to_string());
        let data: Vec<String> = self
            .data
            .iter()
            .map(|path| text(&path.display().to_string()))
            .collect();
        let mut lines = vec![
            format!("cluster_name: {}", text(&ring.cluster_name)),
            format!("num_tokens: {}", was.tokens.len()),
            "auto_bootstrap: false".to_owned(),
            format!("partitioner: {}", text(&ring.partitioner)),
            "endpoint_snitch: GossipingPropertyFileSnitch".to_owned(),
            "seed_provider:".to_owned(),
            "  - class_name: org.apache.cassandra.locator.SimpleSeedProvider".to_owned(),
            format!("    parameters: [{{ seeds: {} }}]", text(seed)),
            format!("listen_address: {}", self.address),
            format!("rpc_address: {}", self.address),
            format!("storage_port: {STORAGE}"),
            format!("native_transport_port: {CQL}"),
            "start_native_transport: true".to_owned(),
            format!("data_file_directories: [{}]", data.join(", ")),
            format!("commitlog_directory: {}", own("commitlog")),
            format!("saved_caches_directory: {}", own("saved_caches")),
            format!("hints_directory: {}", own("hints")),
            format!("cdc_raw_directory: {}", own("cdc_raw")),
            "commitlog_sync: periodic".to_owned(),
            "commitlog_sync_period: 10000ms".to_owned(),
            "range_request_timeout: 170s".to_owned(),
            "read_request_timeout: 170s".to_owned(),
            "request_timeout: 170s".to_owned(),
        ];
        lines.extend(kept(settings).map(|(name, value)| format!("{name}: {}", text(value))));
        lines.join("\n") + "\n"
    }
}

/// Settings that are taken over, as a file has them. A class may be told with its parameters around it.
fn kept<'a>(settings: &'a BTreeMap<&str, &str>) -> impl Iterator<Item = (&'static str, &'a str)> {
    KEPT.iter().filter_map(|name| {
        let value = *settings.get(name)?;
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '$');
        let mut words = value.split(|c: char| !is_word(c)).filter(|word| !word.is_empty());
        let class = ["Authenticator", "Authorizer", "RoleManager"];
        let value = match class
            .iter()
            .any(|class| class.eq_ignore_ascii_case(&name.replace('_', "")))
        {
            true => words.find(|word| class.iter().any(|class| word.ends_with(class)))?,
            false => words.next()?,
        };
        Some((*name, value))
    })
}

/// A string of YAML.
fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Copies the files of a directory, if it is there.
fn copied(from: &Path, to: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        // Where nodes of other names were is said by a file that would come first.
        let is_place = path
            .file_name()
            .is_some_and(|name| name == "cassandra-topology.properties");
        if path.is_file() && !is_place {
            fs::copy(&path, to.join(path.file_name().unwrap_or_default()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test's way to fail")]
mod tests {
    use std::collections::BTreeMap;

    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use super::{KEEPER, kept};

    /// Whether a process runs: one that ended and waits to be reaped does not.
    fn runs(pid: &str) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
        state.is_some_and(|state| state != 'Z')
    }

    #[test]
    fn nothing_of_a_scratch_node_runs_on_in_any_shell() {
        let home = std::env::temp_dir().join(format!("ostler-keeper-{}", std::process::id()));
        std::fs::create_dir_all(&home).unwrap();
        for shell in ["sh", "dash", "bash"] {
            if Command::new(shell).args(["-c", ":"]).status().is_err() {
                continue;
            }
            let pids = home.join(shell);
            // One that starts another and waits, as `cassandra` with its `java`.
            let start = format!(
                "sleep 600 & echo $$ $! >{0}.new; mv {0}.new {0}; wait",
                pids.display()
            );
            let mut keeper = Command::new(shell)
                .args(["-c", KEEPER, "sh", &start])
                .arg(home.join("log"))
                .stdin(Stdio::piped())
                .spawn()
                .unwrap();
            let begun = Instant::now();
            let patience = Duration::from_secs(60);
            while !pids.exists() {
                assert!(begun.elapsed() < patience, "{shell} starts nothing");
                std::thread::sleep(Duration::from_millis(10));
            }
            let mut line = String::new();
            let mut file = BufReader::new(std::fs::File::open(&pids).unwrap());
            file.read_line(&mut line).unwrap();
            let pids: Vec<&str> = line.split_whitespace().collect();
            assert!(pids.iter().all(|pid| runs(pid)), "{shell}: {pids:?}");
            drop(keeper.stdin.take());
            keeper.wait().unwrap();
            while let Some(pid) = pids.iter().find(|pid| runs(pid)) {
                assert!(begun.elapsed() < patience, "{shell}: {pid} runs on");
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        std::fs::remove_dir_all(&home).unwrap();
    }

    #[test]
    fn who_may_read_is_as_it_was() {
        let settings = BTreeMap::from([
            ("authenticator", "org.apache.cassandra.auth.PasswordAuthenticator"),
            (
                "authorizer",
                "ParameterizedClass{class_name='CassandraAuthorizer', parameters={}}",
            ),
            ("materialized_views_enabled", "true"),
            ("num_tokens", "16"),
        ]);
        let kept: Vec<_> = kept(&settings).collect();
        assert_eq!(
            kept,
            [
                ("authenticator", "org.apache.cassandra.auth.PasswordAuthenticator"),
                ("authorizer", "CassandraAuthorizer"),
                ("materialized_views_enabled", "true"),
            ]
        );
    }
}
