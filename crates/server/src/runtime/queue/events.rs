//! Events that are looked at.

use ostler_api::document::{DeadLetterList, EventEntry, EventList};
use ostler_api::queue::QueueAnswer;
use ostler_postgres::{Connection, Type, quote};
use ostler_vocabulary::{ErrorKind, Failure};

use super::answer::{consumers_named, one};
use super::rows::{documents, explained};

const PEEK: &str = include_str!("queries/peek.sql");
const PEEK_CONSUMER: &str = include_str!("queries/peek_consumer.sql");

/// Reads events without opening a batch.
pub(super) async fn peek(
    session: &Connection,
    queue: String,
    consumer: Option<String>,
    limit: i64,
) -> Result<QueueAnswer, Failure> {
    let queue = one(session, &queue).await?;
    let statement = include_str!("queries/table.sql");
    let row = session
        .one(statement, &[(&queue, Type::TEXT)])
        .await
        .map_err(explained)?;
    let table = quote::qualified(row.get(0));
    let events: Vec<EventEntry> = match &consumer {
        None => {
            documents(
                session,
                &PEEK.replace("QUEUE_TABLE", &table),
                &[(&limit, Type::INT8)],
            )
            .await?
        }
        Some(consumer) => {
            let known = consumers_named(session, &queue, consumer).await?;
            if !known.contains(consumer) {
                return Err(Failure::new(
                    ErrorKind::Invalid,
                    format!("`{consumer}` is a pattern, and one consumer is needed"),
                ));
            }
            let parameters = [
                (&limit as _, Type::INT8),
                (&queue as _, Type::TEXT),
                (consumer as _, Type::TEXT),
            ];
            documents(
                session,
                &PEEK_CONSUMER.replace("QUEUE_TABLE", &table),
                &parameters,
            )
            .await?
        }
    };
    Ok(QueueAnswer::Events(EventList { queue, events }))
}

/// Events that wait to be tried again and, of no consumer, for their time; it may come now.
pub(super) async fn retries(
    session: &Connection,
    queue: String,
    consumer_pattern: Option<&str>,
    now: bool,
    limit: i64,
) -> Result<QueueAnswer, Failure> {
    let queue = one(session, &queue).await?;
    let consumers = match consumer_pattern {
        Some(pattern) => consumers_named(session, &queue, pattern).await?,
        None => consumers_named(session, &queue, "*").await.unwrap_or_default(),
    };
    let all = consumer_pattern.is_none();
    if now {
        let statement = include_str!("queries/retry_now.sql");
        let parameters = [
            (&queue as _, Type::TEXT),
            (&consumers as _, Type::TEXT_ARRAY),
            (&all as _, Type::BOOL),
        ];
        session.execute(statement, &parameters).await.map_err(explained)?;
    }
    let parameters = [
        (&queue as _, Type::TEXT),
        (&consumers as _, Type::TEXT_ARRAY),
        (&limit as _, Type::INT8),
        (&all as _, Type::BOOL),
    ];
    let events = documents(session, include_str!("queries/retries.sql"), &parameters).await?;
    Ok(QueueAnswer::Events(EventList { queue, events }))
}

pub(super) async fn dead_letters(
    session: &Connection,
    queue: String,
    consumer: Option<String>,
    limit: i64,
) -> Result<QueueAnswer, Failure> {
    let queue = one(session, &queue).await?;
    let limit = i32::try_from(limit).unwrap_or(i32::MAX);
    let parameters = [
        (&queue as _, Type::TEXT),
        (&consumer as _, Type::TEXT),
        (&limit as _, Type::INT4),
    ];
    let dead_letters = documents(session, include_str!("queries/dead_letters.sql"), &parameters).await?;
    Ok(QueueAnswer::DeadLetters(DeadLetterList { queue, dead_letters }))
}
