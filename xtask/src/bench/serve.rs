//! `bench serve`: how fast pages and lists are when there is a long past and many look at it, and what that takes.

mod home;
mod viewer;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};
use ostler_testkit::servers::free_ports;

use super::contender;
use super::generator::Random;
use super::given::Given;
use crate::{process, workspace};
use home::Home;
use viewer::Viewer;

/// What is looked at, in turn; `{operation}` is the newest one, `{backup}` the newest backup.
const PAGES: [&str; 14] = [
    "/",
    "/backups",
    "/backups/default/{backup}",
    "/operations",
    "/operations/{operation}",
    "/schedules",
    "/vaults",
    "/vaults/default",
    "/audit",
    "/settings",
    "/v1/backups",
    "/v1/operations",
    "/v1/operations/{operation}",
    "/metrics",
];
/// How long somebody looks at a page before the next one.
const PAUSE: Duration = Duration::from_secs(1);

/// What was asked for.
struct Wanted {
    backups: u64,
    operations: u64,
    viewers: usize,
    streams: usize,
    seconds: u64,
    work: PathBuf,
}

impl Wanted {
    fn parse(arguments: &[String]) -> Result<Self> {
        let mut wanted = Self {
            backups: 10_000,
            operations: 1_000_000,
            viewers: 50,
            streams: 500,
            seconds: 60,
            work: workspace::target_directory().join("bench"),
        };
        for given in Given::all("serve", arguments)? {
            match given.name {
                "--backups" => wanted.backups = given.number()?,
                "--operations" => wanted.operations = given.number()?,
                "--viewers" => wanted.viewers = given.number()?,
                "--streams" => wanted.streams = given.number()?,
                "--seconds" => wanted.seconds = given.number()?,
                "--work" => wanted.work = given.value.into(),
                _ => given.unknown()?,
            }
        }
        Ok(wanted)
    }
}

/// A process that ends with this one.
struct Running(Child);

impl Running {
    /// Largest resident size so far and that of now, in MiB.
    fn memory(&self) -> Result<(u64, u64)> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let of = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name));
            let number = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
            number.map(|kibibytes| kibibytes / 1024).context("a size")
        };
        Ok((of("VmHWM:")?, of("VmRSS:")?))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs the verb.
pub fn run(arguments: &[String]) -> Result<()> {
    let wanted = Wanted::parse(arguments)?;
    std::fs::create_dir_all(&wanted.work)?;
    let home = Home::get(
        contender::ostler()?,
        &wanted.work,
        wanted.backups,
        wanted.operations,
    )?;
    let [port] = free_ports()?;
    let listen = format!("127.0.0.1:{port}");
    let mut serve = home.command(&[
        "serve",
        "--roles",
        "api",
        "--listen",
        &listen,
        "--limit-upload",
        "1MiB",
    ]);
    let server = Running(serve.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?);
    let name = format!("viewer-{port}");
    let token = process::capture(&mut home.command(&["token", "add", &name, "--role", "admin"]))?;
    let token = token.trim();
    let cookie = patiently(|| Viewer::sign_in(port, token))?;
    let bearer = format!("authorization: Bearer {token}\r\n");

    let mut first = Viewer::connect(port, &bearer)?;
    let newest = |viewer: &mut Viewer, list: &str| -> Result<String> {
        let (_, body) = viewer.look(&format!("/v1/{list}?limit=1"))?;
        let page: serde_json::Value = serde_json::from_slice(&body)?;
        let id = page[list][0]["id"].as_str();
        Ok(id.context("there is nothing to look at")?.to_owned())
    };
    let (operation, backup) = (newest(&mut first, "operations")?, newest(&mut first, "backups")?);
    let pages = PAGES.map(|page| {
        page.replace("{operation}", &operation)
            .replace("{backup}", &backup)
    });
    println!(
        "{}; {} backups, {} operations, {} viewers with {PAUSE:?} between pages, {} s\n",
        super::machine(),
        wanted.backups,
        wanted.operations,
        wanted.viewers,
        wanted.seconds
    );
    let took = look(port, &pages, (&cookie, &bearer), &wanted)?;
    println!("| page | looks | median ms | 95 % ms | longest ms | KiB |");
    println!("|---|---:|---:|---:|---:|---:|");
    for (shown, page) in PAGES.iter().zip(&pages) {
        let (mut times, size) = took.get(page).cloned().unwrap_or_default();
        times.sort_unstable();
        let at = |share: usize| times.get((times.len() * share / 100).min(times.len().saturating_sub(1)));
        let ms = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1000.0);
        println!(
            "| `{shown}` | {} | {:.1} | {:.1} | {:.1} | {:.0} |",
            times.len(),
            ms(at(50)),
            ms(at(95)),
            ms(times.last()),
            size as f64 / 1024.0
        );
    }
    let (_, before) = server.memory()?;
    println!("\nserver: {before} MiB now, {} at most", server.memory()?.0);
    streams(port, &bearer, &home, &wanted, &server)
}

fn patiently<T>(attempt: impl Fn() -> Result<T>) -> Result<T> {
    let begun = Instant::now();
    loop {
        match attempt() {
            Err(_) if begun.elapsed() < Duration::from_secs(60) => {
                std::thread::sleep(Duration::from_millis(50));
            }
            other => return other,
        }
    }
}

type Took = BTreeMap<String, (Vec<Duration>, usize)>;

/// Everybody looks at every page in turn, each beginning at another one.
fn look(port: u16, pages: &[String], (cookie, bearer): (&str, &str), wanted: &Wanted) -> Result<Took> {
    let took = Mutex::new(Took::new());
    let until = Instant::now() + Duration::from_secs(wanted.seconds);
    std::thread::scope(|scope| {
        let viewers: Vec<_> = (0..wanted.viewers)
            .map(|number| {
                let took = &took;
                scope.spawn(move || -> Result<()> {
                    std::thread::sleep(PAUSE * u32::try_from(number)? / u32::try_from(wanted.viewers)?);
                    let mut browser = Viewer::connect(port, cookie)?;
                    let mut program = Viewer::connect(port, bearer)?;
                    for page in pages.iter().cycle().skip(number % pages.len()) {
                        if Instant::now() >= until {
                            break;
                        }
                        let by_program = page.starts_with("/v1/") || page == "/metrics";
                        let viewer = if by_program { &mut program } else { &mut browser };
                        let (time, body) = viewer.look(page)?;
                        if let Ok(mut took) = took.lock() {
                            let entry = took.entry(page.clone()).or_default();
                            entry.0.push(time);
                            entry.1 = body.len();
                        }
                        std::thread::sleep(PAUSE);
                    }
                    Ok(())
                })
            })
            .collect();
        viewers
            .into_iter()
            .try_for_each(|viewer| viewer.join().unwrap_or_else(|_| bail!("a viewer panicked")))
    })?;
    took.into_inner().context("a viewer panicked")
}

/// So many listen to one backup while it runs.
fn streams(port: u16, bearer: &str, home: &Home, wanted: &Wanted, server: &Running) -> Result<()> {
    let source = home.source(0).with_file_name("slow");
    std::fs::create_dir_all(&source)?;
    // Bytes that nothing makes shorter, at 1 MiB a second.
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)?
        .as_secs();
    let mut random = Random::new(now, u64::from(port));
    let noise: Vec<u8> = (0..8 << 20).flat_map(|_| random.next().to_le_bytes()).collect();
    std::fs::write(source.join("noise"), noise)?;
    let url = format!("http://127.0.0.1:{port}");
    let source = source.to_str().context("a path")?;
    let mut backup = home.command(&["--server", &url, "backup", "create", source, "--quiet"]);
    let token = bearer.trim().rsplit(' ').next().unwrap_or_default();
    let backup = Running(
        backup
            .env("OSTLER_TOKEN", token)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?,
    );
    let mut first = Viewer::connect(port, bearer)?;
    let running = patiently(|| {
        let (_, body) = Viewer::connect(port, bearer)?.look("/v1/operations?limit=1")?;
        let page: serde_json::Value = serde_json::from_slice(&body)?;
        let newest = &page["operations"][0];
        match newest["state"] == "running" {
            true => Ok(newest["id"].as_str().context("an id")?.to_owned()),
            false => bail!("nothing runs"),
        }
    })?;
    let path = format!("/v1/operations/{running}/events");
    let begun = Instant::now();
    let listening: Vec<Viewer> = (0..wanted.streams)
        .map(|_| {
            let mut viewer = Viewer::connect(port, bearer)?;
            viewer.listen(&path)?;
            Ok(viewer)
        })
        .collect::<Result<_>>()?;
    let (time, _) = first.look("/v1/operations?limit=1")?;
    println!(
        "{} event streams opened in {:.1} s; a list beside them takes {:.1} ms; server: {} MiB",
        listening.len(),
        begun.elapsed().as_secs_f64(),
        time.as_secs_f64() * 1000.0,
        server.memory()?.1
    );
    drop(backup);
    Ok(())
}
