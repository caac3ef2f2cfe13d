//! `bench scale --set collect --peer restic`: the same history in each program's repository, on one S3 service on loopback;
//! then every second backup is deleted and its space freed, which is what is measured.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, bail};
use ostler_testkit::servers::SeaweedFs;

use super::contender::Name;
use super::delay::Delay;
use super::generator::Random;
use super::measure::{self, Measurement};
use super::s3::remote::Remote;
use super::{SEED, machine};
use crate::process;

/// Length of each file in bytes; nothing makes it shorter.
const LENGTH: usize = 1024;
const FILES_A_DIRECTORY: u64 = 200;
/// Lines of what a program said that are shown.
const SHOWN: usize = 12;

/// How long it is, and whose.
pub struct History {
    /// Backups.
    pub backups: u64,
    /// Files of each, of which every second is another than in the backup before.
    pub files: u64,
    /// The programs beside ours.
    pub peers: Vec<Name>,
    /// Where all is kept meanwhile.
    pub work: PathBuf,
}

/// Makes and measures it.
pub fn run(history: &History) -> Result<()> {
    let service = SeaweedFs::start()?;
    let address = service.endpoint().trim_start_matches("http://").parse()?;
    let proxy = Delay::start(address, std::time::Duration::ZERO)?;
    let mut names = vec![Name::Ostler];
    names.extend(history.peers.iter().filter(|name| **name != Name::Ostler));
    let mut remotes = Vec::new();
    for name in names {
        let remote = Remote::get(name, &history.work, &proxy.endpoint())?;
        remote.start_anew("history")?;
        remotes.push((remote, 0.0));
    }
    let source = history.work.join("history");
    if source.exists() {
        fs::remove_dir_all(&source)?;
    }
    for backup in 0..history.backups {
        change(&source, history.files, backup)?;
        // The newest stays, and every second before it.
        let kept = (history.backups - backup) % 2 == 1;
        for (remote, taken) in &mut remotes {
            let begun = Instant::now();
            process::capture(&mut remote.backup_kept(&source, kept))?;
            *taken += begun.elapsed().as_secs_f64();
        }
        if (backup + 1).is_multiple_of(10) {
            eprintln!("{} backups", backup + 1);
        }
    }
    println!(
        "{}; {} backups of {} files of {LENGTH} bytes, of which every second changed; every second backup deleted\n",
        machine(),
        history.backups,
        history.files
    );
    println!(
        "| program | backups, wall s | prune, wall s | CPU s | peak MiB | requests | times as long as ostler |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|");
    let mut ours = None;
    for (remote, backups) in &remotes {
        proxy.requests();
        let pruned = measure::measure(&remote.prune_to_kept(), &remote.home(), &remote.log())?;
        let requests = proxy.requests();
        let ours: &Measurement = ours.get_or_insert(pruned);
        println!(
            "| {} | {backups:.1} | {:.2} | {:.2} | {:.0} | {requests} | {:.2} |",
            remote.name.as_str(),
            pruned.wall,
            pruned.cpu,
            pruned.peak as f64 / 1_048_576.0,
            pruned.wall / ours.wall,
        );
    }
    for (remote, _) in &remotes {
        let said = fs::read_to_string(remote.log())?;
        let lines: Vec<&str> = said.lines().collect();
        let last = &lines[lines.len().saturating_sub(SHOWN)..];
        println!("\n{}:\n    {}", remote.name.as_str(), last.join("\n    "));
        // What was measured left a repository that is whole.
        process::capture(&mut remote.check())?;
        remote.clear()?;
    }
    fs::remove_dir_all(&source)?;
    Ok(())
}

/// Writes the files that are new or other in this backup.
fn change(source: &Path, files: u64, backup: u64) -> Result<()> {
    for file in 0..files {
        let mut random = Random::new(SEED + backup, file);
        if backup > 0 && random.below(2) == 0 {
            continue;
        }
        let folder = source.join(format!("{:05}", file / FILES_A_DIRECTORY));
        if file.is_multiple_of(FILES_A_DIRECTORY) || !folder.exists() {
            fs::create_dir_all(&folder)?;
        }
        let mut body = Vec::with_capacity(LENGTH);
        while body.len() < LENGTH {
            body.extend_from_slice(&random.next().to_le_bytes());
        }
        fs::write(folder.join(format!("{:03}.row", file % FILES_A_DIRECTORY)), body)?;
    }
    if files == 0 {
        bail!("a history wants files");
    }
    Ok(())
}
