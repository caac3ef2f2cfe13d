//! Runs one command and says what it took. The numbers are the kernel's (`wait4`), asked for by a few lines of Python,
//! which the project needs anyway for its stand-alone reader.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::process;

const WRAPPER: &str = "\
import json, os, sys, time
sys.stdout.flush()
log = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
start = time.monotonic()
pid = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ,
    file_actions=[(os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2)])
_, status, used = os.wait4(pid, 0)
print(json.dumps({'code': os.waitstatus_to_exitcode(status), 'wall': time.monotonic() - start,
    'cpu': used.ru_utime + used.ru_stime, 'peak': used.ru_maxrss * 1024}))
";

/// What one run of one command took.
#[derive(Debug, Clone, Copy)]
pub struct Measurement {
    /// Seconds on the clock.
    pub wall: f64,
    /// Seconds of processor time, user and system.
    pub cpu: f64,
    /// Largest resident size, in bytes.
    pub peak: u64,
    /// Bytes of the repository afterwards.
    pub repository: u64,
}

impl Measurement {
    /// For `--json`.
    pub fn document(&self) -> Value {
        json!({"wall_s": self.wall, "cpu_s": self.cpu, "peak_bytes": self.peak, "repository_bytes": self.repository})
    }
}

/// Runs the command, its output going to `log`, and measures the repository afterwards. What is still to be written to
/// the disk is written before, so that nobody pays for the one before him.
pub fn measure(command: &Command, repository: &Path, log: &Path) -> Result<Measurement> {
    process::run(&mut Command::new("sync"))?;
    touch_memory();
    let used = used(command, log)?;
    Ok(Measurement {
        repository: size_of(repository)?,
        ..used
    })
}

/// Runs the command, its output going to `log`. There is no repository.
pub fn used(command: &Command, log: &Path) -> Result<Measurement> {
    let mut wrapper = Command::new("python3");
    wrapper
        .arg("-c")
        .arg(WRAPPER)
        .arg(log)
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => wrapper.env(name, value),
            None => wrapper.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        wrapper.current_dir(folder);
    }
    let output = process::capture(wrapper.stderr(Stdio::piped()))?;
    let used: Value = serde_json::from_str(&output).context("reading what the command used")?;
    ensure!(
        used["code"] == 0,
        "`{}` ended with {}\n{}",
        process::line(command),
        used["code"],
        std::fs::read_to_string(log).unwrap_or_default()
    );
    let number = |name: &str| {
        used[name]
            .as_f64()
            .with_context(|| format!("no {name} in {output}"))
    };
    Ok(Measurement {
        wall: number("wall")?,
        cpu: number("cpu")?,
        peak: number("peak")? as u64,
        repository: 0,
    })
}

/// Uses as much memory as a run needs for the pages it writes, and gives it back. On a virtual machine the first touch
/// of a page costs more than copying it; so nobody pays for that.
fn touch_memory() {
    let mut memory = vec![0_u8; 6 << 30];
    for page in memory.iter_mut().step_by(4096) {
        *page = 1;
    }
    drop(std::hint::black_box(memory));
}

/// Bytes of all files below.
pub fn size_of(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() {
            size_of(&entry.path())?
        } else {
            metadata.len()
        };
    }
    Ok(bytes)
}
