//! `ostler serve`

use clap::{Args, ValueEnum};
use ostler_vocabulary::Failure;

use crate::backend::{RoleName, ServeRequest};
use crate::foreground;
use crate::session::Session;

/// Run what is due by schedule, until told to stop
///
/// In the foreground or under systemd (Type=notify-reload), once for each state directory. SIGTERM and Ctrl-C end it:
/// operations that run are left where they go on when it is started again. SIGHUP reads the configuration again. A role
/// that fails is begun again and stops no other.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// What to run; `scheduler` if not given
    #[arg(long, value_enum, value_delimiter = ',', value_name = "ROLE")]
    roles: Vec<RoleWord>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RoleWord {
    /// Runs what is due by schedule
    Scheduler,
    /// Ticks queues, as `ostler queue ticker` does
    Ticker,
}

impl Serve {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let request = ServeRequest {
            roles: self.roles.into_iter().map(RoleWord::role).collect(),
        };
        foreground::run(session, |control| session.backend.serve(request, control)).await
    }
}

impl RoleWord {
    fn role(self) -> RoleName {
        match self {
            Self::Scheduler => RoleName::Scheduler,
            Self::Ticker => RoleName::Ticker,
        }
    }
}
