//! Vaults, operations, configuration, errors.

use std::collections::BTreeMap;

use ostler_api::client::Event;
use ostler_api::document::*;
use ostler_vocabulary::{ProgressValue, Unit, VaultId};

use super::{at, backup_id, operation_id, reading};
use crate::backend::{ConfigCheck, ConfigShow, Setting, Variable};

fn vault_summary(name: &str, location: &str) -> VaultSummary {
    VaultSummary {
        name: name.into(),
        location: location.into(),
        default: name == "default",
    }
}

/// `vault list`
#[must_use]
pub fn vault_list() -> VaultList {
    VaultList {
        vaults: vec![
            vault_summary("default", "/home/me/.local/share/ostler/vault"),
            vault_summary("offsite", "s3://backups/laptop (s3.example.com)"),
        ],
    }
}

/// `vault info`
#[must_use]
pub fn vault_info() -> VaultInfo {
    VaultInfo {
        summary: vault_summary("default", "/home/me/.local/share/ostler/vault"),
        id: VaultId::from_bytes([7; 16]),
        format: 1,
        created: at(8_640_000),
        encryption: "aes-256-gcm".into(),
        keys: vec![KeySummary {
            id: "c0ffee12".into(),
            kind: "key file".into(),
            created: at(8_640_000),
        }],
        key_file: Some("/home/me/.local/share/ostler/keys/default.key".into()),
        backups: BTreeMap::from([("complete".into(), 4), ("verified".into(), 2)]),
        reading: reading(),
        packs: 128,
        bytes: 3_758_096_384,
        chunks: 12_345,
        store: Some(StoreProbe {
            at: at(8_640_000),
            single_writer: false,
            abilities: [
                (
                    "refuses to overwrite",
                    "yes",
                    "a second object of the same name was refused",
                ),
                (
                    "one winner of a race",
                    "yes",
                    "of 12 writers of one name one won, 2 times",
                ),
                (
                    "locks versions",
                    "no",
                    "object lock is not turned on, says the service",
                ),
            ]
            .map(|(ability, answer, evidence)| StoreAbility {
                ability: ability.into(),
                answer: answer.into(),
                evidence: evidence.into(),
            })
            .into(),
        }),
        reading_back: None,
        monthly: None,
        warnings: vec![],
    }
}

/// An operation of this kind in this state.
#[must_use]
pub fn operation_summary(number: u8, kind: &str, state: OperationState) -> OperationSummary {
    let ended = !matches!(
        state,
        OperationState::Running | OperationState::Interrupted | OperationState::Cancelling
    );
    OperationSummary {
        id: operation_id(number),
        kind: kind.into(),
        subject: "/home/me/data".into(),
        state,
        started: at(i64::from(number) * 3_600 + 120),
        ended: ended.then(|| at(i64::from(number) * 3_600 + 100)),
        duration_ms: 20_000,
        bytes: 3_435_973_836,
        reasons: vec![],
        clusters: std::collections::BTreeSet::new(),
    }
}

/// `operation list`
#[must_use]
pub fn operation_list() -> OperationList {
    OperationList {
        operations: vec![
            operation_summary(0, "create_backup", OperationState::Running),
            operation_summary(1, "create_backup", OperationState::Succeeded),
            operation_summary(2, "prune", OperationState::Failed),
            operation_summary(3, "restore", OperationState::Interrupted),
        ],
    }
}

/// An operation that succeeded with this outcome.
#[must_use]
pub fn operation_with(kind: &str, outcome: Outcome) -> OperationDetail {
    OperationDetail {
        outcome: Some(outcome),
        traffic: Some(super::traffic()),
        ..operation(kind, OperationState::Succeeded)
    }
}

/// An operation in this state, without an outcome.
#[must_use]
pub fn operation(kind: &str, state: OperationState) -> OperationDetail {
    let step = |name: &str, state: &str, reasons: Vec<String>| StepSummary {
        name: name.into(),
        state: state.into(),
        started: at(3_720),
        ended: (state != "running").then(|| at(3_710)),
        attempts: 1,
        progress: Some(ProgressValue {
            done: 1 << 30,
            total: 1 << 30,
            unit: Unit::Bytes,
            items: 12,
        }),
        reasons,
    };
    OperationDetail {
        summary: operation_summary(1, kind, state),
        owner: None,
        epoch: 1,
        steps: vec![
            step("acquire lease", "done", vec![]),
            match state {
                OperationState::Failed => {
                    step("upload laptop", "failed", vec!["no space left on device".into()])
                }
                OperationState::Succeeded | OperationState::Partial => step("upload laptop", "done", vec![]),
                _ => step("upload laptop", "running", vec![]),
            },
        ],
        messages: vec![Message {
            at: at(3_719),
            text: "waiting for prune on laptop (process 4711, operation 0b1c2d3e) to finish with the vault"
                .into(),
        }],
        audit: if kind == "prune" {
            vec![AuditEntry {
                at: at(3_700),
                action: "delete backup".into(),
                item: backup_id(5).to_string(),
                bytes: 419_640_115,
                reason: "no rule keeps it".into(),
            }]
        } else {
            vec![]
        },
        outcome: None,
        traffic: None,
        advice: None,
        failure: None,
    }
}

/// What happens while an operation runs.
#[must_use]
pub fn events() -> Vec<Event> {
    let step = || "upload laptop".to_owned();
    let progress = |done| ProgressValue {
        done,
        total: 4 << 30,
        unit: Unit::Bytes,
        items: 7,
    };
    vec![
        Event::StepStarted { step: step() },
        Event::Progress {
            step: step(),
            progress: progress(0),
        },
        Event::Message {
            text: "waiting for another writer".into(),
        },
        Event::Progress {
            step: step(),
            progress: progress(1 << 30),
        },
        Event::StepEnded {
            step: step(),
            ok: true,
        },
        Event::Ended {
            state: OperationState::Succeeded,
        },
    ]
}

/// `config check`
#[must_use]
pub fn config_check() -> ConfigCheck {
    ConfigCheck {
        file: "/home/me/.config/ostler/config.toml".into(),
        exists: true,
        vaults: vec!["default".into(), "offsite".into()],
        warnings: vec!["vault.offsite has the same location as vault.default".into()],
    }
}

/// `config check --connect`
#[must_use]
pub fn connections() -> ConnectionList {
    let answered = |kind, name: &str, at: &str, said: &str| Connection {
        kind,
        name: name.into(),
        at: at.into(),
        ok: true,
        took_ms: 3,
        said: vec![said.into()],
        hint: None,
    };
    ConnectionList {
        connections: vec![
            answered(
                ConnectionKind::State,
                "",
                "/home/me/.local/state/ostler",
                "41 changes in its history",
            ),
            answered(
                ConnectionKind::Vault,
                "default",
                "/home/me/.local/share/ostler/vault",
                "opens, 12 backups",
            ),
            Connection {
                ok: false,
                took_ms: 10_004,
                said: vec![
                    "cannot reach the database `shop`".into(),
                    "connection refused".into(),
                ],
                hint: Some("is the server running, and does it listen at that address?".into()),
                ..answered(
                    ConnectionKind::Database,
                    "shop",
                    "postgresql://ostler@db1/shop",
                    "",
                )
            },
            answered(ConnectionKind::Node, "ring/a", "10.0.0.1:7071", "Ostler 0.1.0"),
        ],
    }
}

/// `config show`
#[must_use]
pub fn config_show() -> ConfigShow {
    let setting = |key: &str, value: &str, source: &str| Setting {
        key: key.into(),
        value: value.into(),
        source: source.into(),
    };
    ConfigShow {
        file: "/home/me/.config/ostler/config.toml".into(),
        settings: vec![
            setting("state_dir", "/home/me/.local/share/ostler", "default"),
            setting("vault.offsite.location", "s3://backups/laptop", "file"),
            setting(
                "vault.offsite.secret_key",
                "from environment AWS_SECRET_ACCESS_KEY",
                "file",
            ),
        ],
    }
}

/// `config env`
#[must_use]
pub fn variables() -> Vec<Variable> {
    let variable = |name: &str, meaning: &str, set| Variable {
        name: name.into(),
        meaning: meaning.into(),
        set,
    };
    vec![
        variable("OSTLER_CONFIG", "the configuration file", false),
        variable(
            "OSTLER_STATE_DIR",
            "the directory of operations, the default vault and keys",
            true,
        ),
    ]
}

/// What `--output json` prints of an error.
#[must_use]
pub fn error() -> ErrorDocument {
    ErrorDocument {
        kind: ostler_vocabulary::ErrorKind::NotFound,
        exit_code: 7,
        error: "no backup matches `nightly`".into(),
        causes: vec![],
        hint: Some("`ostler backup list` shows all".into()),
    }
}
