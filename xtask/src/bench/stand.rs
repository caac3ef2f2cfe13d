//! A cluster on this machine: a coordinator's home, and agents that are each a process with a socket, a certificate and a root of its own.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use ostler_testkit::servers::free_ports;

use crate::process;

/// How long all of them may take to start.
const PATIENCE: Duration = Duration::from_secs(300);

/// What a cluster is made of.
pub struct Plan<'a> {
    /// The names of its nodes.
    pub nodes: Vec<String>,
    /// The root of each, with `{node}` in the place of its name.
    pub root: PathBuf,
    /// What else `cluster init` is told.
    pub words: &'a [&'a str],
    /// Called with the directory of the settings before the agents start.
    pub adjust: &'a dyn Fn(&Path) -> Result<()>,
}

impl Plan<'_> {
    /// So many nodes whose roots are the directories of their names in `nodes`.
    pub fn of_files(nodes: &Path, agents: u32) -> Self {
        Self {
            nodes: (0..agents).map(node).collect(),
            root: nodes.join("{node}"),
            words: &[],
            adjust: &|_| Ok(()),
        }
    }
}

/// The cluster `shop`; its agents end with this.
pub struct Stand {
    ostler: PathBuf,
    home: PathBuf,
    agents: Vec<Child>,
}

impl Drop for Stand {
    fn drop(&mut self) {
        for agent in &mut self.agents {
            let _ = agent.kill();
            let _ = agent.wait();
        }
    }
}

/// What the node of this number is called.
pub fn node(number: u32) -> String {
    format!("n{number:04}")
}

/// Of the loopback network, on all addresses of which a port is free alike.
fn address(number: u32) -> Ipv4Addr {
    let [_, high, middle, low] = (number + 2).to_be_bytes();
    Ipv4Addr::new(127, high, middle, low)
}

impl Stand {
    /// Starts it, with the coordinator's home where nothing stays of what was there.
    pub fn start(ostler: PathBuf, home: PathBuf, plan: &Plan<'_>) -> Result<Self> {
        if home.exists() {
            fs::remove_dir_all(&home)?;
        }
        fs::create_dir_all(&home)?;
        let mut stand = Self {
            ostler,
            home,
            agents: Vec::new(),
        };
        process::capture(&mut stand.command(&["vault", "init"]))?;
        let [port] = free_ports()?;
        let mut words: Vec<String> = ["cluster", "init", "shop"].map(str::to_owned).into();
        words.extend(plan.words.iter().map(|word| (*word).to_owned()));
        for (number, node) in (0..).zip(&plan.nodes) {
            words.extend(["--node".to_owned(), format!("{node}={}:{port}", address(number))]);
        }
        words.extend(["--root".to_owned(), format!("data={}", plan.root.display())]);
        process::capture(stand.command(&[]).args(&words))?;
        (plan.adjust)(&stand.settings())?;
        fs::write(stand.log(), "")?;
        for node in &plan.nodes {
            let agent = stand.agent(node)?;
            stand.agents.push(agent);
        }
        let begun = Instant::now();
        for (number, _) in (0..).zip(&plan.nodes) {
            while TcpStream::connect((address(number), port)).is_err() {
                ensure!(
                    begun.elapsed() < PATIENCE,
                    "not all agents answer: see {}",
                    stand.log().display()
                );
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        Ok(stand)
    }

    fn settings(&self) -> PathBuf {
        self.home.join("settings/ostler")
    }

    fn agent(&self, node: &str) -> Result<Child> {
        let place = self.settings().join("clusters/shop/nodes").join(node);
        let mut agent = Command::new(&self.ostler);
        process::unconfigured(&mut agent, &place.join("state"));
        let log = fs::OpenOptions::new().append(true).open(self.log())?;
        let agent = agent
            .args(["agent", "-v", "--config"])
            .arg(place.join("agent.toml"))
            .stdout(Stdio::null())
            .stderr(log);
        Ok(agent.spawn()?)
    }

    /// The coordinator, asked this.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.ostler);
        process::unconfigured(&mut command, &self.home.join("state"));
        command
            .env("XDG_CONFIG_HOME", self.home.join("settings"))
            .args(words);
        command
    }

    /// Where its vault is.
    pub fn vault(&self) -> PathBuf {
        self.home.join("state/vault")
    }

    /// What all agents log.
    pub fn log(&self) -> PathBuf {
        self.home.join("agents.log")
    }

    /// What the coordinator says.
    pub fn said(&self) -> PathBuf {
        self.home.join("coordinator.log")
    }
}
