//! Calls and what answers them.

use ostler_api::document::{
    ConsumerList, ConsumerSummary, QueueDetail, QueueList, QueueStatus, QueueSummary,
};
use ostler_api::queue::{QueueAnswer, QueueCall};
use ostler_postgres::{Connection, Type};
use ostler_vocabulary::{ErrorKind, Failure};

use super::rows::{documents, explained};
use super::{change, events, glob};

pub(super) async fn answer(
    session: &mut Connection,
    database: &str,
    call: QueueCall,
) -> Result<QueueAnswer, Failure> {
    match call {
        QueueCall::List { pattern } => {
            let names = match pattern {
                Some(pattern) => named(session, &pattern).await?,
                None => names(session).await?,
            };
            Ok(QueueAnswer::Queues(QueueList {
                database: database.to_owned(),
                queues: summaries(session, &names).await?,
            }))
        }
        QueueCall::Show { queue } => show(session, database, queue).await,
        QueueCall::Status => {
            let statement = include_str!("queries/status.sql");
            let found: Vec<QueueStatus> = documents(session, statement, &[]).await?;
            let mut status = first(found, "the database gave no status")?;
            database.clone_into(&mut status.database);
            if status.ticker.is_none() && status.queues > 0 {
                status
                    .warnings
                    .push("no ticker runs: events are in no batch; `ostler queue ticker`".to_owned());
            }
            Ok(QueueAnswer::Status(Box::new(status)))
        }
        QueueCall::Consumers {
            queue_pattern,
            pattern,
        } => Ok(QueueAnswer::Consumers(ConsumerList {
            database: database.to_owned(),
            consumers: consumers(session, queue_pattern.as_deref(), pattern.as_deref()).await?,
        })),
        QueueCall::Peek {
            queue,
            consumer,
            limit,
        } => events::peek(session, queue, consumer, limit).await,
        QueueCall::Retries {
            queue,
            consumer_pattern,
            now,
            limit,
        } => events::retries(session, queue, consumer_pattern.as_deref(), now, limit).await,
        QueueCall::DeadLetters {
            queue,
            consumer,
            limit,
        } => events::dead_letters(session, queue, consumer, limit).await,
        changing => change::change(session, database, changing).await,
    }
}

async fn show(session: &Connection, database: &str, queue: String) -> Result<QueueAnswer, Failure> {
    let only = one(session, &queue).await?;
    let statement = include_str!("queries/settings.sql");
    let settings = documents(session, statement, &[(&only, Type::TEXT)]).await?;
    let summary = summaries(session, std::slice::from_ref(&only)).await?;
    let all = all_consumers(session).await?;
    Ok(QueueAnswer::Queue(Box::new(QueueDetail {
        summary: first(summary, "the queue is gone")?,
        database: database.to_owned(),
        settings: first(settings, "the queue is gone")?,
        subscriptions: all
            .into_iter()
            .filter(|consumer| consumer.queue == only)
            .collect(),
    })))
}

/// All queues.
pub(super) async fn names(session: &Connection) -> Result<Vec<String>, Failure> {
    let rows = session
        .query(include_str!("queries/names.sql"), &[])
        .await
        .map_err(explained)?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// The queues of a pattern; none is an error.
pub(super) async fn named(session: &Connection, pattern: &str) -> Result<Vec<String>, Failure> {
    glob::select("queue", pattern, names(session).await?)
}

/// The queue with exactly this name.
pub(super) async fn one(session: &Connection, queue: &str) -> Result<String, Failure> {
    let names = names(session).await?;
    if names.iter().any(|name| name == queue) {
        return Ok(queue.to_owned());
    }
    // For its message only.
    glob::select("queue", queue, names).and_then(|_| {
        Err(Failure::new(
            ErrorKind::Invalid,
            format!("`{queue}` is a pattern, and one queue is needed"),
        ))
    })
}

async fn summaries(session: &Connection, names: &[String]) -> Result<Vec<QueueSummary>, Failure> {
    let statement = include_str!("queries/list.sql");
    documents(session, statement, &[(&names, Type::TEXT_ARRAY)]).await
}

async fn all_consumers(session: &Connection) -> Result<Vec<ConsumerSummary>, Failure> {
    documents(session, include_str!("queries/consumers.sql"), &[]).await
}

async fn consumers(
    session: &Connection,
    queue_pattern: Option<&str>,
    pattern: Option<&str>,
) -> Result<Vec<ConsumerSummary>, Failure> {
    let mut all = all_consumers(session).await?;
    if let Some(queues) = queue_pattern {
        let queues = named(session, queues).await?;
        all.retain(|consumer| queues.contains(&consumer.queue));
    }
    if let Some(pattern) = pattern {
        let names = glob::select(
            "consumer",
            pattern,
            all.iter().map(|consumer| consumer.consumer.clone()),
        )?;
        all.retain(|consumer| names.contains(&consumer.consumer));
    }
    Ok(all)
}

/// The consumers of a queue by a pattern; none is an error.
pub(super) async fn consumers_named(
    session: &Connection,
    queue: &str,
    pattern: &str,
) -> Result<Vec<String>, Failure> {
    let all = all_consumers(session).await?;
    let of_queue = all.into_iter().filter(|consumer| consumer.queue == queue);
    glob::select("consumer", pattern, of_queue.map(|consumer| consumer.consumer))
}

fn first<T>(found: Vec<T>, otherwise: &str) -> Result<T, Failure> {
    let first = found.into_iter().next();
    first.ok_or_else(|| Failure::new(ErrorKind::NotFound, otherwise))
}
