//! `ostler serve`

use std::net::SocketAddr;

use clap::{Args, ValueEnum};
use ostler_vocabulary::Failure;
use tokio::sync::mpsc;

use crate::arguments::text;
use crate::backend::{ApiRequest, RoleName, ServeRequest};
use crate::foreground;
use crate::session::Session;

/// Run what is due by schedule, tell webhooks, and serve the dashboard, until told to stop
///
/// In the foreground or under systemd (Type=notify-reload), once for each state directory. SIGTERM and Ctrl-C end it:
/// operations that run are left where they go on when it is started again. SIGHUP reads the configuration again. A role
/// that fails is begun again and stops no other.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// What to run; everything but the ticker if not given
    #[arg(long, value_enum, value_delimiter = ',', value_name = "ROLE")]
    roles: Vec<RoleWord>,

    /// Where the role `api` listens [default: 127.0.0.1:7070]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,

    /// A name by which browsers may call the server, besides its addresses and localhost
    #[arg(long = "name", value_name = "NAME", value_parser = text())]
    names: Vec<String>,

    /// Listen on an address that others reach, although nothing is encrypted
    #[arg(long)]
    plain_http: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RoleWord {
    /// Runs what is due by schedule
    Scheduler,
    /// Ticks queues, as `ostler queue ticker` does
    Ticker,
    /// Tells webhooks what changed
    Webhooks,
    /// Looks at vaults and databases for metrics
    Metrics,
    /// The HTTP API and the dashboard
    Api,
}

impl Serve {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let (notes, mut noted) = mpsc::channel(4);
        let request = ServeRequest {
            roles: self.roles.into_iter().map(RoleWord::role).collect(),
            api: ApiRequest {
                listen: self.listen,
                names: self.names,
                plain_http: self.plain_http,
                notes: Some(notes),
            },
        };
        foreground::run(session, |control| async move {
            let serving = session.backend.serve(request, control);
            tokio::pin!(serving);
            loop {
                tokio::select! {
                    ended = &mut serving => return ended,
                    Some(note) = noted.recv() => session.output.say(&format!("{note}\n")),
                }
            }
        })
        .await
    }
}

impl RoleWord {
    fn role(self) -> RoleName {
        match self {
            Self::Scheduler => RoleName::Scheduler,
            Self::Ticker => RoleName::Ticker,
            Self::Webhooks => RoleName::Webhooks,
            Self::Metrics => RoleName::Metrics,
            Self::Api => RoleName::Api,
        }
    }
}
