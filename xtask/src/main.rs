//! Developer commands: `cargo xtask <verb>`.
//!
//! Who uses it: developers and `.ci/run`. One file per verb; [`workspace`] knows where things are, [`process`] runs
//! commands, [`tools`] installs the few programs that are not part of the toolchain.
//!
//! Invariants: it depends on nearly nothing, so that `cargo xtask layers` is there within seconds; what needs the
//! project's own code runs as an example of the crate that has it.
//! What is not here: anything the product needs.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that talks to developers"
)]

mod bench;
mod cassandra;
mod coverage;
mod crash;
mod deny;
mod docs;
mod faults;
mod hygiene;
mod layers;
mod links;
mod number;
mod picture;
mod process;
mod queue_model;
mod servers;
mod simulate;
mod svg;
mod test;
mod tools;
mod trial;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
cargo xtask <verb>

  try [PATH] [--keep]        build ostler and run its main job on a directory: backup, proof, drill, restore
  test [--quick] [FILTER]    every check and test; --quick leaves out what needs a server or a download
  ci                         what .ci/run runs: the same as `test`
  layers                     who may depend on whom, file lengths, names
  docs [--check]             write, or compare, the generated reference pages; --check looks at links too
  deny                       licences, sources and advisories of all dependencies
  coverage                   line coverage by crate
  simulate [SEEDS|FROM..TO]  go through histories of writers and collectors in one vault; of one seed tell the history
  cassandra [4.1|5.0]        back up, lose and restore a real ring of Cassandra, of one release or of both
  crash [RUNS]               kill the real binary at every step and RUNS times at random moments of each operation
  faults [MINUTES]           checks beside writers, prunes and rotations; processes that are stopped for a minute
  queue-model [ROUNDS|--minutes N] [--seed N]  random histories of queues on real servers against an oracle
  servers get|list           fetch, or name, the servers that tests start
  bench first-backup [...]   side by side with peers; see benches/README.md
  picture                    render docs/start/first-backup.svg from a real run";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            for cause in error.chain().skip(1) {
                eprintln!("  caused by: {cause}");
            }
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> Result<()> {
    let Some((verb, rest)) = arguments.split_first() else {
        bail!("no verb given\n\n{USAGE}");
    };
    match verb.as_str() {
        "try" => trial::run(rest),
        "test" | "ci" => test::run(rest),
        "layers" => layers::run(rest),
        "docs" => docs::run(rest),
        "deny" => deny::run(rest),
        "coverage" => coverage::run(rest),
        "cassandra" => cassandra::run(rest),
        "crash" => crash::run(rest),
        "faults" => faults::run(rest),
        "simulate" => simulate::run(rest),
        "queue-model" => queue_model::run(rest),
        "servers" => servers::run(rest),
        "bench" => bench::run(rest),
        "picture" => picture::run(rest),
        "help" | "--help" | "-h" => {
            println!("{USAGE}");
            Ok(())
        }
        other => bail!("there is no verb `{other}`\n\n{USAGE}"),
    }
}
