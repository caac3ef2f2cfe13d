//! `ostler serve` with the role `api`, as a child process.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use ostler_testkit::binary::Ostler;
use ostler_testkit::servers::free_ports;

/// A server over a home; dropping it kills it.
pub struct Served {
    child: Child,
    pub url: String,
    /// The link that it printed.
    pub link: Option<String>,
}

/// A fresh home of the real program.
pub fn home() -> Ostler {
    Ostler::new(env!("CARGO_BIN_EXE_ostler"))
}

impl Served {
    /// Starts it on a free port.
    pub fn start(home: &Ostler, more: &[&str]) -> Self {
        let [port] = free_ports().unwrap();
        Self::start_at(home, port, more)
    }

    /// Starts it on this port, and waits until it says where it listens.
    pub fn start_at(home: &Ostler, port: u16, more: &[&str]) -> Self {
        Self::serving(home, port, &[&["--roles", "api"], more].concat())
    }

    /// The same with these words after `serve`.
    pub fn serving(home: &Ostler, port: u16, words: &[&str]) -> Self {
        Self::listening(home, &format!("127.0.0.1:{port}"), words)
    }

    /// The same at another address.
    pub fn listening(home: &Ostler, address: &str, words: &[&str]) -> Self {
        let mut child = home
            .command([&["serve", "--listen", address], words].concat())
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let (sender, lines) = mpsc::channel();
        let output = child.stderr.take().unwrap();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // Nobody reads what comes later.
                let _ = sender.send(line);
            }
        });
        let mut said = Vec::new();
        let mut url = None;
        let mut link = None;
        // The link is told before the address, if there is one.
        while let Ok(line) = lines.recv_timeout(Duration::from_secs(60)) {
            if let Some((_, there)) = line.split_once("within the hour: ") {
                link = Some(there.to_owned());
            }
            if let Some((_, there)) = line.split_once("are at ") {
                url = Some(there.to_owned());
                break;
            }
            said.push(line);
        }
        Self {
            url: url.unwrap_or_else(|| panic!("the server said {said:?}")),
            child,
            link,
        }
    }

    /// The port, for another server in its place.
    pub fn port(&self) -> u16 {
        self.url.rsplit(':').next().unwrap().parse().unwrap()
    }

    /// Ends it as a crash does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, and waits.
    pub fn stop(mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A file of bytes that neither compress nor repeat.
pub fn noise(path: &Path, megabytes: usize) {
    let mut random = ostler_testkit::random::Random::new(8);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, random.bytes(megabytes << 20)).unwrap();
}
