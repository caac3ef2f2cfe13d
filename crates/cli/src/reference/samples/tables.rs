//! Rollups and work on tables.

use ostler_api::retention::TableName;
use ostler_api::tables::{
    Defined, Definition, DefinitionChange, DefinitionKind, DefinitionList, Evidence, Rollup, RollupLevel,
    RollupState, RollupValue, TableItem, TableProof, TablesReport, TablesWork, ValueKind,
};
use ostler_vocabulary::Period;

use super::at;

fn rollup() -> Rollup {
    Rollup {
        table: TableName::in_public("sensor_readings"),
        column: "time".into(),
        unit: None,
        by: vec!["host".into()],
        values: vec![RollupValue {
            column: "cpu".into(),
            kind: ValueKind::Gauge,
            percentiles: true,
        }],
        levels: vec![
            RollupLevel {
                every: minutes(1),
                keep: Period::days(7),
            },
            RollupLevel {
                every: minutes(60),
                keep: Period::Infinite,
            },
        ],
        late: minutes(60),
        look_back: None,
        gap: None,
        types: [
            ("cpu", "double precision"),
            ("host", "text"),
            ("time", "timestamp with time zone"),
        ]
        .map(|(column, of)| (column.to_owned(), of.to_owned()))
        .into(),
    }
}

fn minutes(minutes: i64) -> Period {
    Period::Limited {
        months: 0,
        days: 0,
        nanoseconds: minutes * 60_000_000_000,
    }
}

fn level(level: u32, table: &str, made: bool) -> RollupState {
    RollupState {
        level,
        table: TableName::in_public(table),
        kept_from: None,
        watermark: made.then(|| at(0)),
    }
}

/// `rollup list` and `show`
#[must_use]
pub fn definition_list() -> DefinitionList {
    DefinitionList {
        database: "main".into(),
        definitions: vec![Defined {
            name: "readings".into(),
            definition: Definition::Rollup(rollup()),
            levels: vec![
                level(0, "sensor_readings", false),
                level(1, "readings_1m", true),
                level(2, "readings_1h", true),
            ],
        }],
    }
}

/// `rollup add` and `remove`
#[must_use]
pub fn definition_change() -> DefinitionChange {
    DefinitionChange {
        database: "main".into(),
        kind: DefinitionKind::Rollup,
        name: "readings".into(),
        action: "added".into(),
        objects: vec![
            "table public.readings_1m".into(),
            "table public.readings_1h".into(),
            "view public.readings".into(),
        ],
    }
}

/// What `rollup refresh --dry-run` shows.
#[must_use]
pub fn tables_work() -> TablesWork {
    TablesWork {
        database: "main".into(),
        items: vec![TableItem {
            object: "public.readings_1m".into(),
            action: "roll up".into(),
            reason: "buckets of 1m from 2025-09-01T00:00:00Z to 2025-09-02T00:00:00Z".into(),
            rows: None,
            statements: vec!["DELETE FROM \"public\".\"readings_1m\" WHERE …".into()],
            detail: serde_json::json!({"rollup": "readings", "level": 1}),
        }],
        notes: vec![],
    }
}

/// `rollup refresh`
#[must_use]
pub fn tables_report() -> TablesReport {
    TablesReport {
        database: "main".into(),
        work: "rollup-refresh".into(),
        subject: "rollup readings of main".into(),
        rows: 1_440,
        items: vec![TableProof {
            object: "public.readings_1m".into(),
            action: "roll up".into(),
            rows: 1_440,
            evidence: vec![Evidence::equal("rows of the buckets", 86_400, 86_400)],
            problem: None,
            note: None,
        }],
        notes: vec![],
    }
}
