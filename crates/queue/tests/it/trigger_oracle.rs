//! Our triggers beside the extension's in C: the same statements on the same tables, and the events byte for byte.

use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::{Rows, Wire};

use crate::place::Place;
use crate::trigger_cases::{Case, Style};
use crate::trigger_values::TYPES;

const ROUNDS: u64 = 60;
const FIRST_SEED: u64 = 20_261_121;

struct Side {
    wire: Wire,
}

impl Side {
    fn new(place: &Place) -> Self {
        place.sql(TYPES);
        place.sql("select pgq.create_queue('q')");
        Self {
            wire: place.server.wire(&place.database).expect("a connection"),
        }
    }

    /// Nothing, or SQLSTATE and message.
    fn run(&mut self, statement: &str) -> Option<String> {
        self.wire
            .query(statement)
            .err()
            .map(|error| error.root_cause().to_string())
    }

    fn events(&mut self) -> Rows {
        let rows = self
            .wire
            .query("select ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4 from pgq.event_template order by ev_id")
            .expect("events");
        self.wire.query("truncate pgq.event_1_0").expect("emptied");
        rows
    }
}

fn compare(style: Style) {
    let (Some(theirs), Some(ours)) = (Place::with_extension(), Place::new(Release::WithPgq)) else {
        return;
    };
    let (mut theirs, mut ours) = (Side::new(&theirs), Side::new(&ours));
    let mut events = 0;
    for seed in FIRST_SEED..FIRST_SEED + ROUNDS {
        let mut case = Case::new(seed, style);
        for side in [&mut theirs, &mut ours] {
            let _ = side.run("reset all");
            assert_eq!(
                side.run(&format!("drop table if exists {} cascade", case.table)),
                None
            );
            assert_eq!(side.run(&case.create_table()), None, "seed {seed}");
        }
        assert_eq!(theirs.run(&case.create_trigger()), None);
        if style == Style::Generic {
            assert_eq!(ours.run(&case.create_trigger()), None);
        } else {
            let plan = ours.wire.query(&case.plan_trigger()).expect("a plan");
            for statement in plan.into_iter().flatten().flatten() {
                assert_eq!(ours.run(&statement), None, "seed {seed}: {statement}");
            }
        }
        for _ in 0..12 {
            let statement = case.statement();
            let said = theirs.run(&statement);
            let context = || {
                format!(
                    "seed {seed}, {}\n{}\n{statement}",
                    case.create_table(),
                    case.create_trigger()
                )
            };
            let expected = theirs.events();
            assert_eq!(ours.run(&statement), said, "{}", context());
            assert_eq!(ours.events(), expected, "{}", context());
            events += expected.len();
        }
    }
    assert!(events > 100, "{events} events compare little");
}

#[test]
fn existing_triggers_write_what_the_extension_writes() {
    compare(Style::Generic);
}

#[test]
fn generated_row_triggers_write_what_the_extension_writes() {
    compare(Style::Each);
}

#[test]
fn generated_statement_triggers_write_what_the_extension_writes() {
    compare(Style::Bulk);
}

#[test]
fn truncate_writes_what_the_extension_writes() {
    let (Some(theirs), Some(ours)) = (Place::with_extension(), Place::new(Release::WithPgq)) else {
        return;
    };
    let (mut theirs, mut ours) = (Side::new(&theirs), Side::new(&ours));
    for kind in ["logutriga", "jsontriga", "sqltriga"] {
        for argument in [
            "q",
            "q', 'ignore=a",
            "q', 'pkey=a",
            "q', 'backup",
            "q', 'ev_type=1",
            "q', 'deny",
            "q', 'SKIP",
            "q', 'huh",
        ] {
            for (table, columns) in [("t", "a int primary key, b int"), ("u", "a int")] {
                let statement = format!(
                    "drop table if exists {table}; create table {table} ({columns});
                     create trigger x after truncate on {table} for each statement execute function pgq.{kind}('{argument}')"
                );
                for side in [&mut theirs, &mut ours] {
                    assert_eq!(side.run(&statement), None);
                }
                let said = theirs.run(&format!("truncate {table}"));
                assert_eq!(ours.run(&format!("truncate {table}")), said, "{kind} {argument}");
                assert_eq!(ours.events(), theirs.events(), "{kind} {argument}");
            }
        }
    }
}

#[test]
fn wrong_triggers_are_refused_in_the_same_words() {
    let (Some(theirs), Some(ours)) = (Place::with_extension(), Place::new(Release::WithPgq)) else {
        return;
    };
    let (mut theirs, mut ours) = (Side::new(&theirs), Side::new(&ours));
    for trigger in [
        "after insert on t for each statement execute function pgq.logutriga('q')",
        "after insert on t for each row execute function pgq.logutriga()",
        "after insert on t for each row execute function pgq.logutriga('q', 'skip')",
        "after insert on t for each row execute function pgq.sqltriga('q', 'SKIP')",
        "after insert on t for each row execute function pgq.sqltriga('nowhere')",
        "after insert on t for each row execute function pgq.jsontriga('q', 'when=null')",
    ] {
        for side in [&mut theirs, &mut ours] {
            assert_eq!(
                side.run(&format!(
                    "drop table if exists t; create table t (a int); create trigger x {trigger}"
                )),
                None
            );
        }
        let said = theirs.run("insert into t values (1)");
        assert!(said.is_some(), "{trigger}");
        assert_eq!(ours.run("insert into t values (1)"), said, "{trigger}");
    }
}
