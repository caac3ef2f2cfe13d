//! A consumer's place in a queue of a PostgreSQL database.

use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use ostler_postgres::{Connection, Options, Parameter, Row, Target, Type};
use ostler_vocabulary::{Classified, Timestamp};
use tokio_postgres::binary_copy::BinaryCopyOutStream;

use super::copied::{COLUMNS, event};
use super::retries::Retries;
use super::source::BatchSource;
use super::{BatchInfo, ConsumeError, Event, Member, SubscriptionOptions, Unreadable};

mod registration;

const NEXT_BATCH: &str = include_str!("sql/next_batch.sql");
const NEXT_BATCH_OF_MEMBER: &str = include_str!("sql/next_batch_of_member.sql");
const BATCH_INFO: &str = include_str!("sql/batch_info.sql");
const RETRY_EVENTS: &str = include_str!("sql/retry_events.sql");
const RETRY_MANY_EVENTS: &str = include_str!("sql/retry_many_events.sql");
const CAN_RETRY_MANY: &str = include_str!("sql/can_retry_many.sql");
const RETRY_BATCH: &str = include_str!("sql/retry_batch.sql");
const BEGIN_READING: &str = include_str!("sql/begin_reading.sql");
const LOCK_PLACE: &str = include_str!("sql/lock_place.sql");

/// Tags that one statement takes.
const TAGS: usize = 50_000;

/// A consumer, or a member of a cooperative one, in a queue of a database.
///
/// It has one connection, made when it is first needed and made anew after [`BatchSource::disconnect`]; with several hosts
/// in the connection string, to whichever accepts writes. A batch is read by `COPY`, a piece at a time, without an open
/// transaction and without holding more than one piece in memory.
#[derive(Debug)]
pub struct Subscription {
    target: Target,
    queue: String,
    consumer: String,
    member: Option<Member>,
    exclusive: bool,
    options: SubscriptionOptions,
    connection: Option<Connection>,
    listening: bool,
    reading: Option<Reading>,
}

struct Reading {
    rows: Pin<Box<BinaryCopyOutStream>>,
    statement: String,
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reading")
    }
}

impl Subscription {
    /// The place of this consumer. Nothing is connected yet, and nothing registered.
    #[must_use]
    pub fn new(target: Target, queue: impl Into<String>, consumer: impl Into<String>) -> Self {
        Self {
            target: target.for_long_work(),
            queue: queue.into(),
            consumer: consumer.into(),
            member: None,
            exclusive: false,
            options: SubscriptionOptions::default(),
            connection: None,
            listening: false,
            reading: None,
        }
    }

    /// As a member of a cooperative consumer.
    #[must_use]
    pub fn as_member(mut self, member: Member) -> Self {
        self.member = Some(member);
        self
    }

    /// Gives nothing while another session has this place: [`ConsumeError::Busy`]. Behind a pooler, where no session is
    /// anybody's, both get the same batches.
    #[must_use]
    pub fn exclusively(mut self) -> Self {
        self.disconnect();
        self.exclusive = true;
        self
    }

    /// With other options.
    #[must_use]
    pub fn with_options(mut self, options: SubscriptionOptions) -> Self {
        self.options = options;
        self
    }

    /// The name under which PgQ keeps the place: `main.sub` for a member.
    fn registered_name(&self) -> String {
        match &self.member {
            None => self.consumer.clone(),
            Some(member) => format!("{}.{}", self.consumer, member.name),
        }
    }

    async fn connected(&mut self) -> Result<&mut Connection, ConsumeError> {
        if self.connection.as_ref().is_some_and(Connection::is_closed) {
            self.disconnect();
        }
        if self.connection.is_none() {
            let options = Options {
                application_name: Some(format!("ostler: {}", self.consumer)),
                ..Options::default()
            };
            let connection = Connection::open(&self.target, &options).await?;
            if self.exclusive && connection.keeps_its_process(&self.target).await? {
                let (queue, consumer) = (self.queue.clone(), self.registered_name());
                let place = [text(&consumer), text(&queue)];
                if !connection.one(LOCK_PLACE, &place).await?.get::<_, bool>(0) {
                    return Err(ConsumeError::Busy { queue, consumer });
                }
            }
            // Some poolers refuse it; asking from time to time is enough then.
            let listen = format!(
                "listen {}",
                ostler_postgres::quote::identifier(&channel(&self.queue))
            );
            self.listening = connection.batch(&listen).await.is_ok();
            self.connection = Some(connection);
        }
        // It was put there above.
        match &mut self.connection {
            Some(connection) => Ok(connection),
            None => unreachable!("the connection was just made"),
        }
    }

    async fn next_id(&mut self) -> Result<Option<i64>, ConsumeError> {
        let (queue, consumer) = (self.queue.clone(), self.consumer.clone());
        let (lag, interval) = (seconds(self.options.min_lag), seconds(self.options.min_interval));
        let count = self.options.min_count;
        let member = self.member.clone();
        let connection = self.connected().await?;
        let mut parameters: Vec<Parameter<'_>> = vec![
            text(&queue),
            text(&consumer),
            (&lag, Type::FLOAT8),
            (&count, Type::INT4),
            (&interval, Type::FLOAT8),
        ];
        let row = match &member {
            None => connection.one(NEXT_BATCH, &parameters).await?,
            Some(member) => {
                let dead = seconds(member.dead_after);
                parameters.push(text(&member.name));
                parameters.push((&dead, Type::FLOAT8));
                connection.one(NEXT_BATCH_OF_MEMBER, &parameters).await?
            }
        };
        Ok(row.get(0))
    }

    /// Keeps the tags and finishes the batch, in one transaction.
    async fn finish_with(
        &mut self,
        finish: &str,
        batch: &BatchInfo,
        retries: &Retries,
    ) -> Result<bool, ConsumeError> {
        let id = || -> Parameter<'_> { (&batch.batch_id, Type::INT8) };
        if !self.is_ours(batch).await? {
            return Ok(false);
        }
        let transaction = self.connected().await?.transaction().await?;
        let at_once: bool = transaction.one(CAN_RETRY_MANY, &[]).await?.get(0);
        for (after, events) in retries.of_events() {
            let after = i32::try_from(after).unwrap_or(i32::MAX);
            let statement = if at_once { RETRY_MANY_EVENTS } else { RETRY_EVENTS };
            for events in events.chunks(TAGS) {
                let tagged: Parameter<'_> = (&events, Type::INT8_ARRAY);
                transaction
                    .query(statement, &[id(), (&after, Type::INT4), tagged])
                    .await?;
            }
        }
        if let Some(after) = retries.of_whole_batch() {
            let after = i32::try_from(after).unwrap_or(i32::MAX);
            transaction
                .query(RETRY_BATCH, &[id(), (&after, Type::INT4)])
                .await?;
        }
        let row = transaction.one(finish, &[id()]).await?;
        if row.get::<_, i32>(0) != 1 {
            // Dropped, so the retries are taken back: whoever has the batch now decides about them.
            return Ok(false);
        }
        transaction.commit().await?;
        Ok(true)
    }

    async fn info(&mut self, batch_id: i64) -> Result<Option<Row>, ConsumeError> {
        let connection = self.connected().await?;
        let rows = connection.query(BATCH_INFO, &[(&batch_id, Type::INT8)]).await?;
        Ok(rows.into_iter().next())
    }
}

#[async_trait]
impl BatchSource for Subscription {
    async fn next_batch(&mut self) -> Result<Option<BatchInfo>, ConsumeError> {
        let Some(batch_id) = self.next_id().await? else {
            return Ok(None);
        };
        // It may be taken over between the two.
        let Some(row) = self.info(batch_id).await? else {
            return Ok(None);
        };
        let time = |column: usize| {
            let time: std::time::SystemTime = row.get(column);
            Timestamp::try_from(time).unwrap_or_default()
        };
        Ok(Some(BatchInfo {
            batch_id,
            queue: self.queue.clone(),
            consumer: self.consumer.clone(),
            sub: self.member.as_ref().map(|member| member.name.clone()),
            prev_tick_id: row.get(1),
            tick_id: row.get(2),
            prev_tick_time: time(3),
            tick_time: time(4),
            prev_tick_event_seq: row.get(5),
            tick_event_seq: row.get(6),
            lag: Duration::try_from_secs_f64(row.get(7)).unwrap_or_default(),
        }))
    }

    async fn open(&mut self, batch: &BatchInfo) -> Result<(), ConsumeError> {
        if self.reading.is_some() {
            // The rest of another reading is still on its way on this connection.
            self.disconnect();
        }
        let batch_id = batch.batch_id;
        let connection = self.connected().await?;
        let found = connection
            .one("select pgq.batch_event_sql($1)", &[(&batch_id, Type::INT8)])
            .await;
        let select: Option<String> = match found {
            Ok(row) => row.get(0),
            Err(error) if error.message() == Some("batch not found") => None,
            Err(error) => return Err(error.into()),
        };
        let select = select.ok_or(ConsumeError::NotOpen { batch_id })?;
        let statement = format!("copy ({select}) to stdout (format binary)");
        // COPY is prepared under a name: behind a pooler, only a transaction finds it again.
        connection.batch(BEGIN_READING).await?;
        let rows = match connection.client().copy_out(&statement).await {
            Ok(rows) => rows,
            Err(source) => {
                let error = connection.failed(&statement, source);
                self.disconnect();
                return Err(error.into());
            }
        };
        self.reading = Some(Reading {
            rows: Box::pin(BinaryCopyOutStream::new(rows, &COLUMNS)),
            statement,
        });
        Ok(())
    }

    async fn next_events(&mut self) -> Result<Vec<Result<Event, Unreadable>>, ConsumeError> {
        let (Some(connection), Some(reading)) = (&self.connection, &mut self.reading) else {
            return Ok(Vec::new());
        };
        let named = |source| connection.failed(&reading.statement, source);
        let mut events = Vec::new();
        let mut bytes = 0;
        while events.len() < self.options.piece_events && bytes < self.options.piece_bytes {
            let Some(row) = reading.rows.next().await else {
                connection.batch("commit").await?;
                self.reading = None;
                break;
            };
            let event = row.and_then(|row| event(&row)).map_err(named)?;
            bytes += event.as_ref().map_or(0, Event::size);
            events.push(event);
        }
        Ok(events)
    }

    async fn finish(&mut self, batch: &BatchInfo, retries: &Retries) -> Result<bool, ConsumeError> {
        let finish = match &self.member {
            None => "select pgq.finish_batch($1)",
            Some(_) => "select pgq_coop.finish_batch($1)",
        };
        let id = || -> Parameter<'_> { (&batch.batch_id, Type::INT8) };
        if self.reading.is_some() {
            self.disconnect();
        }
        if retries.is_empty() {
            let row = self.connected().await?.one(finish, &[id()]).await?;
            return Ok(row.get::<_, i32>(0) == 1);
        }
        let finished = self.finish_with(finish, batch, retries).await;
        if finished.as_ref().is_err_and(|error| !error.kind().is_transient()) {
            // Another process may have finished it meanwhile, and then no tag finds its event.
            self.disconnect();
            if !self.is_ours(batch).await? {
                return Ok(false);
            }
        }
        finished
    }

    async fn is_ours(&mut self, batch: &BatchInfo) -> Result<bool, ConsumeError> {
        let name = self.registered_name();
        let row = self.info(batch.batch_id).await?;
        Ok(row.is_some_and(|row| row.get::<_, &str>(0) == name))
    }

    async fn wait(&mut self, at_most: Duration) -> Result<(), ConsumeError> {
        match &mut self.connection {
            Some(connection) if self.listening => {
                let woken = tokio::time::timeout(at_most, connection.notification()).await;
                if matches!(woken, Ok(None)) {
                    // The session is gone; the next question makes another.
                    self.disconnect();
                }
            }
            _ => tokio::time::sleep(at_most).await,
        }
        Ok(())
    }

    fn disconnect(&mut self) {
        self.reading = None;
        self.listening = false;
        self.connection = None;
    }
}

/// On what channel a tick of this queue is told: as much of the name as a PostgreSQL identifier holds.
#[must_use]
pub fn channel(queue: &str) -> String {
    let mut name = format!("pgq.tick.{queue}");
    while name.len() > 63 {
        name.pop();
    }
    name
}

fn text(value: &String) -> Parameter<'_> {
    (value, Type::TEXT)
}

fn seconds(duration: Option<Duration>) -> Option<f64> {
    duration.map(|duration| duration.as_secs_f64())
}
