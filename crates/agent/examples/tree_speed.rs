//! Measures walking, upload and restore of a directory: `tree_speed DIRECTORY SCRATCH`. Everything in SCRATCH is replaced.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement for people"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use ostler_agent::{LocalNode, Options};
use ostler_api::Node;
use ostler_api::node::{Compare, Download, Selection, Upload};
use ostler_api::request::Overwrite;
use ostler_store::Local;
use ostler_vault::{InitOptions, Protect, Vault};
use ostler_vocabulary::{BackupId, Progress, SystemClock, Unit};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let from = PathBuf::from(arguments.next().unwrap());
    let scratch = PathBuf::from(arguments.next().unwrap());
    let _ = std::fs::remove_dir_all(&scratch);
    std::fs::create_dir_all(&scratch).unwrap();
    let options = InitOptions {
        protect: vec![Protect::KeyFile],
        clock: Arc::new(SystemClock::default()),
    };
    let store = Arc::new(Local::open(scratch.join("vault")).unwrap());
    let vault = Arc::new(Vault::init(store, options).await.unwrap().vault);
    let never = CancellationToken::new();
    let progress = || Progress::new(Unit::Bytes);
    let selection = Selection {
        paths: vec![from.clone()],
        exclude: Vec::new(),
        left_out: Vec::new(),
        one_file_system: false,
        frozen: None,
        hold: None,
    };
    let node = LocalNode::new(
        Arc::clone(&vault),
        vault.index(true).await.unwrap(),
        Options::default(),
    );
    let at = Instant::now();
    let counts = node.survey(&selection, &progress(), &never).await.unwrap();
    println!(
        "survey    {:>7.3} s  {} entries",
        at.elapsed().as_secs_f64(),
        counts.entries
    );
    let mib = |bytes: u64, at: Instant| bytes as f64 / f64::from(1 << 20) / at.elapsed().as_secs_f64();
    let mut parent = None;
    for run in ["first", "again", "again"] {
        let node = LocalNode::new(
            Arc::clone(&vault),
            vault.index(true).await.unwrap(),
            Options::default(),
        );
        let request = Upload {
            backup: BackupId::random(),
            selection: selection.clone(),
            parent: parent.clone(),
            read_all: false,
        };
        let at = Instant::now();
        let uploaded = node.upload(&request, &progress(), &never).await.unwrap();
        println!(
            "{run:<9} {:>7.3} s  {:.0} MiB/s, {} changed, {} stored, {} problems",
            at.elapsed().as_secs_f64(),
            mib(uploaded.counts.bytes, at),
            uploaded.counts.changed_files,
            uploaded.counts.stored_bytes,
            uploaded.counts.problems,
        );
        parent = Some(uploaded.list);
    }
    let node = LocalNode::new(
        Arc::clone(&vault),
        vault.index(true).await.unwrap(),
        Options::default(),
    );
    let request = Download {
        backup: BackupId::random(),
        list: parent.clone().unwrap(),
        roots: vec![from.clone()],
        to: Some(scratch.join("to")),
        include: Vec::new(),
        overwrite: Overwrite::Never,
        delete_extra: false,
        approved_deletes: None,
    };
    for run in ["restore", "kept"] {
        let at = Instant::now();
        let restored = node.download(&request, &progress(), &never).await.unwrap();
        println!(
            "{run:<9} {:>7.3} s  {:.0} MiB/s, {} written, {} kept, {} problems",
            at.elapsed().as_secs_f64(),
            mib(restored.bytes_verified, at),
            restored.files_written,
            restored.files_kept,
            restored.problems.len(),
        );
    }
    let request = Compare {
        list: parent.unwrap(),
        roots: vec![from],
        restored: scratch.join("to"),
    };
    let at = Instant::now();
    let compared = node.compare(&request, &progress(), &never).await.unwrap();
    println!(
        "compare   {:>7.3} s  {} files, {} live, {} problems",
        at.elapsed().as_secs_f64(),
        compared.files,
        compared.live,
        compared.problems.len()
    );
}
