use std::collections::BTreeMap;

use ostler_api::metrics::{Metrics, prometheus};
use ostler_vocabulary::Timestamp;

use super::super::observation::{Kind, Observation, Seen, SeenSource, SeenVault};
use super::{Facts, TABLE, metrics};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn value(metrics: &Metrics, name: &str) -> Option<f64> {
    let family = metrics
        .families
        .iter()
        .find(|family| family.name == name)
        .unwrap();
    assert_eq!(family.samples.len(), 1, "{name}: {:?}", family.samples);
    family.samples[0].value
}

fn vault(failure: Option<&str>, newest: Option<i64>) -> Observation {
    Observation {
        kind: Kind::Vault,
        name: "v".to_owned(),
        at: at(50),
        took_ms: 1500,
        failure: failure.map(str::to_owned),
        seen: Some(Seen::Vault(SeenVault {
            sources: vec![SeenSource {
                host: "h".to_owned(),
                paths: "/srv".to_owned(),
                newest_good: newest.map(at),
                oldest_good: newest.map(|newest| at(newest - 30)),
                ..SeenSource::default()
            }],
            ..SeenVault::default()
        })),
        seen_at: Some(at(40)),
    }
}

#[test]
fn ages_are_counted_from_now_and_never_is_infinite() {
    let facts = |newest| Facts {
        now: at(100),
        observations: vec![vault(Some("no answer"), newest)],
        ..Facts::default()
    };
    let known = metrics(&facts(Some(30)));
    assert_eq!(value(&known, "ostler_backup_complete_age_seconds"), Some(70.0));
    assert_eq!(
        value(&known, "ostler_backup_restorable_window_seconds"),
        Some(30.0)
    );
    assert_eq!(value(&known, "ostler_backup_verified_age_seconds"), None);
    assert_eq!(value(&known, "ostler_refresh_age_seconds"), Some(60.0));
    assert_eq!(value(&known, "ostler_refresh_success"), Some(0.0));
    let never = metrics(&facts(None));
    assert_eq!(value(&never, "ostler_backup_complete_age_seconds"), None);
    assert!(
        prometheus(&never)
            .contains("ostler_backup_complete_age_seconds{host=\"h\",source=\"/srv\",vault=\"v\"} +Inf\n")
    );
    assert_eq!(
        value(&never, "ostler_backup_restorable_window_seconds"),
        Some(0.0)
    );
}

#[test]
fn every_metric_has_a_name_of_ours_once_and_a_sentence() {
    let mut seen = BTreeMap::new();
    for (name, _, help) in TABLE {
        assert!(name.starts_with("ostler_"), "{name}");
        assert!(help.ends_with('.'), "{name}: {help}");
        assert!(seen.insert(name, ()).is_none(), "{name} is there twice");
    }
    assert_eq!(metrics(&Facts::default()).families.len(), TABLE.len());
}

/// Names of ours in a text, without those of rules.
fn named(text: &str) -> Vec<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(|c| !word(c))
        .filter(|name| name.starts_with("ostler_"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn rules_board_and_page_name_metrics_that_there_are() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for file in [
        "deploy/prometheus/ostler.rules.yml",
        "deploy/prometheus/ostler.rules.test.yml",
        "deploy/grafana/ostler.json",
        "docs/guides/monitoring.md",
    ] {
        let text = std::fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        let names = named(&text);
        assert!(!names.is_empty(), "{file} names no metric");
        for name in names {
            let known =
                TABLE.iter().any(|(known, ..)| **known == name) || name.starts_with("ostler_queue_ticker_");
            assert!(known, "{file} names {name}, which is no metric");
        }
    }
}
