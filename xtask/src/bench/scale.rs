//! `bench scale`: an index of very many chunks, and a backup of very many files. What is simulated is said in
//! `benches/README.md`.

use anyhow::{Context, Result, bail};

use crate::{process, workspace};

/// A vault of 100 TiB in chunks of 1 MiB.
const CHUNKS: &str = "100000000";
const FILES: &str = "10000000";
const LOOKS: &str = "1000000";
/// Of the set `collect`: backups, and files of each, of which every second is another in the next: ten million chunks.
const BACKUPS: &str = "1000";
const COLLECTED: &str = "20000";

/// Runs the verb.
pub fn run(arguments: &[String]) -> Result<()> {
    let (mut chunks, mut files, mut looks) = (CHUNKS.to_owned(), FILES.to_owned(), LOOKS.to_owned());
    let mut work = workspace::target_directory().join("bench");
    let (mut backups, mut collected) = (BACKUPS.to_owned(), COLLECTED.to_owned());
    let mut sets = vec!["index", "files", "collect"];
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let value = words.next().with_context(|| format!("{word} wants a value"))?;
        let number = || {
            value
                .parse::<u64>()
                .map(|number| number.to_string())
                .with_context(|| word.clone())
        };
        match word.as_str() {
            "--chunks" => chunks = number()?,
            "--files" => files = number()?,
            "--looks" => looks = number()?,
            "--backups" => backups = number()?,
            "--collected" => collected = number()?,
            "--set" => sets.retain(|set| set == value),
            "--work" => work = value.into(),
            other => bail!("bench scale: unknown option {other}"),
        }
    }
    if sets.is_empty() {
        bail!("nothing to measure: --set is `index`, `files` or `collect`");
    }
    std::fs::create_dir_all(&work)?;
    println!("{}", super::machine());
    // One process each: what is measured is also its peak.
    for set in sets {
        let test = match set {
            "index" => "tests::scale::index_of_many_chunks",
            "files" => "tests::scale::a_backup_of_many_files",
            _ => "tests::scale::a_collection_of_many_backups",
        };
        let mut bench = workspace::cargo();
        bench
            .args([
                "test",
                "--quiet",
                "--release",
                "--locked",
                "-p",
                "ostler-vault",
                "--lib",
                "--",
            ])
            .args(["--ignored", "--exact", "--nocapture", test])
            .env("OSTLER_TEST_SCALE_CHUNKS", &chunks)
            .env("OSTLER_TEST_SCALE_FILES", &files)
            .env("OSTLER_TEST_SCALE_LOOKS", &looks)
            .env("OSTLER_TEST_SCALE_BACKUPS", &backups)
            .env("OSTLER_TEST_SCALE_COLLECTED", &collected)
            .env("OSTLER_TEST_SCALE_FOLDER", &work);
        process::run(&mut bench)?;
    }
    Ok(())
}
