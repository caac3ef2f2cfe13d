//! One database: leads, ticks, maintains, and begins again after every failure.

use std::sync::Arc;
use std::time::Duration;

use ostler_postgres::{Connection, Error, Options, Target, Type};
use ostler_vocabulary::Failure;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::pace::{Found, Limits, Pace, pause};
use super::{Board, Standing, TickerOptions};
use crate::maintenance;

/// What producers say to a sleeping ticker.
pub const CHANNEL: &str = "pgq.wake";

const INSPECT: &str = include_str!("queries/inspect.sql");
const LEAD: &str = include_str!("queries/lead.sql");
const ROUND: &str = include_str!("queries/round.sql");
const ROUND_BEHIND_POOLER: &str = include_str!("queries/round_behind_pooler.sql");
const FOREIGN_TICKER: &str = include_str!("queries/foreign_ticker.sql");
const FOREIGN_RETRY: &str = include_str!("queries/foreign_retry.sql");

/// A database with its ticker.
pub(super) struct Database {
    pub name: String,
    pub target: Target,
    pub sessions: Options,
    pub options: Arc<TickerOptions>,
    pub board: Arc<Board>,
}

/// What the schema there can do.
#[derive(Debug, Clone, Copy)]
struct Schema {
    has_queues: bool,
    is_ours: bool,
    has_operations: bool,
    is_replica: bool,
}

/// How a session is used.
#[derive(Debug, Clone, Copy)]
struct Standpoint {
    schema: Schema,
    /// Whether what belongs to a session is ours while it lasts: the lock of whoever leads, and LISTEN.
    keeps_process: bool,
    /// Whether producers can wake us.
    listening: bool,
}

impl Database {
    /// Ticks until it is cancelled.
    pub async fn watch(self, cancel: CancellationToken) {
        self.board.stand(&self.name, Standing::Connecting);
        while !cancel.is_cancelled() {
            let session = tokio::select! {
                () = cancel.cancelled() => return,
                session = self.session(&cancel) => session,
            };
            let wait = match session {
                // There is nothing to do here for now.
                Ok(()) => self.options.discovery,
                Err(error) => {
                    let failure = Failure::from(error);
                    let failures = self.board.failed(&self.name, &failure);
                    let wait = pause(failures, self.options.shortest_pause, self.options.longest_pause);
                    let messages = failure.messages().join(": ");
                    tracing::warn!(database = self.name, "next try in {wait:?}: {messages}");
                    wait
                }
            };
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// One session from its beginning to its loss; `Ok` when there is nothing to do.
    async fn session(&self, cancel: &CancellationToken) -> Result<(), Error> {
        let mut connection = Connection::open(&self.target, &self.sessions).await?;
        let row = connection.one(INSPECT, &[]).await?;
        let schema = Schema {
            has_queues: row.get(0),
            is_ours: row.get(1),
            has_operations: row.get(2),
            is_replica: row.get(3),
        };
        if schema.is_replica || !schema.has_queues {
            let standing = if schema.is_replica {
                Standing::Replica
            } else {
                Standing::NoQueues
            };
            self.board.change(&self.name, |report| {
                report.standing = standing;
                report.failing = 0;
            });
            connection.close().await;
            return Ok(());
        }
        let keeps_process = connection.keeps_its_process(&self.target).await?;
        if keeps_process {
            self.lead(&connection).await?;
        } else {
            tracing::warn!(
                database = self.name,
                "a pooler lends this ticker another session for every transaction: producers cannot wake it; give it a direct connection"
            );
        }
        // Some poolers refuse it; looking from time to time is enough then.
        let listening = keeps_process
            && schema.is_ours
            && connection.batch(&format!("LISTEN \"{CHANNEL}\"")).await.is_ok();
        tracing::info!(
            database = self.name,
            listening,
            ours = schema.is_ours,
            "this ticker is at work"
        );
        self.board
            .change(&self.name, |report| report.listening = listening);
        let standpoint = Standpoint {
            schema,
            keeps_process,
            listening,
        };
        self.rounds(&mut connection, standpoint, cancel).await
    }

    /// Waits until no other ticker leads here. The lock ends with the session.
    async fn lead(&self, connection: &Connection) -> Result<(), Error> {
        while !connection.one(LEAD, &[]).await?.get::<_, bool>(0) {
            self.board.change(&self.name, |report| {
                report.standing = Standing::StandingBy;
                report.failing = 0;
            });
            tokio::time::sleep(self.options.poll).await;
        }
        Ok(())
    }

    async fn rounds(
        &self,
        connection: &mut Connection,
        standpoint: Standpoint,
        cancel: &CancellationToken,
    ) -> Result<(), Error> {
        let Standpoint {
            schema, listening, ..
        } = standpoint;
        let mut pace = Pace::default();
        let limits = Limits {
            lag: self.options.wakeup_lag,
            longest: self.options.longest_sleep,
            listening,
            poll: self.options.poll,
        };
        let mut sleep = false;
        let mut maintain_at = Instant::now();
        loop {
            let found = if schema.is_ours {
                self.round(connection, standpoint, sleep).await?
            } else {
                Some(self.foreign_round(connection).await?)
            };
            let Some(found) = found else {
                self.board.stand(&self.name, Standing::StandingBy);
                tokio::time::sleep(self.options.poll).await;
                continue;
            };
            if Instant::now() >= maintain_at {
                self.maintain(connection, schema, cancel).await?;
                maintain_at = Instant::now() + self.options.maintenance;
            }
            let next = if schema.is_ours {
                pace.after(found, limits)
            } else {
                // Its own rules say when a queue is due; asking often is its ticker's way.
                super::pace::Next {
                    wait: self.options.poll,
                    sleep: false,
                    reason: "not our schema",
                }
            };
            tracing::trace!(database = self.name, wait = ?next.wait, next.reason);
            sleep = next.sleep;
            if wait(
                connection,
                next.wait
                    .min(maintain_at.saturating_duration_since(Instant::now())),
            )
            .await?
            {
                self.board.change(&self.name, |report| report.wakeups += 1);
                pace.woken();
                sleep = false;
            }
        }
    }

    /// A round; `None` where another ticker leads.
    async fn round(
        &self,
        connection: &Connection,
        standpoint: Standpoint,
        sleep: bool,
    ) -> Result<Option<Found>, Error> {
        let lag = format!("{} ms", self.options.wakeup_lag.as_millis());
        let statement = if standpoint.keeps_process {
            ROUND
        } else {
            ROUND_BEHIND_POOLER
        };
        let rows = connection
            .query(statement, &[(&lag, Type::TEXT), (&sleep, Type::BOOL)])
            .await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let ticked = row.get::<_, i32>(0).unsigned_abs();
        let failed: Vec<String> = row.get(1);
        for message in &failed {
            tracing::warn!(database = self.name, "{message}");
            self.board.trouble(&self.name, message);
        }
        self.board.change(&self.name, |report| {
            report.standing = Standing::Leading;
            report.rounds += 1;
            // Only now: a session that leads and then fails at once is to pause longer each time.
            report.failing = 0;
            report.ticks += u64::from(ticked);
        });
        let wait: Option<f64> = row.get(2);
        Ok(Some(Found {
            ticked,
            next_event: wait.and_then(|ms| Duration::try_from_secs_f64(ms.max(0.0) / 1000.0).ok()),
            silent: row.get(3),
        }))
    }

    /// A round with a schema that is not ours, by its own functions only.
    async fn foreign_round(&self, connection: &Connection) -> Result<Found, Error> {
        let ticked: Option<i64> = connection.one(FOREIGN_TICKER, &[]).await?.get(0);
        let ticked = u32::try_from(ticked.unwrap_or_default()).unwrap_or(u32::MAX);
        self.board.change(&self.name, |report| {
            report.standing = Standing::Leading;
            report.rounds += 1;
            report.failing = 0;
            report.ticks += u64::from(ticked);
        });
        Ok(Found {
            ticked,
            ..Found::default()
        })
    }

    /// What is due, over a session of its own, so that ticks do not wait for a VACUUM. A failure is no reason to end the
    /// ticker's session.
    async fn maintain(
        &self,
        connection: &Connection,
        schema: Schema,
        cancel: &CancellationToken,
    ) -> Result<(), Error> {
        if !schema.is_ours {
            while connection.one(FOREIGN_RETRY, &[]).await?.get::<_, i32>(0) > 0 && !cancel.is_cancelled() {}
        }
        if !schema.has_operations {
            return Ok(());
        }
        let due = maintenance::due(connection).await?;
        if due.is_empty() {
            return Ok(());
        }
        let done = maintenance::run(&self.target, &due).await;
        for failure in &done.failures {
            tracing::warn!(database = self.name, "maintenance: {failure}");
            self.board.trouble(&self.name, failure);
        }
        self.board
            .change(&self.name, |report| report.maintenance += done.count);
        Ok(())
    }
}

/// Waits; whether a producer woke us.
async fn wait(connection: &mut Connection, limit: Duration) -> Result<bool, Error> {
    let end = Instant::now() + limit;
    match timeout(limit, connection.notification()).await {
        Ok(Some(_)) => Ok(true),
        Ok(None) => {
            // The session is gone: the next statement says how.
            sleep_until(end.min(Instant::now() + Duration::from_millis(100))).await;
            Ok(false)
        }
        Err(_) => Ok(false),
    }
}
