//! `ostler metrics`

use clap::Args;
use ostler_api::metrics::prometheus;
use ostler_vocabulary::Failure;

use crate::output::schema;
use crate::session::Session;

/// Print metrics as Prometheus reads them, from what is recorded on this machine
///
/// `ostler serve` gives the same at /metrics, to those with a token. Without a server: `ostler metrics --refresh` from
/// cron, into a file that node_exporter reads.
#[derive(Debug, Args)]
pub(crate) struct Metrics {
    /// Look at all vaults and databases first, and record what is seen
    #[arg(long)]
    refresh: bool,
}

impl Metrics {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let metrics = session.client().await?.metrics(self.refresh).await?;
        let text = prometheus(&metrics);
        session
            .output
            .document(schema::METRICS, &metrics, |page| page.verbatim(&text))
    }
}
