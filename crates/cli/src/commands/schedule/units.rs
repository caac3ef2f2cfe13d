//! `ostler schedule units`

use std::path::PathBuf;

use clap::Args;
use ostler_vocabulary::Failure;

use crate::arguments::{path, text};
use crate::output::schema;
use crate::session::Session;

/// Print a systemd service and timer that run what is due every minute
///
/// For a machine without `ostler serve`. Each file has its name above it.
#[derive(Debug, Args)]
pub(crate) struct Units {
    /// How often it is looked at, as systemd writes it
    #[arg(long, value_name = "EVENT", default_value = "minutely", value_parser = text())]
    on_calendar: String,

    /// Where the program is
    #[arg(long, value_name = "FILE", default_value = "/usr/local/bin/ostler", value_parser = path())]
    program: PathBuf,
}

impl Units {
    pub fn run(self, session: &Session) -> Result<(), Failure> {
        let units = format!(
            "# /etc/systemd/system/ostler-run-due.service\n[Unit]\nDescription=What is due by `ostler schedule list`\n\n\
             [Service]\nType=oneshot\nExecStart={} schedule run-due --quiet\n\n\
             # /etc/systemd/system/ostler-run-due.timer\n[Timer]\nOnCalendar={}\nPersistent=true\n\n\
             [Install]\nWantedBy=timers.target\n",
            self.program.display(),
            self.on_calendar
        );
        let document = serde_json::json!({ "units": units });
        session
            .output
            .document(schema::SCHEDULE_UNITS, &document, |page| page.verbatim(&units))
    }
}
