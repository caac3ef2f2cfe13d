//! Cassandra: a ring of three nodes, each a process with a loopback address of its own.

mod tools;

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use super::{Server, free_ports};
use crate::certificate::Authority;
use crate::install::cassandra::{Release, jamm, java};
use crate::install::or_skip;

/// Beside builds on two cores a node may take a minute.
const READY: Duration = Duration::from_secs(300);
const NODES: usize = 3;
const DAEMON: &str = "org.apache.cassandra.service.CassandraDaemon";
/// What Cassandra opens to itself on JDK 17, of all modules.
const EXPORTS: &[&str] = &[
    "java.base/jdk.internal.misc",
    "java.base/jdk.internal.ref",
    "java.base/jdk.internal.util",
    "java.base/sun.nio.ch",
    "java.base/java.lang.ref",
    "java.management.rmi/com.sun.jmx.remote.internal.rmi",
    "java.management/com.sun.jmx.remote.security",
    "java.rmi/sun.rmi.registry",
    "java.rmi/sun.rmi.server",
    "java.sql/java.sql",
    "jdk.unsupported/sun.misc",
    "jdk.compiler/com.sun.tools.javac.file",
    "jdk.attach/sun.tools.attach",
];
const OPENS: &[&str] = &[
    "java.base/java.lang.module",
    "java.base/jdk.internal.loader",
    "java.base/jdk.internal.ref",
    "java.base/jdk.internal.reflect",
    "java.base/jdk.internal.math",
    "java.base/jdk.internal.module",
    "java.base/jdk.internal.util.jar",
    "jdk.management/com.sun.management.internal",
    "java.base/sun.nio.ch",
    "java.base/java.io",
    "java.base/java.nio",
    "java.base/java.lang.reflect",
    "jdk.compiler/com.sun.tools.javac",
    "java.base/java.lang",
    "java.base/java.lang.ref",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic",
    "java.base/java.util.concurrent.locks",
    "java.base/java.math",
    "java.base/java.net",
];

/// A ring. Its nodes are numbered from 0, each on a rack of its own.
#[derive(Debug)]
pub struct Ring {
    jars: PathBuf,
    home: tempfile::TempDir,
    authority: Authority,
    addresses: [String; NODES],
    jmx: [u16; NODES],
    servers: [Option<Server>; NODES],
}

/// Who may use the JMX of a node that does not let everybody in.
const JMX_USER: &str = "ostler";
const JMX_PASSWORD: &str = "jmx-password-of-a-test";

/// Starts a ring, after getting it if need be. `None`: it cannot be had here, and a line that says so was printed.
///
/// # Panics
/// When it cannot be had and `OSTLER_REQUIRE` names it.
#[must_use]
pub fn ring(release: Release) -> Option<Ring> {
    let started = Ring::new(release).and_then(|mut ring| {
        ring.start()?;
        Ok(ring)
    });
    or_skip(release.name(), started)
}

impl Ring {
    /// One that is not started.
    ///
    /// # Errors
    /// When it cannot be had.
    pub fn new(release: Release) -> Result<Self> {
        let jars = release.jars()?;
        let home = tempfile::Builder::new().prefix("ostler-cassandra-").tempdir()?;
        fs::write(home.path().join("tools.xml"), logging("ERROR", "System.err"))?;
        // Ports belong to one process, and so do addresses that are made of one.
        let [port, first, second, third] = free_ports()?;
        let [high, low] = port.to_be_bytes();
        let ring = Self {
            jars,
            home,
            authority: Authority::new()?,
            addresses: [1, 2, 3].map(|last| format!("127.{high}.{low}.{last}")),
            jmx: [first, second, third],
            servers: [None, None, None],
        };
        for node in 0..NODES {
            ring.configure(node)?;
        }
        Ok(ring)
    }

    /// The directory of a node.
    #[must_use]
    pub fn home(&self, node: usize) -> PathBuf {
        self.home.path().join(format!("n{node}"))
    }

    /// Where a node has its SSTables.
    #[must_use]
    pub fn data(&self, node: usize) -> PathBuf {
        self.home(node).join("data")
    }

    /// The address of a node, without a port.
    #[must_use]
    pub fn host(&self, node: usize) -> &str {
        &self.addresses[node]
    }

    /// Where a node answers CQL.
    #[must_use]
    pub fn address(&self, node: usize) -> String {
        format!("{}:9042", self.addresses[node])
    }

    /// Where a node answers CQL by TLS only, and only who shows a certificate of the ring's authority.
    #[must_use]
    pub fn encrypted_address(&self, node: usize) -> String {
        format!("{}:9142", self.addresses[node])
    }

    /// Who certifies the ring's nodes, and whom they believe.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Starts every node that does not run, and waits until all answer.
    ///
    /// # Errors
    /// When one does not, with the end of its log.
    pub fn start(&mut self) -> Result<()> {
        self.start_with(&[])
    }

    /// The same where addresses have changed hands: nodes forget who was where, and ask each other.
    ///
    /// # Errors
    /// When one does not answer, with the end of its log.
    pub fn start_at_new_addresses(&mut self) -> Result<()> {
        self.start_with(&["-Dcassandra.load_ring_state=false"])
    }

    fn start_with(&mut self, more: &[&str]) -> Result<()> {
        for node in 0..NODES {
            if self.servers[node].is_none() {
                self.servers[node] = Some(self.launch(node, more)?);
            }
            if node == 0 {
                // The others ask it for the ring.
                self.wait(node, 7000)?;
            }
        }
        (0..NODES).try_for_each(|node| self.wait(node, 9042))
    }

    fn wait(&self, node: usize, port: u16) -> Result<()> {
        let server = self.servers[node].as_ref().context("the node does not run")?;
        let address = self.addresses[node].as_str();
        server.wait_until(READY, || TcpStream::connect((address, port)).is_ok())
    }

    /// Ends a node as a crash does.
    pub fn crash(&mut self, node: usize) {
        if let Some(server) = self.servers[node].take() {
            server.crash();
            server.stop();
        }
    }

    /// Ends all nodes, and waits for it.
    pub fn stop(&mut self) {
        let servers: Vec<Server> = self.servers.iter_mut().filter_map(Option::take).collect();
        std::thread::scope(|scope| {
            for server in servers {
                scope.spawn(move || server.stop());
            }
        });
    }

    /// Removes everything that a node has stored, which does not run.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn wipe(&self, node: usize) -> Result<()> {
        for name in ["data", "commitlog", "hints", "saved_caches", "cdc_raw"] {
            let directory = self.home(node).join(name);
            if directory.exists() {
                fs::remove_dir_all(&directory)?;
            }
        }
        Ok(fs::create_dir(self.data(node))?)
    }

    /// Gives each of two nodes, which do not run, the place of the other: its rack and its token. Addresses stay.
    ///
    /// # Errors
    /// When their configurations cannot be read or written.
    pub fn swap(&self, one: usize, other: usize) -> Result<()> {
        let conf = |node| self.home(node).join("conf");
        let rack = "cassandra-rackdc.properties";
        let racks = [one, other].map(|node| fs::read(conf(node).join(rack)));
        let [of_one, of_other] = racks;
        fs::write(conf(one).join(rack), of_other?)?;
        fs::write(conf(other).join(rack), of_one?)?;
        for (node, from, to) in [(one, one, other), (other, other, one)] {
            let file = conf(node).join("cassandra.yaml");
            let text = fs::read_to_string(&file)?;
            fs::write(file, text.replace(&token(from), &token(to)))?;
        }
        Ok(())
    }

    fn configure(&self, node: usize) -> Result<()> {
        let (home, address) = (self.home(node), &self.addresses[node]);
        let conf = home.join("conf");
        fs::create_dir_all(&conf)?;
        fs::create_dir_all(self.data(node))?;
        // Fixed: nodes can start at the same time, and none bootstraps.
        let token = token(node);
        let home = home.display();
        let clients = self.home.path().join("clients.pem");
        let clients = clients.display();
        let seed = &self.addresses[0];
        fs::write(
            conf.join("cassandra.yaml"),
            format!(
                "cluster_name: ringtest\nnum_tokens: 1\ninitial_token: '{token}'\nauto_bootstrap: false\n\
                 partitioner: org.apache.cassandra.dht.Murmur3Partitioner\n\
                 endpoint_snitch: GossipingPropertyFileSnitch\nseed_provider:\n\
                 \x20 - class_name: org.apache.cassandra.locator.SimpleSeedProvider\n\
                 \x20   parameters: [{{ seeds: \"{seed}:7000\" }}]\nlisten_address: {address}\nrpc_address: {address}\n\
                 storage_port: 7000\nnative_transport_port: 9042\nnative_transport_port_ssl: 9142\n\
                 start_native_transport: true\nclient_encryption_options: {{ enabled: true, optional: false, \
                 require_client_auth: true, keystore: '{home}/conf/node.pem', truststore: '{clients}', \
                 ssl_context_factory: {{ class_name: org.apache.cassandra.security.PEMBasedSslContextFactory }} }}\n\
                 data_file_directories: ['{home}/data']\ncommitlog_directory: '{home}/commitlog'\n\
                 saved_caches_directory: '{home}/saved_caches'\nhints_directory: '{home}/hints'\n\
                 cdc_raw_directory: '{home}/cdc_raw'\ncommitlog_sync: periodic\ncommitlog_sync_period: 1000ms\n\
                 commitlog_segment_size: 8MiB\ncommitlog_total_space: 128MiB\nmemtable_heap_space: 64MiB\n\
                 memtable_offheap_space: 64MiB\nfile_cache_size: 64MiB\nauto_snapshot: true\n\
                 materialized_views_enabled: true\n"
            ),
        )?;
        let own = self.authority.certify(&[address.as_str()])?;
        fs::write(conf.join("node.pem"), own.key + &own.certificate)?;
        fs::write(self.home.path().join("clients.pem"), self.authority.pem())?;
        fs::write(conf.join("commitlog_archiving.properties"), "")?;
        if let Some(file) = self.jmx_passwords(node) {
            fs::write(file, format!("{JMX_USER} {JMX_PASSWORD}\n"))?;
            fs::write(conf.join("jmx-password"), JMX_PASSWORD)?;
        }
        fs::write(
            conf.join("cassandra-rackdc.properties"),
            format!("dc=dc1\nrack=rack{node}\n"),
        )?;
        fs::write(conf.join("logback.xml"), logging("INFO", "System.out"))?;
        Ok(())
    }

    fn launch(&self, node: usize, more: &[&str]) -> Result<Server> {
        let home = self.home(node);
        let conf = home.join("conf");
        let mut words = vec![
            format!("-javaagent:{}", jamm(&self.jars)?.display()),
            "-Xms256M".to_owned(),
            "-Xmx256M".to_owned(),
            "-XX:MaxDirectMemorySize=256M".to_owned(),
            "-XX:+UseSerialGC".to_owned(),
            "-XX:TieredStopAtLevel=1".to_owned(),
        ];
        words.extend(modules());
        words.extend([
            format!(
                "-Dcassandra.config=file://{}",
                conf.join("cassandra.yaml").display()
            ),
            format!(
                "-Dlogback.configurationFile=file://{}",
                conf.join("logback.xml").display()
            ),
            format!("-Dcassandra.storagedir={}", home.display()),
            format!("-Dcassandra.jmx.local.port={}", self.jmx[node]),
            "-Dcassandra-foreground=yes".to_owned(),
            "-Djava.net.preferIPv4Stack=true".to_owned(),
            "-Djava.security.manager=allow".to_owned(),
            "-Dcassandra.ring_delay_ms=2000".to_owned(),
            "-Dcassandra.skip_wait_for_gossip_to_settle=0".to_owned(),
            "-Dcassandra.superuser_setup_delay_ms=0".to_owned(),
        ]);
        if let Some(file) = self.jmx_passwords(node) {
            words.extend([
                "-Dcom.sun.management.jmxremote.authenticate=true".to_owned(),
                format!("-Dcom.sun.management.jmxremote.password.file={}", file.display()),
            ]);
        }
        words.extend(more.iter().map(|&word| word.to_owned()));
        words.extend([
            "-cp".to_owned(),
            format!("{}:{}/*", conf.display(), self.jars.display()),
            DAEMON.to_owned(),
        ]);
        Server::start(&home, &java()?, words)
    }
}

/// A configuration of logback: what is logged, and where.
fn logging(level: &str, target: &str) -> String {
    format!(
        "<configuration><appender name=\"O\" class=\"ch.qos.logback.core.ConsoleAppender\"><target>{target}</target><encoder>\
         <pattern>%-5level %date{{ISO8601}} %F:%L - %msg%n</pattern></encoder></appender><root level=\"{level}\">\
         <appender-ref ref=\"O\"/></root></configuration>"
    )
}

/// The only token of a node.
fn token(node: usize) -> String {
    (i128::from(i64::MIN) + (node as i128) * ((1_i128 << 64) / NODES as i128)).to_string()
}

fn modules() -> Vec<String> {
    let mut words = vec![
        "-Djdk.attach.allowAttachSelf=true".to_owned(),
        "-Dio.netty.tryReflectionSetAccessible=true".to_owned(),
    ];
    for (word, packages) in [("--add-exports", EXPORTS), ("--add-opens", OPENS)] {
        words.extend(
            packages
                .iter()
                .map(|package| format!("{word}={package}=ALL-UNNAMED")),
        );
    }
    words
}

/// Whether a directory of data has snapshots in it.
#[must_use]
pub fn has_snapshots(data: &Path) -> bool {
    let Ok(entries) = fs::read_dir(data) else {
        return false;
    };
    entries.flatten().any(|entry| {
        let path = entry.path();
        path.is_dir() && (entry.file_name() == "snapshots" && !is_empty(&path) || has_snapshots(&path))
    })
}

fn is_empty(directory: &Path) -> bool {
    fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_none())
}
