//! Webhooks and metrics: what others are told.

use ostler_api::audit::{Actor, AuditList, AuditState, AuditedChange, By};
use ostler_api::metrics::{Family, FamilyKind, Metrics, Sample};
use ostler_api::webhook::*;

use super::{at, now, operation_id};

/// A message that was not taken yet.
#[must_use]
pub fn delivery() -> Delivery {
    Delivery {
        id: format!("msg_{}-1-failed", operation_id(1)),
        event: HookEvent::Failed,
        subject: "cluster shop".into(),
        created: at(90),
        attempts: 4,
        delivered: None,
        next: Some(at(-30)),
        failure: Some("the answer was 503 Service Unavailable".into()),
    }
}

/// A test that was taken.
#[must_use]
pub fn tested() -> Delivery {
    Delivery {
        id: format!("msg_test-{}", operation_id(2)),
        event: HookEvent::Test,
        subject: "pager".into(),
        created: at(0),
        attempts: 1,
        delivered: Some(at(0)),
        next: None,
        failure: None,
    }
}

fn webhook() -> WebhookSummary {
    WebhookSummary {
        name: "pager".into(),
        address: "https://alerts.example.org/…".into(),
        on: HookEvent::DEFAULT.to_vec(),
        format: HookFormat::Full,
        created: at(86_400),
        pending: 1,
        given_up: 0,
        last: Some(delivery()),
    }
}

/// `webhook list`
#[must_use]
pub fn webhook_list() -> WebhookList {
    WebhookList {
        webhooks: vec![
            WebhookSummary {
                name: "chat".into(),
                address: "env:CHAT_URL".into(),
                on: vec![HookEvent::Failed],
                format: HookFormat::Chat,
                pending: 0,
                last: None,
                ..webhook()
            },
            webhook(),
        ],
    }
}

/// `webhook show`
#[must_use]
pub fn webhook_detail() -> WebhookDetail {
    WebhookDetail {
        summary: webhook(),
        deliveries: vec![delivery()],
    }
}

/// `webhook add` and `webhook remove`
#[must_use]
pub fn webhook_change(action: &str) -> WebhookChange {
    WebhookChange {
        action: action.into(),
        webhook: WebhookSummary {
            pending: 0,
            last: None,
            ..webhook()
        },
        notes: Vec::new(),
    }
}

/// `audit list`
#[must_use]
pub fn audit_list() -> AuditList {
    AuditList {
        changes: vec![
            AuditedChange {
                number: 2,
                at: at(60),
                by: Actor {
                    who: "laptop".into(),
                    by: By::Token,
                    address: "10.0.0.7".parse().ok(),
                },
                action: "schedule pause".into(),
                object: "nightly".into(),
                before: None,
                after: None,
                state: AuditState::Refused,
                ended: Some(at(60)),
                failure: Some("there is no schedule `nightly`".into()),
            },
            AuditedChange {
                number: 1,
                at: at(3600),
                by: Actor {
                    who: "ada".into(),
                    by: By::Command,
                    address: None,
                },
                action: "backup hold".into(),
                object: super::backup_id(1).to_string(),
                before: Some(serde_json::json!({ "held": false })),
                after: Some(serde_json::json!({ "held": true })),
                state: AuditState::Done,
                ended: Some(at(3599)),
                failure: None,
            },
        ],
    }
}

/// `metrics`
#[must_use]
pub fn metrics() -> Metrics {
    let family = |name: &str, help: &str, labels: &[(&str, &str)], value| Family {
        name: name.into(),
        kind: FamilyKind::Gauge,
        help: help.into(),
        samples: vec![Sample {
            labels: labels
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            value,
        }],
    };
    Metrics {
        at: now(),
        families: vec![
            family(
                "ostler_vault_stored_bytes",
                "Bytes of all packs of a vault.",
                &[("vault", "main")],
                Some(73_400_320.0),
            ),
            family(
                "ostler_vault_read_age_seconds",
                "Every byte of a vault's backups was read back within this time; +Inf while some never was.",
                &[("vault", "main")],
                None,
            ),
        ],
    }
}
