//! Calls that change something, each in one transaction.

use std::collections::BTreeMap;

use ostler_api::document::{QueueChange, QueueChanges};
use ostler_api::queue::{InsertEvent, InstallTrigger, QueueAnswer, QueueCall};
use ostler_postgres::{Connection, Parameter, Type};
use ostler_vocabulary::{ErrorKind, Failure};

use super::answer::{consumers_named, named, one};
use super::rows::{explained, number};

pub(super) async fn change(
    session: &mut Connection,
    database: &str,
    call: QueueCall,
) -> Result<QueueAnswer, Failure> {
    let session: &Connection = session;
    let transaction = session.begin("BEGIN").await?;
    let changes = changes(session, call).await?;
    transaction.commit().await?;
    Ok(QueueAnswer::Changes(QueueChanges {
        database: database.to_owned(),
        changes,
    }))
}

async fn changes(session: &Connection, call: QueueCall) -> Result<Vec<QueueChange>, Failure> {
    match call {
        QueueCall::Create { queues, settings } => create(session, &queues, &settings).await,
        QueueCall::Configure { pattern, settings } => {
            let mut changes = Vec::new();
            for queue in named(session, &pattern).await? {
                changes.extend(configure(session, &queue, &settings).await?);
            }
            Ok(changes)
        }
        QueueCall::Tick { pattern } => tick(session, &pattern).await,
        QueueCall::Register { queue, consumer, at } => register(session, &queue, &consumer, at).await,
        QueueCall::Unregister { queue, pattern } => {
            let queue = one(session, &queue).await?;
            let statement = include_str!("queries/unregister.sql");
            let mut changes = Vec::new();
            for consumer in consumers_named(session, &queue, &pattern).await? {
                let gone = number(
                    session,
                    statement,
                    &[(&queue, Type::TEXT), (&consumer, Type::TEXT)],
                )
                .await?;
                changes.push(changed(
                    format!("{queue}/{consumer}"),
                    "unregistered",
                    gone > 0,
                    None,
                ));
            }
            Ok(changes)
        }
        QueueCall::Insert(event) => insert(session, event).await,
        QueueCall::Settle {
            queue,
            ids,
            consumer,
            retry,
        } => settle(session, &queue, ids, consumer, retry).await,
        QueueCall::InstallTrigger(trigger) => install_trigger(session, trigger).await,
        other => Err(Failure::new(
            ErrorKind::Internal,
            format!("{other:?} changes nothing"),
        )),
    }
}

async fn create(
    session: &Connection,
    queues: &[String],
    settings: &BTreeMap<String, String>,
) -> Result<Vec<QueueChange>, Failure> {
    let mut changes = Vec::new();
    for queue in queues {
        let made = number(
            session,
            include_str!("queries/create.sql"),
            &[(queue, Type::TEXT)],
        )
        .await?;
        changes.push(changed(queue.clone(), "created", made > 0, None));
        changes.extend(configure(session, queue, settings).await?);
    }
    Ok(changes)
}

async fn configure(
    session: &Connection,
    queue: &str,
    settings: &BTreeMap<String, String>,
) -> Result<Vec<QueueChange>, Failure> {
    let mut changes = Vec::new();
    for (name, value) in settings {
        let parameters = [
            (&queue as _, Type::TEXT),
            (name as _, Type::TEXT),
            (value as _, Type::TEXT),
        ];
        number(session, include_str!("queries/configure.sql"), &parameters).await?;
        changes.push(changed(
            queue.to_owned(),
            &format!("{name} is {value}"),
            true,
            None,
        ));
    }
    Ok(changes)
}

async fn tick(session: &Connection, pattern: &str) -> Result<Vec<QueueChange>, Failure> {
    let mut changes = Vec::new();
    for queue in named(session, pattern).await? {
        let parameters = [(&queue as _, Type::TEXT)];
        let mut id = number(session, include_str!("queries/tick.sql"), &parameters).await?;
        if id == 0 {
            // Nothing is new: a tick all the same, as was asked for.
            number(session, include_str!("queries/force_tick.sql"), &parameters).await?;
            id = number(session, include_str!("queries/tick.sql"), &parameters).await?;
        }
        changes.push(changed(queue, "ticked", id != 0, Some(id).filter(|id| *id != 0)));
    }
    Ok(changes)
}

async fn register(
    session: &Connection,
    queue: &str,
    consumer: &str,
    at: Option<i64>,
) -> Result<Vec<QueueChange>, Failure> {
    let queue = one(session, queue).await?;
    let base = [(&queue as _, Type::TEXT), (&consumer as _, Type::TEXT)];
    let new = match &at {
        None => number(session, include_str!("queries/register.sql"), &base).await?,
        Some(tick) => {
            let [first, second] = base;
            let parameters = [first, second, (tick as _, Type::INT8)];
            number(session, include_str!("queries/register_at.sql"), &parameters).await?
        }
    };
    let action = if new == 0 && at.is_some() {
        "moved"
    } else {
        "registered"
    };
    Ok(vec![changed(
        format!("{queue}/{consumer}"),
        action,
        new > 0 || at.is_some(),
        at,
    )])
}

async fn insert(session: &Connection, event: InsertEvent) -> Result<Vec<QueueChange>, Failure> {
    let queue = one(session, &event.queue).await?;
    let mut extra: Vec<Option<String>> = event.extra.into_iter().map(Some).collect();
    if extra.len() > 4 {
        return Err(Failure::new(
            ErrorKind::Invalid,
            "an event has four extra fields at most",
        ));
    }
    extra.resize(4, None);
    let mut parameters = vec![
        (&queue as _, Type::TEXT),
        (&event.kind as _, Type::TEXT),
        (&event.data as _, Type::TEXT),
    ];
    parameters.extend(extra.iter().map(|field| (field as _, Type::TEXT)));
    let statement = if event.at.is_some() {
        parameters.push((&event.at as _, Type::TEXT));
        include_str!("queries/insert_at.sql")
    } else {
        include_str!("queries/insert.sql")
    };
    let id = number(session, statement, &parameters).await?;
    Ok(vec![changed(queue, "event inserted", true, Some(id))])
}

async fn settle(
    session: &Connection,
    queue: &str,
    mut ids: Vec<i64>,
    consumer: Option<String>,
    retry: bool,
) -> Result<Vec<QueueChange>, Failure> {
    let queue = one(session, queue).await?;
    let parameters = [(&queue as _, Type::TEXT), (&consumer as _, Type::TEXT)];
    let rows = session
        .query(include_str!("queries/dead_letter_ids.sql"), &parameters)
        .await
        .map_err(explained)?;
    let known: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
    if let Some(id) = ids.iter().find(|id| !known.contains(id)) {
        return Err(Failure::new(
            ErrorKind::NotFound,
            format!("queue {queue} has no dead letter {id}"),
        ));
    }
    if ids.is_empty() {
        ids = known;
    }
    let (statement, action) = if retry {
        (include_str!("queries/dead_letter_retry.sql"), "given back")
    } else {
        (include_str!("queries/dead_letter_drop.sql"), "dropped")
    };
    let mut changes = Vec::new();
    for id in ids {
        let done = number(session, statement, &[(&id, Type::INT8)]).await?;
        changes.push(changed(
            format!("{queue}/dead letter {id}"),
            action,
            done > 0,
            None,
        ));
    }
    Ok(changes)
}

async fn install_trigger(session: &Connection, trigger: InstallTrigger) -> Result<Vec<QueueChange>, Failure> {
    let queue = one(session, &trigger.queue).await?;
    let mut arguments = vec![queue];
    arguments.extend(trigger.arguments);
    let names: [Parameter<'_>; 4] = [
        (&trigger.table, Type::TEXT),
        (&trigger.trigger, Type::TEXT),
        (&trigger.kind, Type::TEXT),
        (&arguments, Type::TEXT_ARRAY),
    ];
    let truncate = !trigger.no_truncate;
    let mut rows = Vec::new();
    for (statement, last) in [
        (
            include_str!("queries/trigger.sql"),
            (&trigger.style as _, Type::TEXT),
        ),
        (include_str!("queries/truncate.sql"), (&truncate as _, Type::BOOL)),
    ] {
        let parameters: Vec<Parameter<'_>> = names.iter().cloned().chain([last]).collect();
        rows.extend(session.query(statement, &parameters).await.map_err(explained)?);
    }
    let mut changes = Vec::new();
    for row in rows {
        let statement: String = row.get(0);
        if !trigger.dry_run {
            session.batch(&statement).await?;
        }
        changes.push(changed(trigger.table.clone(), &statement, !trigger.dry_run, None));
    }
    Ok(changes)
}

fn changed(item: String, action: &str, changed: bool, number: Option<i64>) -> QueueChange {
    QueueChange {
        item,
        action: action.to_owned(),
        changed,
        number,
    }
}
