//! A ring, and an agent beside each of its nodes.

use std::cell::OnceCell;
use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use ostler_testkit::binary::Ostler;
use ostler_testkit::install::cassandra::Release;
use ostler_testkit::servers::cassandra::{Ring, has_snapshots, ring};
use ostler_testkit::servers::free_ports;
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use tokio::runtime::Runtime;

use super::encrypted;

const NODES: [&str; 3] = ["a", "b", "c"];
const PATIENCE: Duration = Duration::from_secs(240);

/// All of it.
pub(super) struct World {
    pub(super) ostler: Ostler,
    pub(super) ring: Ring,
    pub(super) release: Release,
    agents: Vec<Child>,
}

impl Drop for World {
    fn drop(&mut self) {
        for agent in &mut self.agents {
            let _ = agent.kill();
            let _ = agent.wait();
        }
    }
}

/// A connection to one node.
pub(super) struct Cql {
    runtime: Runtime,
    session: OnceCell<Session>,
    address: String,
}

impl Cql {
    fn session(&self) -> &Session {
        self.session.get_or_init(|| {
            let builder = SessionBuilder::new()
                .known_node(&self.address)
                .connection_timeout(Duration::from_secs(60));
            self.runtime.block_on(builder.build()).unwrap()
        })
    }

    pub(super) fn run(&self, statement: &str) {
        let session = self.session();
        let begun = Instant::now();
        loop {
            match self.runtime.block_on(session.query_unpaged(statement, ())) {
                Ok(_) => return,
                // A machine that is busy makes a coordinator give up; every statement here may be run again.
                Err(error) => {
                    let again = !error.to_string().contains("invalid") && begun.elapsed() < PATIENCE;
                    assert!(again, "{statement}: {error}");
                }
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// The only column of all rows, in order of its text.
    pub(super) fn rows(&self, statement: &str) -> Result<Vec<String>, String> {
        let asked = self.runtime.block_on(self.session().query_unpaged(statement, ()));
        let rows = asked.map_err(|error| error.to_string())?;
        let rows = rows.into_rows_result().map_err(|error| error.to_string())?;
        let mut texts = Vec::new();
        for row in rows.rows::<(String,)>().map_err(|error| error.to_string())? {
            texts.push(row.map_err(|error| error.to_string())?.0);
        }
        texts.sort();
        Ok(texts)
    }
}

/// A line of an agent's configuration. Where it has a command of ours, that is run by the tools of this ring.
fn with_tools(line: &str, tools: &[(String, String)]) -> String {
    let Some((name, value)) = line
        .split_once(" = ")
        .filter(|(name, _)| name.starts_with("\"cassandra-"))
    else {
        return line.to_owned();
    };
    let quote = value.chars().next().unwrap();
    let command = value.strip_prefix(quote).unwrap().strip_suffix(quote).unwrap();
    let (tool, here) = tools.iter().find(|(tool, _)| command.starts_with(tool)).unwrap();
    // Strings are written alike in Rust and TOML as long as they are of plain characters.
    format!("{name} = {:?}", command.replacen(tool, here, 1))
}

impl World {
    /// A ring that runs, with agents that do. `None` where there is no Cassandra.
    pub(super) fn started() -> Option<Self> {
        let release = match std::env::var("OSTLER_TEST_CASSANDRA").as_deref() {
            Ok("4.1") => Release::Four,
            _ => Release::Five,
        };
        let ring = ring(release)?;
        let ostler = Ostler::new(env!("CARGO_BIN_EXE_ostler"));
        ostler.ok(["vault", "init"]);
        let ports: [u16; 3] = free_ports().unwrap();
        let mut words = vec!["cluster".to_owned(), "init".to_owned(), "shop".to_owned()];
        for (node, port) in NODES.iter().zip(ports) {
            words.extend(["--node".to_owned(), format!("{node}=127.0.0.1:{port}")]);
        }
        words.extend(["--driver", "cassandra", "--root", "data=/nowhere/{node}"].map(str::to_owned));
        ostler.ok(&words);
        let mut world = Self {
            ostler,
            ring,
            release,
            agents: Vec::new(),
        };
        let settings = world.ostler.home().join("settings/ostler");
        let own = settings.join("config.toml");
        let mut text = fs::read_to_string(&own).unwrap();
        for (index, node) in NODES.iter().enumerate() {
            // What somebody does who sets a cluster up: where the database is, and how its tools are called.
            let table = format!("[cluster.shop.node.{node}]\n");
            let database = format!("{table}database = \"{}\"\n", world.ring.encrypted_address(index));
            text = text.replace(&table, &database);
            world.equip(index, node, &settings);
        }
        let table = "[cluster.shop.driver]\n";
        text = text.replace(table, &format!("{table}{}", encrypted::driver(&world)));
        text += &world.drills();
        fs::write(own, text).unwrap();
        for (node, port) in NODES.iter().zip(ports) {
            world.agent(node, port);
        }
        world.until_whole();
        Some(world)
    }

    /// What is asked in drills, and how they start nodes.
    fn drills(&self) -> String {
        let options = [
            ("count", "shop.plain shop.wide".to_owned()),
            (
                "check.first words",
                "SELECT word FROM shop.plain WHERE k IN (1, 2)".to_owned(),
            ),
            ("scratch_start", self.ring.starter().unwrap()),
            ("scratch_nodetool", self.ring.any_nodetool().unwrap()),
            (
                "scratch_conf",
                self.ring.home(0).join("conf").display().to_string(),
            ),
            ("scratch_heap", "256M".to_owned()),
        ];
        let lines = options.map(|(name, value)| format!("{name:?} = {value:?}\n"));
        format!("\n[cluster.shop.driver.options]\n{}", lines.concat())
    }

    fn equip(&self, index: usize, node: &str, settings: &std::path::Path) {
        let file = settings.join("clusters/shop/nodes").join(node).join("agent.toml");
        // Of the last node it waits where a test holds it.
        let hold = match index {
            2 => format!(
                "if test -e {0}; then touch {1}; until test -e {2}; do sleep 0.05; done; fi; ",
                self.marker("hold").display(),
                self.marker("asked").display(),
                self.marker("go-on").display()
            ),
            _ => String::new(),
        };
        let text = fs::read_to_string(&file).unwrap();
        let jmx = self.ring.jmx_options(index);
        let mut tools = vec![(
            "sstableloader -d $(hostname -i)".to_owned(),
            self.ring.loader(index).unwrap(),
        )];
        tools.extend(["snapshot", "clearsnapshot", "flush", "import"].map(|verb| {
            let command = format!("ostler cassandra {verb}");
            let hold = if verb == "snapshot" { hold.as_str() } else { "" };
            let here = format!("{hold}{command} {jmx}");
            (command, here)
        }));
        let root = self.ring.data(index);
        let text = text.replace(&format!("/nowhere/{node}"), root.to_str().unwrap());
        let lines: Vec<String> = text.lines().map(|line| with_tools(line, &tools)).collect();
        fs::write(&file, lines.join("\n")).unwrap();
    }

    fn agent(&mut self, node: &str, port: u16) {
        let file = self.ostler.home().join("settings/ostler/clusters/shop/nodes");
        let file = file.join(node).join("agent.toml");
        let home = self.ostler.home().join("home-of").join(node);
        fs::create_dir_all(&home).unwrap();
        let log = fs::File::create(self.ostler.home().join(format!("agent-{node}.log"))).unwrap();
        let mut command = self
            .ostler
            .command(["agent", "-v", "--config", file.to_str().unwrap()]);
        command
            .env("HOME", &home)
            .env("OSTLER_STATE_DIR", home.join("state"))
            .stdout(Stdio::null())
            .stderr(log);
        let mut agent = command.spawn().unwrap();
        self.until("the agent answers", || {
            let ended = agent.try_wait().unwrap();
            assert!(ended.is_none(), "the agent of {node} ended: look at its log");
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        self.agents.push(agent);
    }

    /// Starts the agent of a node again, with another root than it had.
    pub(super) fn with_root(&mut self, node: usize, from: &std::path::Path, to: &std::path::Path) {
        let name = NODES[node];
        let file = self.ostler.home().join("settings/ostler/clusters/shop/nodes");
        let file = file.join(name).join("agent.toml");
        let text = fs::read_to_string(&file).unwrap();
        let (from, to) = (from.display().to_string(), to.display().to_string());
        let (head, roots) = text.split_once("[agent.roots]\n").unwrap();
        assert!(roots.contains(&from), "{text}");
        let roots = roots.replacen(&from, &to, 1);
        fs::write(&file, format!("{head}[agent.roots]\n{roots}")).unwrap();
        let own = self.ostler.home().join("settings/ostler/config.toml");
        let address = fs::read_to_string(own).unwrap();
        let table = format!("[cluster.shop.node.{name}]\n");
        let address = address.split_once(&table).unwrap().1;
        let port = address.split_once("127.0.0.1:").unwrap().1;
        let port: String = port.chars().take_while(char::is_ascii_digit).collect();
        // The order is that of the nodes, and the new one comes last.
        let mut old = self.agents.remove(node);
        let _ = old.kill();
        let _ = old.wait();
        self.agent(name, port.parse().unwrap());
        let new = self.agents.pop().unwrap();
        self.agents.insert(node, new);
    }

    pub(super) fn marker(&self, name: &str) -> PathBuf {
        self.ostler.home().join(name)
    }

    pub(super) fn cql(&self, node: usize) -> Cql {
        Cql {
            runtime: Runtime::new().unwrap(),
            session: OnceCell::new(),
            address: self.ring.address(node),
        }
    }

    pub(super) fn until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < PATIENCE, "waited in vain: {what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until every node knows the two others, and all have one schema: until then rows of others are not found.
    pub(super) fn until_whole(&self) {
        for node in 0..3 {
            let cql = self.cql(node);
            self.until("the nodes know each other", || {
                let peers = cql.rows("SELECT CAST(schema_version AS text) FROM system.peers_v2");
                let own = cql.rows("SELECT CAST(schema_version AS text) FROM system.local");
                matches!((peers, own), (Ok(peers), Ok(own))
                    if peers.len() == 2 && own.len() == 1 && peers.iter().all(|peer| *peer == own[0]))
            });
        }
    }

    fn words<'a>(more: &'a [&'a str]) -> Vec<&'a str> {
        ["backup", "create", "--cluster", "shop"]
            .iter()
            .chain(more)
            .copied()
            .collect()
    }

    pub(super) fn backup(&self, more: &[&str]) -> Output {
        self.ostler.run(Self::words(more))
    }

    pub(super) fn backing_up(&self, more: &[&str]) -> Child {
        let mut command = self.ostler.command(Self::words(more));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    pub(super) fn nodetool(&self, node: usize, verb: &str) {
        let words = format!("{} {verb}", self.ring.nodetool(node).unwrap());
        let done = Command::new("sh").args(["-c", &words]).output().unwrap();
        assert!(done.status.success(), "{verb}: {done:?}");
    }

    /// From now on the cluster is without its last node, as its ring is.
    pub(super) fn without_the_last(&mut self) {
        self.nodetool(2, "decommission --force");
        self.ring.crash(2);
        let own = self.ostler.home().join("settings/ostler/config.toml");
        let text = fs::read_to_string(&own).unwrap();
        let from = text.find("[cluster.shop.node.c]").unwrap();
        let table = text.get(from..).unwrap();
        let to = table.find("\n[").map_or(text.len(), |end| from + end + 1);
        fs::write(own, format!("{}{}", &text[..from], &text[to..])).unwrap();
    }

    /// What nodes were given to load and have loaded is gone.
    pub(super) fn nothing_waits(&self) {
        for node in 0..3 {
            let names = fs::read_dir(self.ring.data(node)).unwrap();
            let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            let left: Vec<String> = names.filter(|name| name.starts_with(".ostler")).collect();
            assert!(left.is_empty(), "left on {node}: {left:?}");
        }
    }

    pub(super) fn no_snapshots(&self) {
        for node in 0..3 {
            assert!(!has_snapshots(&self.ring.data(node)), "left on {node}");
        }
    }
}
