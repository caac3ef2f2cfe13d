//! `bench agents`: one coordinator and many agents, each a process with a socket, a certificate and a root of its own: how long
//! asking all of them takes, how many requests that is, and how much memory the coordinator needs.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use ostler_testkit::servers::free_ports;

use super::contender;
use super::measure::{Measurement, used};
use crate::{process, workspace};

/// How long all of them may take to start.
const PATIENCE: Duration = Duration::from_secs(300);
/// Before the kind of a request, in what agents log.
const ASKED: &str = "asked to ";

/// What was asked for.
struct Wanted {
    nodes: u32,
    files: u32,
    work: PathBuf,
}

impl Wanted {
    fn parse(arguments: &[String]) -> Result<Self> {
        let mut wanted = Self {
            nodes: 1000,
            files: 4,
            work: workspace::target_directory().join("bench"),
        };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let value = words.next().with_context(|| format!("{word} wants a value"))?;
            match word.as_str() {
                "--nodes" => wanted.nodes = value.parse()?,
                "--files" => wanted.files = value.parse()?,
                "--work" => wanted.work = value.into(),
                other => bail!("bench agents: unknown option {other}"),
            }
        }
        Ok(wanted)
    }
}

/// A coordinator's home, with the agents of its cluster.
struct Stand {
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

/// Runs the verb.
pub fn run(arguments: &[String]) -> Result<()> {
    let wanted = Wanted::parse(arguments)?;
    let home = wanted.work.join("agents");
    if home.exists() {
        fs::remove_dir_all(&home)?;
    }
    fs::create_dir_all(&home)?;
    let stand = Stand::start(contender::ostler()?, home, &wanted)?;
    println!(
        "{}; {} agents with {} files each\n",
        super::machine(),
        wanted.nodes,
        wanted.files
    );
    println!("| operation | s | processor s | peak MiB | requests to agents |");
    println!("|---|---:|---:|---:|---|");
    stand.row("status", &["cluster", "status", "shop"])?;
    stand.row("first backup", &["backup", "create", "--cluster", "shop"])?;
    stand.row("unchanged", &["backup", "create", "--cluster", "shop"])?;
    for number in 0..wanted.nodes {
        fs::remove_dir_all(stand.root(number))?;
        fs::create_dir_all(stand.root(number))?;
    }
    stand.row("restore onto all", &["restore", "latest", "--cluster", "shop"])?;
    for number in 0..wanted.nodes {
        let name = stand.root(number).join("name");
        let content = fs::read_to_string(&name).with_context(|| format!("reading {}", name.display()))?;
        ensure!(content == node(number), "{} has {content}", name.display());
    }
    Ok(())
}

fn node(number: u32) -> String {
    format!("n{number:04}")
}

/// Of the loopback network, on all addresses of which a port is free alike.
fn address(number: u32) -> Ipv4Addr {
    let [_, high, middle, low] = (number + 2).to_be_bytes();
    Ipv4Addr::new(127, high, middle, low)
}

impl Stand {
    fn start(ostler: PathBuf, home: PathBuf, wanted: &Wanted) -> Result<Self> {
        let coordinate = |words: &[String]| process::capture(command(&ostler, &home).args(words)).map(|_| ());
        coordinate(&["vault".to_owned(), "init".to_owned()])?;
        let [port] = free_ports()?;
        let mut words: Vec<String> = ["cluster", "init", "shop"].map(str::to_owned).into();
        for number in 0..wanted.nodes {
            let place = format!("{}={}:{port}", node(number), address(number));
            words.extend(["--node".to_owned(), place]);
        }
        let root = home.join("nodes/{node}");
        words.extend(["--root".to_owned(), format!("data={}", root.display())]);
        coordinate(&words)?;
        for number in 0..wanted.nodes {
            let root = home.join("nodes").join(node(number));
            fs::create_dir_all(&root)?;
            fs::write(root.join("name"), node(number))?;
            for file in 1..wanted.files {
                fs::write(
                    root.join(format!("f{file}")),
                    format!("{file} of {number}\n").repeat(400),
                )?;
            }
        }
        let mut stand = Self {
            ostler,
            home,
            agents: Vec::new(),
        };
        fs::write(stand.log(), "")?;
        for number in 0..wanted.nodes {
            stand.agents.push(stand.agent(number)?);
        }
        let begun = Instant::now();
        for number in 0..wanted.nodes {
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

    fn agent(&self, number: u32) -> Result<Child> {
        let place = self
            .home
            .join("settings/ostler/clusters/shop/nodes")
            .join(node(number));
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

    fn log(&self) -> PathBuf {
        self.home.join("agents.log")
    }

    fn root(&self, number: u32) -> PathBuf {
        self.home.join("nodes").join(node(number))
    }

    fn row(&self, name: &str, words: &[&str]) -> Result<()> {
        let before = fs::metadata(self.log())?.len();
        let Measurement { wall, cpu, peak, .. } = used(
            command(&self.ostler, &self.home).args(words),
            &self.home.join("coordinator.log"),
        )?;
        let asked = self.asked(usize::try_from(before)?)?;
        println!("| {name} | {wall:.1} | {cpu:.1} | {} | {asked} |", peak >> 20);
        Ok(())
    }

    /// What was asked of agents since their log was so long.
    fn asked(&self, from: usize) -> Result<String> {
        let log = fs::read(self.log())?;
        let log = String::from_utf8_lossy(log.get(from..).unwrap_or_default());
        let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
        for line in log.lines() {
            let asked = line
                .split_once(ASKED)
                .and_then(|(_, rest)| rest.split(' ').next());
            if let Some(kind) = asked {
                *kinds.entry(kind).or_default() += 1;
            }
        }
        let told = kinds.iter().map(|(kind, number)| format!("{kind} {number}"));
        Ok(told.collect::<Vec<_>>().join(", "))
    }
}

fn command(ostler: &Path, home: &Path) -> Command {
    let mut command = Command::new(ostler);
    process::unconfigured(&mut command, &home.join("state"));
    command.env("XDG_CONFIG_HOME", home.join("settings"));
    command
}
