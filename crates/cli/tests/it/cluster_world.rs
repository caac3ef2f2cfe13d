//! Three agents, each a process of its own with a root of its own, and who coordinates them.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use ostler_testkit::binary::{Ostler, said};
use ostler_testkit::random::Random;
use ostler_testkit::servers::free_ports;
use ostler_testkit::tree;
use serde_json::Value;

pub(crate) type Trees = BTreeMap<&'static str, BTreeMap<PathBuf, tree::Node>>;

const NODES: [&str; 3] = ["a", "b", "c"];
const PATIENCE: Duration = Duration::from_secs(90);

/// A home with the cluster `shop`, and its agents that run.
pub(crate) struct Cluster {
    pub(crate) ostler: Ostler,
    pub(crate) ports: BTreeMap<&'static str, u16>,
    agents: BTreeMap<&'static str, Child>,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for agent in self.agents.values_mut() {
            let _ = agent.kill();
            let _ = agent.wait();
        }
    }
}

impl Cluster {
    /// Three nodes with different files, of which some are the same on all of them.
    pub(crate) fn new() -> Self {
        Self::made(Ostler::new(env!("CARGO_BIN_EXE_ostler")))
    }

    /// The same where the home, whose path is given, is configured like this before anything is made.
    pub(crate) fn over(config: impl FnOnce(&Path) -> String) -> Self {
        let ostler = Ostler::new(env!("CARGO_BIN_EXE_ostler"));
        ostler.configure(&config(ostler.home()));
        Self::made(ostler)
    }

    fn made(ostler: Ostler) -> Self {
        ostler.ok(["vault", "init"]);
        let ports: [u16; 3] = free_ports().unwrap();
        let mut words = vec!["cluster".to_owned(), "init".to_owned(), "shop".to_owned()];
        for (node, port) in NODES.iter().zip(ports) {
            words.extend(["--node".to_owned(), format!("{node}=127.0.0.1:{port}")]);
        }
        let root = ostler.home().join("nodes/{node}");
        words.extend(["--root".to_owned(), format!("data={}", root.display())]);
        ostler.ok(&words);
        let cluster = Self {
            ostler,
            ports: NODES.into_iter().zip(ports).collect(),
            agents: BTreeMap::new(),
        };
        for (seed, node) in (1..).zip(NODES) {
            cluster.fill(node, seed);
        }
        cluster
    }

    pub(crate) fn started() -> Self {
        let mut cluster = Self::new();
        cluster.start_all();
        cluster
    }

    pub(crate) fn start_all(&mut self) {
        for node in NODES {
            self.start(node);
        }
    }

    /// With agents that store 1 MiB a second, so that there is time to kill something.
    pub(crate) fn slow() -> Self {
        Self::limited_to("1 MiB")
    }

    /// With agents that store so much a second.
    pub(crate) fn limited_to(upload: &str) -> Self {
        let mut cluster = Self::new();
        for node in NODES {
            let file = cluster.config(node);
            let text = fs::read_to_string(&file).unwrap();
            fs::write(
                &file,
                format!("{text}\n[vault.default.limits]\nupload = \"{upload}\"\n"),
            )
            .unwrap();
            cluster.start(node);
        }
        cluster
    }

    pub(crate) fn root(&self, node: &str) -> PathBuf {
        self.ostler.home().join("nodes").join(node)
    }

    pub(crate) fn config(&self, node: &str) -> PathBuf {
        let clusters = self.ostler.home().join("settings/ostler/clusters");
        clusters.join("shop/nodes").join(node).join("agent.toml")
    }

    pub(crate) fn fill(&self, node: &str, seed: u64) {
        let (mut own, mut shared) = (Random::new(seed), Random::new(99));
        for number in 0..12 {
            let directory = self.root(node).join(format!("d{}", number % 3));
            fs::create_dir_all(&directory).unwrap();
            let length = if number == 0 { 3 << 20 } else { 20_000 };
            fs::write(directory.join(format!("f{number}")), own.bytes(length)).unwrap();
            fs::write(directory.join(format!("s{number}")), shared.bytes(9_000)).unwrap();
        }
        std::os::unix::fs::symlink("d0", self.root(node).join("link")).unwrap();
        fs::write(self.root(node).join("name"), node).unwrap();
    }

    pub(crate) fn agent(&self, node: &str) -> Command {
        let config = self.config(node);
        let mut command = self
            .ostler
            .command(["agent", "-v", "--config", config.to_str().unwrap()]);
        let home = self.ostler.home().join("home-of").join(node);
        fs::create_dir_all(&home).unwrap();
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log(node))
            .unwrap();
        command
            .env("HOME", &home)
            .env("OSTLER_STATE_DIR", home.join("state"))
            .stdout(Stdio::null())
            .stderr(log);
        command
    }

    pub(crate) fn log(&self, node: &str) -> PathBuf {
        self.ostler.home().join(format!("agent-{node}.log"))
    }

    pub(crate) fn start(&mut self, node: &'static str) {
        let command = self.agent(node);
        self.start_by(node, command);
    }

    pub(crate) fn start_by(&mut self, node: &'static str, mut command: Command) {
        let mut agent = command.spawn().unwrap();
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.ports[node])).is_err() {
            let log = || fs::read_to_string(self.log(node)).unwrap();
            assert!(
                agent.try_wait().unwrap().is_none(),
                "agent {node} ended: {}",
                log()
            );
            assert!(
                begun.elapsed() < PATIENCE,
                "agent {node} does not answer: {}",
                log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        self.agents.insert(node, agent);
    }

    /// Sends its process a signal, by the name that `kill` knows.
    pub(crate) fn signal(&self, node: &str, signal: &str) {
        let sent = Command::new("kill")
            .arg(format!("-{signal}"))
            .arg(self.agents[node].id().to_string())
            .status();
        assert!(sent.unwrap().success());
    }

    pub(crate) fn port(&self, node: &str) -> u16 {
        self.ports[node]
    }

    /// From now on the coordinator looks for the agent of this node at another port.
    pub(crate) fn redirect(&self, node: &str, port: u16) {
        self.change_config(&format!(":{}\"", self.ports[node]), &format!(":{port}\""));
    }

    /// From now on the coordinator bears silence for so long.
    pub(crate) fn be_patient_for(&self, time: &str) {
        let file = self.ostler.home().join("settings/ostler/config.toml");
        let text = fs::read_to_string(&file).unwrap();
        let rest: Vec<&str> = text
            .lines()
            .filter(|line| !line.starts_with("patience"))
            .collect();
        fs::write(&file, rest.join("\n") + "\n").unwrap();
        self.change_config(
            "[cluster.shop]",
            &format!("[cluster.shop]\npatience = \"{time}\""),
        );
    }

    /// From now on files are held still as these options of the driver say.
    pub(crate) fn hold(&self, options: &str) {
        self.drive(&format!("options = {options}"));
    }

    /// From now on this is said of the driver, and nothing else.
    pub(crate) fn drive(&self, driver: &str) {
        let file = self.ostler.home().join("settings/ostler/config.toml");
        let text = fs::read_to_string(&file).unwrap();
        let (rest, _) = text.split_once("\n[cluster.shop.driver]").unwrap_or((&text, ""));
        fs::write(&file, format!("{rest}\n[cluster.shop.driver]\n{driver}\n")).unwrap();
    }

    pub(crate) fn change_config(&self, from: &str, to: &str) {
        let file = self.ostler.home().join("settings/ostler/config.toml");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(&file, text.replace(from, to)).unwrap();
    }

    pub(crate) fn kill(&mut self, node: &str) {
        let mut agent = self.agents.remove(node).unwrap();
        agent.kill().unwrap();
        agent.wait().unwrap();
    }

    pub(crate) fn trees(&self) -> Trees {
        NODES
            .into_iter()
            .map(|node| (node, tree::read(&self.root(node))))
            .collect()
    }

    pub(crate) fn wreck(&self) {
        for node in NODES {
            fs::remove_dir_all(self.root(node)).unwrap();
            fs::create_dir_all(self.root(node)).unwrap();
        }
    }

    pub(crate) fn backup(&self, more: &[&str]) -> Output {
        let words = ["backup", "create", "--cluster", "shop"];
        self.ostler.run(words.iter().chain(more))
    }

    /// A command on what seems another machine: with a state directory of its own, and the same configuration.
    pub(crate) fn elsewhere(&self, words: &[&str]) -> Command {
        let (home, elsewhere) = (self.ostler.home(), self.ostler.home().join("elsewhere"));
        fs::create_dir_all(&elsewhere).unwrap();
        let copied = Command::new("cp")
            .arg("-a")
            .arg(home.join("settings"))
            .arg(&elsewhere)
            .status();
        assert!(copied.unwrap().success());
        let file = elsewhere.join("settings/ostler/config.toml");
        let text = fs::read_to_string(&file).unwrap();
        let vault = format!(
            "[vault.default]\nlocation = \"{}\"\nkey = {{ file = \"{}\" }}\n",
            self.ostler.vault().display(),
            self.ostler.key().display()
        );
        let wait = "[defaults]\nlease_wait = \"3m\"\n";
        fs::write(&file, format!("{text}\n{wait}\n{vault}")).unwrap();
        let mut command = self.ostler.command(words);
        command
            .env("OSTLER_STATE_DIR", elsewhere.join("state"))
            .env("XDG_CONFIG_HOME", elsewhere.join("settings"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// From now on operations are in a database that others share.
    pub(crate) fn share_state(&self, dsn: &str) {
        let file = self.ostler.home().join("settings/ostler/config.toml");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, format!("{text}\n[state]\ndsn = \"{dsn}\"\n")).unwrap();
    }

    pub(crate) fn backups(&self) -> Vec<Value> {
        let list = self.ostler.json(["backup", "list"]);
        list["backups"].as_array().unwrap().clone()
    }

    /// Waits until this many bytes were stored by the operation that runs.
    pub(crate) fn until_stored(&self, bytes: u64) {
        let packs = self.ostler.vault().join("packs");
        let begun = Instant::now();
        while size_of(&packs) < bytes {
            assert!(begun.elapsed() < PATIENCE, "nothing is stored");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Makes [`Cluster::until_asked`] wait for the next time.
    pub(crate) fn forget_asked(&self, node: &str) {
        fs::write(self.log(node), "").unwrap();
    }

    /// Waits until a node has some of its files again.
    pub(crate) fn until_restored(&self, node: &str) {
        let begun = Instant::now();
        while size_of(&self.root(node)) == 0 {
            assert!(begun.elapsed() < PATIENCE, "{node} gets nothing");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until a node was asked to store its files.
    pub(crate) fn until_asked(&self, node: &str) {
        self.until_asked_to("upload", node);
    }

    pub(crate) fn until_asked_to(&self, ask: &str, node: &str) {
        let (begun, said) = (Instant::now(), format!("asked to {ask}"));
        while !fs::read_to_string(self.log(node)).unwrap().contains(&said) {
            assert!(begun.elapsed() < PATIENCE, "{node} is not asked");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for a process, and fails when it does not end.
    pub(crate) fn until_ended(&self, mut child: Child) -> Output {
        let begun = Instant::now();
        while child.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
        child.wait_with_output().unwrap()
    }
}

fn size_of(directory: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(directory) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => size_of(&entry.path()),
            _ => entry.metadata().map_or(0, |metadata| metadata.len()),
        })
        .sum()
}

pub(crate) fn ended(output: &Output, code: i32) -> String {
    let all = said(output);
    assert_eq!(output.status.code(), Some(code), "{all}");
    all
}

pub(crate) fn same(expected: &Trees, found: &Trees, pairs: &[(&str, &str)]) {
    for (from, to) in pairs {
        let (expected, found) = (&expected[from], &found[to]);
        assert!(
            expected == found,
            "{from} to {to}: {}",
            tree::difference(expected, found)
        );
    }
}
