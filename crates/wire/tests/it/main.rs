//! Messages of every version that was ever spoken are still read, and mean what they meant.
#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

mod speaking;

use std::fs;
use std::path::{Path, PathBuf};

use ostler_api::client::LimitChange;
use ostler_api::node::{Compare, Download, Frozen, Hold, Increments, Selection, Upload};
use ostler_api::request::Overwrite;
use ostler_vocabulary::{BackupId, ByteSize, ErrorKind, Failure, OperationId, ProgressValue, Unit, VaultId};
use ostler_wire::{Ask, Envelope, FailureDocument, Line, Versions};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The requests of version 1, which every later version has.
fn requests() -> Vec<Envelope> {
    let selection = Selection {
        paths: vec!["/srv/data".into()],
        exclude: vec!["*.tmp".into()],
        left_out: vec!["/srv/data/state".into()],
        one_file_system: true,
        frozen: None,
        hold: None,
    };
    let backup = BackupId::from_bytes([7; 16]);
    let list = "ab".repeat(32);
    let download = Download {
        backup,
        list: list.clone(),
        roots: vec!["/srv/data".into()],
        to: Some("/srv/other".into()),
        include: vec!["sub".into()],
        overwrite: Overwrite::Different,
        delete_extra: true,
        approved_deletes: Some(vec!["/srv/other/extra".into()]),
    };
    let asks = vec![
        Ask::Info,
        Ask::Survey(selection.clone()),
        Ask::Upload(Upload {
            backup,
            selection,
            parent: Some(list.clone()),
            read_all: false,
        }),
        Ask::Preview(download.clone()),
        Ask::Download(download),
        Ask::Compare(Compare {
            list,
            roots: vec!["/srv/data".into()],
            restored: "/srv/data/scratch/tree".into(),
        }),
        Ask::RunCommand {
            command: "flush".into(),
            directory: None,
        },
        Ask::MakeScratch {
            directory: "/srv/data/scratch".into(),
        },
        Ask::RemoveScratch {
            directory: "/srv/data/scratch".into(),
        },
    ];
    asks.into_iter().map(envelope).collect()
}

/// What version 2 has beside them.
fn requests_of_2() -> Vec<Envelope> {
    let selection = Selection {
        paths: vec!["/srv/data".into()],
        exclude: vec!["*.tmp".into()],
        left_out: Vec::new(),
        one_file_system: false,
        frozen: Some(Frozen {
            depth: 2,
            within: "snapshots/ostler".into(),
            immutable: true,
            increments: None,
        }),
        hold: None,
    };
    let upload = Upload {
        backup: BackupId::from_bytes([7; 16]),
        selection: selection.clone(),
        parent: None,
        read_all: false,
    };
    [Ask::Survey(selection), Ask::Upload(upload)].map(envelope).into()
}

/// What version 3 has beside them.
fn requests_of_3() -> Vec<Envelope> {
    let backups = vec![BackupId::from_bytes([7; 16]), BackupId::from_bytes([8; 16])];
    let recall = Ask::Recall {
        backups: backups.clone(),
    };
    let told = Envelope {
        operation: Some(OperationId::from_bytes([5; 16])),
        ..envelope(Ask::Info)
    };
    let limit = Ask::Limit(LimitChange {
        upload: Some(ByteSize(1 << 20)),
        nice: Some(10),
        ..LimitChange::default()
    });
    vec![
        envelope(recall),
        envelope(Ask::Adopt { backups }),
        told,
        envelope(limit),
    ]
}

/// What version 4 has beside them.
fn requests_of_4() -> Vec<Envelope> {
    let selection = Selection {
        paths: vec!["/srv/data".into()],
        hold: Some(Hold {
            reflink: true,
            immutable: vec!["*.sst".into()],
            append_only: vec!["*.log".into()],
        }),
        ..Selection::default()
    };
    let upload = Upload {
        backup: BackupId::from_bytes([7; 16]),
        selection: selection.clone(),
        parent: None,
        read_all: false,
    };
    [Ask::Survey(selection), Ask::Upload(upload)].map(envelope).into()
}

/// What version 5 has beside them.
fn requests_of_5() -> Vec<Envelope> {
    let base = BackupId::from_bytes([6; 16]);
    let selection = Selection {
        paths: vec!["/srv/data".into()],
        frozen: Some(Frozen {
            depth: 2,
            within: "backups".into(),
            immutable: true,
            increments: Some(Increments {
                base,
                known_by: "-Data.db".into(),
            }),
        }),
        ..Selection::default()
    };
    let upload = Upload {
        backup: BackupId::from_bytes([7; 16]),
        selection,
        parent: Some("ab".repeat(32)),
        read_all: false,
    };
    vec![envelope(Ask::Upload(upload))]
}

fn envelope(ask: Ask) -> Envelope {
    Envelope {
        cluster: "shop".into(),
        vault: ask.writes().then(|| VaultId::from_bytes([9; 16])),
        epoch: if ask.writes() { 12 } else { 0 },
        operation: None,
        ask,
    }
}

fn lines() -> Vec<Line> {
    let failure = Failure::new(ErrorKind::Denied, "the cause")
        .context("what was attempted")
        .with_hint("what to do");
    vec![
        Line::Beat,
        Line::Progress {
            progress: ProgressValue {
                done: 5,
                total: 9,
                unit: Unit::Bytes,
                items: 2,
            },
        },
        Line::Done {
            answer: serde_json::json!({ "host": "db1", "version": "0.1.0" }),
        },
        Line::Failed {
            failure: FailureDocument::from(&failure),
        },
    ]
}

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
}

/// The sample says this, and this is what it is written as. A sample that is missing is made, and then the test fails.
fn is_sample<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(file: &str, values: &[T]) {
    let path = samples().join(file);
    let written: String = values
        .iter()
        .map(|value| serde_json::to_string(value).unwrap() + "\n")
        .collect();
    let Ok(text) = fs::read_to_string(&path) else {
        fs::write(&path, written).unwrap();
        panic!(
            "{} was missing; look at what was made, and commit it",
            path.display()
        );
    };
    let read: Vec<T> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(read, values);
    assert_eq!(
        written, text,
        "a version is spoken as it was; another way to say it is another version"
    );
}

#[test]
fn each_version_is_what_it_was() {
    is_sample("v1/requests.jsonl", &requests());
    is_sample("v1/answers.jsonl", &lines());
    is_sample("v2/requests.jsonl", &requests_of_2());
    is_sample("v3/requests.jsonl", &requests_of_3());
    is_sample("v4/requests.jsonl", &requests_of_4());
    is_sample("v5/requests.jsonl", &requests_of_5());
}

#[test]
fn a_request_says_which_version_it_takes() {
    assert!(requests().iter().all(|envelope| envelope.since() == 1));
    assert!(requests_of_2().iter().all(|envelope| envelope.since() == 2));
    assert!(requests_of_3().iter().all(|envelope| envelope.since() == 3));
    assert!(requests_of_4().iter().all(|envelope| envelope.since() == 4));
    assert!(requests_of_5().iter().all(|envelope| envelope.since() == 5));
}

#[test]
fn what_a_request_says_beyond_its_version_is_refused() {
    for envelope in [
        requests(),
        requests_of_2(),
        requests_of_3(),
        requests_of_4(),
        requests_of_5(),
    ]
    .concat()
    {
        let mut value = serde_json::to_value(&envelope).unwrap();
        value["later"] = true.into();
        assert!(serde_json::from_value::<Envelope>(value).is_err());
        let mut value = serde_json::to_value(&envelope).unwrap();
        if let Some(with) = value["ask"]["with"].as_object_mut() {
            with.insert("later".into(), true.into());
            assert!(serde_json::from_value::<Envelope>(value).is_err(), "{envelope:?}");
        }
    }
}

#[test]
fn what_an_answer_says_beyond_its_version_is_passed_over() {
    let line: Line = serde_json::from_str(r#"{"line":"weather","rain":true}"#).unwrap();
    assert_eq!(line, Line::Unknown);
    let line: Line = serde_json::from_str(r#"{"line":"beat","later":1}"#).unwrap();
    assert_eq!(line, Line::Beat);
    let versions = r#"{"program":"9.0.0","oldest":1,"newest":7,"later":1}"#;
    let versions: Versions = serde_json::from_str(versions).unwrap();
    assert_eq!(Versions::own().common(&versions, "a").unwrap(), 5);
}

#[test]
fn a_failure_is_the_same_on_the_other_side() {
    let failure = Failure::new(ErrorKind::Refused, "inner")
        .context("outer")
        .with_hint("hint");
    let there = Failure::from(FailureDocument::from(&failure));
    assert_eq!(there.kind(), failure.kind());
    assert_eq!(there.messages(), failure.messages());
    assert_eq!(there.hint(), failure.hint());
}
