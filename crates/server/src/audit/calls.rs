//! Which calls change something, and what: pure functions. A call that is not known here changes something.

use ostler_api::queue::{DatabaseChoice, QueueCall};
use ostler_api::retention::{PolicyChoice, PolicyPlace, RetentionCall};
use ostler_api::schedule::ScheduleCall;
use ostler_api::webhook::WebhookCall;
use serde::Serialize;
use serde_json::Value;

use super::secrets::without_password;

/// What is done, and to what.
pub(super) type Named = (String, String);

/// A word of a document, as verbs have it: `create_backup` is `create backup`.
pub(super) fn word(document: &Value, field: &str) -> String {
    document[field].as_str().unwrap_or_default().replace('_', " ")
}

fn action(noun: &str, call: &impl Serialize) -> String {
    let call = serde_json::to_value(call).unwrap_or_default();
    format!("{noun} {}", word(&call, "call"))
}

/// A call about schedules that changes something.
pub(super) fn schedule(call: &ScheduleCall) -> Option<Named> {
    let name = match call {
        ScheduleCall::List
        | ScheduleCall::Show { .. }
        | ScheduleCall::Preview { .. }
        // What is due was asked for when the schedule was made; a run's end belongs to its beginning.
        | ScheduleCall::RunDue
        | ScheduleCall::Finish { .. } => return None,
        ScheduleCall::Add { name, .. }
        | ScheduleCall::Edit { name, .. }
        | ScheduleCall::Pause { name, .. }
        | ScheduleCall::Resume { name }
        | ScheduleCall::Remove { name }
        | ScheduleCall::Run { name } => name,
    };
    Some((action("schedule", call), name.clone()))
}

/// A call about webhooks that changes something or calls somebody.
pub(super) fn webhook(call: &WebhookCall) -> Option<Named> {
    let name = match call {
        WebhookCall::List | WebhookCall::Show { .. } => return None,
        WebhookCall::Add { name, .. } | WebhookCall::Remove { name } | WebhookCall::Test { name } => name,
    };
    Some((action("webhook", call), name.clone()))
}

fn database(choice: &DatabaseChoice) -> String {
    match (&choice.name, &choice.dsn) {
        (Some(name), _) => name.clone(),
        (None, Some(dsn)) => without_password(dsn),
        (None, None) => "the configured database".to_owned(),
    }
}

/// A call about queues that changes something.
pub(super) fn queue(choice: &DatabaseChoice, call: &QueueCall) -> Option<Named> {
    let what = match call {
        QueueCall::List { .. }
        | QueueCall::Show { .. }
        | QueueCall::Status
        | QueueCall::Consumers { .. }
        | QueueCall::Peek { .. }
        | QueueCall::DeadLetters { .. }
        | QueueCall::Retries { now: false, .. } => return None,
        // Events are data, and there are many of them.
        QueueCall::Insert(_) => return None,
        QueueCall::Create { queues, .. } => queues.join(", "),
        QueueCall::Configure { pattern, .. } | QueueCall::Tick { pattern } => pattern.clone(),
        QueueCall::Register { queue, consumer, .. } => format!("{queue}, consumer {consumer}"),
        QueueCall::Unregister { queue, pattern } => format!("{queue}, consumer {pattern}"),
        QueueCall::Retries { queue, .. } | QueueCall::Settle { queue, .. } => queue.clone(),
        QueueCall::InstallTrigger(trigger) => format!("{}, table {}", trigger.queue, trigger.table),
    };
    Some((action("queue", call), format!("{}: {what}", database(choice))))
}

/// A change of what governs tables.
pub(super) struct TableCall {
    pub named: Named,
    /// What tells how it was before.
    pub look: Option<RetentionCall>,
}

/// A call about retention policies and definitions that changes something.
pub(super) fn retention(place: &PolicyPlace, call: &RetentionCall) -> Option<TableCall> {
    let definition = |kind, name: &String| RetentionCall::Definitions {
        kind,
        name: Some(name.clone()),
    };
    let policies = |choice: PolicyChoice| RetentionCall::List { choice };
    let (what, look) = match call {
        RetentionCall::List { .. }
        | RetentionCall::Tags
        | RetentionCall::Check { .. }
        | RetentionCall::History { .. }
        | RetentionCall::Definitions { .. } => return None,
        RetentionCall::Add { .. } | RetentionCall::Import { .. } => ("policies".to_owned(), None),
        RetentionCall::Edit { policy, .. } => {
            let choice = PolicyChoice {
                names: vec![policy.clone()],
                ..PolicyChoice::default()
            };
            (policy.clone(), Some(policies(choice)))
        }
        RetentionCall::Remove { choice } => (choice.names.join(", "), Some(policies(choice.clone()))),
        RetentionCall::Define { name, definition } => {
            (format!("{} {name}", definition.kind().as_str()), None)
        }
        RetentionCall::Undefine { kind, name, .. } => {
            (format!("{} {name}", kind.as_str()), Some(definition(*kind, name)))
        }
    };
    let object = format!("{}: {what}", database(&place.database));
    Some(TableCall {
        named: (action("tables", call), object),
        look,
    })
}
