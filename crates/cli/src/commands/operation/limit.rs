//! `ostler operation limit`

use clap::Args;
use ostler_api::client::LimitChange;
use ostler_vocabulary::{ByteSize, Failure, OperationId};
use serde::Serialize;

use crate::arguments::{byte_rate, request_rate, text};
use crate::output::{count, plural, schema, size};
use crate::session::Session;

/// Change what a running operation waits for
///
/// It counts within a second, also for requests that wait already, until the operation ends. Limits that are not given
/// stay as they are. Of an operation on a cluster they are those of each node.
#[derive(Debug, Args)]
pub(crate) struct Limit {
    /// The operation's id or a unique prefix of it
    #[arg(value_name = "OPERATION", value_parser = text())]
    operation: String,

    /// Send at most so many bytes a second, such as `10MiB`; `none` for no limit
    #[arg(long, value_name = "RATE", value_parser = byte_rate, required_unless_present_any = ["download", "requests", "parallel", "nice"])]
    upload: Option<ByteSize>,

    /// Receive at most so many bytes a second; `none` for no limit
    #[arg(long, value_name = "RATE", value_parser = byte_rate)]
    download: Option<ByteSize>,

    /// Make at most so many requests a second; `none` for no limit
    #[arg(long, value_name = "NUMBER", value_parser = request_rate)]
    requests: Option<u32>,

    /// Read and hash with at most so many threads; `none` for one for each core
    #[arg(long, value_name = "NUMBER", value_parser = request_rate)]
    parallel: Option<u32>,

    /// How much those give way to other processes, for the processor and for disks whose scheduler has priorities: 0 to 19
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(0..=19))]
    nice: Option<u8>,
}

/// `operation limit`
#[derive(Debug, Serialize)]
struct Limited {
    operation: OperationId,
    #[serde(flatten)]
    limits: LimitChange,
}

impl Limit {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let client = session.client().await?;
        let id = client.operation(&self.operation).await?.summary.id;
        let change = LimitChange {
            upload: self.upload,
            download: self.download,
            requests: self.requests,
            parallel: self.parallel,
            nice: self.nice,
        };
        let limits = client.limit(id, change).await?;
        let limited = Limited {
            operation: id,
            limits,
        };
        session
            .output
            .document(schema::OPERATION_LIMIT, &limited, |page| {
                page.line(format!("operation {} has other limits now", id.short()));
                let bytes = |rate: ByteSize| match rate.0 {
                    0 => "no limit".to_owned(),
                    rate => format!("{}/s", size(rate)),
                };
                if let Some(rate) = limits.upload {
                    page.field("upload", bytes(rate));
                }
                if let Some(rate) = limits.download {
                    page.field("download", bytes(rate));
                }
                if let Some(threads) = limits.parallel {
                    page.field(
                        "parallel",
                        match threads {
                            0 => "one thread for each core".to_owned(),
                            threads => plural(u64::from(threads), "thread"),
                        },
                    );
                }
                if let Some(nice) = limits.nice {
                    page.field("nice", nice.to_string());
                }
                if let Some(rate) = limits.requests {
                    page.field(
                        "requests",
                        match rate {
                            0 => "no limit".to_owned(),
                            rate => format!("{}/s", count(u64::from(rate))),
                        },
                    );
                }
            })
    }
}
