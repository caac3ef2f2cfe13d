//! Queues, consumers, events.

use std::collections::BTreeMap;

use ostler_api::document::*;
use ostler_api::request::QueueSchemaWork;
use ostler_server::queue::Totals;

use super::at;

fn summary(name: &str, paused: bool) -> QueueSummary {
    QueueSummary {
        queue: name.into(),
        paused,
        external: false,
        disabled: false,
        events: 1_234_567,
        events_unticked: 12,
        events_per_second: 40.5,
        last_tick: Some(4_321),
        ticker_lag_ms: Some(15),
        consumers: 2,
        slowest_consumer: Some("mailer".into()),
        slowest_lag_ms: Some(1_500),
        slowest_pending: Some(64),
        dead_letters: 1,
        rotation_note: None,
    }
}

fn consumer(name: &str, batch: Option<i64>) -> ConsumerSummary {
    ConsumerSummary {
        queue: "orders".into(),
        consumer: name.into(),
        lag_ms: Some(1_500),
        last_seen_ms: Some(200),
        last_tick: Some(4_300),
        batch,
        pending: Some(64),
    }
}

fn event(id: i64) -> EventEntry {
    EventEntry {
        id,
        time: Some(at(30)),
        retry: None,
        kind: Some("order.paid".into()),
        data: Some("{\"order\": 17}".into()),
        extra: vec![Some("public.orders".into()), None, None, None],
        consumer: None,
        due: None,
    }
}

/// `queue list`
#[must_use]
pub fn queue_list() -> QueueList {
    QueueList {
        database: "main".into(),
        queues: vec![summary("invoices", true), summary("orders", false)],
    }
}

/// `queue show`
#[must_use]
pub fn queue_detail() -> QueueDetail {
    let settings = [
        ("rotation_period", Some("02:00:00")),
        ("ticker_max_lag", Some("00:00:03")),
        ("retry_limit", None),
    ];
    QueueDetail {
        summary: summary("orders", false),
        database: "main".into(),
        settings: settings
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.map(str::to_owned)))
            .collect::<BTreeMap<_, _>>(),
        subscriptions: consumer_list().consumers,
    }
}

/// `queue status`
#[must_use]
pub fn queue_status() -> QueueStatus {
    QueueStatus {
        database: "main".into(),
        server: "18.6".into(),
        schema_version: 1,
        queues: 2,
        consumers: 3,
        waiting: 5,
        dead_letters: 1,
        ticker: Some("ostler ticker (10.0.0.5)".into()),
        ticker_since: Some(at(86_400)),
        warnings: vec!["queue orders: 1 dead letter".into()],
    }
}

/// `queue consumer list`
#[must_use]
pub fn consumer_list() -> ConsumerList {
    ConsumerList {
        database: "main".into(),
        consumers: vec![consumer("archive", None), consumer("mailer", Some(77))],
    }
}

/// `queue peek`
#[must_use]
pub fn event_list() -> EventList {
    EventList {
        queue: "orders".into(),
        events: vec![event(1_234_566), event(1_234_567)],
    }
}

/// `queue dead-letter list`
#[must_use]
pub fn dead_letter_list() -> DeadLetterList {
    DeadLetterList {
        queue: "orders".into(),
        dead_letters: vec![DeadLetter {
            dead_letter: 3,
            died: at(3_600),
            reason: Some("the mail server said no".into()),
            event: EventEntry {
                retry: Some(5),
                consumer: Some("mailer".into()),
                ..event(1_200_000)
            },
        }],
    }
}

/// `queue create`
#[must_use]
pub fn queue_changes() -> QueueChanges {
    let change = |item: &str, action: &str, changed| QueueChange {
        item: item.into(),
        action: action.into(),
        changed,
        number: None,
    };
    QueueChanges {
        database: "main".into(),
        changes: vec![
            change("orders", "created", true),
            change("invoices", "created", false),
        ],
    }
}

/// What `queue install --dry-run` shows.
#[must_use]
pub fn queue_schema_work() -> QueueSchemaWork {
    QueueSchemaWork {
        database: "main".into(),
        steps: vec![
            "tables of version 1".into(),
            "180 functions".into(),
            "rights".into(),
        ],
        drops: vec![],
        notes: vec!["user app has no CREATEROLE, so roles are not made".into()],
    }
}

/// `queue install`
#[must_use]
pub fn queue_schema_report() -> QueueSchemaReport {
    let work = queue_schema_work();
    QueueSchemaReport {
        database: work.database,
        done: work.steps,
        version: Some(1),
        queues: 0,
        notes: work.notes,
    }
}

/// What a consumer did until it ended.
#[must_use]
pub fn consume_report() -> Totals {
    Totals {
        batches: 12,
        events: 3_456,
        retried: 2,
    }
}
