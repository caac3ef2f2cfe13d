//! What a trigger adds to a row that is written, in processor time of the server.

use anyhow::Result;

use super::Size;
use super::place::{OURS, Place, Session, THEIRS};
use crate::bench::compared::Rows;

/// Names of what is compared; the first is the base, the second the peer.
const CONTENDERS: [&str; 5] = [
    "none",
    "C",
    "ostler, existing trigger",
    "ostler, generated, each row",
    "ostler, generated, statement",
];

pub fn round(place: &Place, size: &Size, rows: &mut Rows) -> Result<()> {
    for kind in ["logutriga", "jsontriga", "sqltriga"] {
        for single in [false, true] {
            let mut costs = Vec::new();
            for contender in CONTENDERS {
                let mut session = place.session(if contender.starts_with("ostler") {
                    OURS
                } else {
                    THEIRS
                })?;
                prepare(&mut session, contender, kind)?;
                // The first time makes plans.
                statements(&mut session, size.rows / 10, single)?;
                costs.push(statements(&mut session, size.rows, single)?);
            }
            for (n, verb) in ["insert", "update", "delete"].into_iter().enumerate() {
                let how = if single { "a row at a time" } else { "in bulk" };
                let scenario = format!("{kind}, {verb} {how}: what a row costs more");
                let peer = costs[1][n] - costs[0][n];
                for (contender, cost) in CONTENDERS.iter().zip(&costs).skip(1) {
                    rows.add(&scenario, "µs", contender, peer, cost[n] - costs[0][n]);
                }
            }
        }
    }
    Ok(())
}

fn prepare(session: &mut Session, contender: &str, kind: &str) -> Result<()> {
    session.run("drop table if exists t; create table t (id int primary key, name text, qty int, ts timestamptz, price numeric)")?;
    let style = match contender {
        "none" => return Ok(()),
        "ostler, generated, each row" => "each",
        "ostler, generated, statement" => "bulk",
        _ => {
            session.run(&format!(
                "create trigger x after insert or update or delete on t for each row execute function pgq.{kind}('q')"
            ))?;
            return Ok(());
        }
    };
    let plan = session.run(&format!(
        "select pgq.ostler_trigger_plan('t', 'x', '{kind}', '{{q}}', '{style}')"
    ))?;
    for statement in plan.into_iter().flatten().flatten() {
        session.run(&statement)?;
    }
    Ok(())
}

/// µs a row to insert, update and delete.
fn statements(session: &mut Session, count: u64, single: bool) -> Result<[f64; 3]> {
    let texts = if single {
        [
            format!(
                "do $$ begin for g in 1..{count} loop insert into t values (g, 'some name ' || g, g % 100, now(), g * 1.5); end loop; end $$"
            ),
            format!(
                "do $$ begin for g in 1..{count} loop update t set qty = qty + 1 where id = g; end loop; end $$"
            ),
            format!("do $$ begin for g in 1..{count} loop delete from t where id = g; end loop; end $$"),
        ]
    } else {
        [
            format!(
                "insert into t select g, 'some name ' || g, g % 100, now(), g * 1.5 from generate_series(1, {count}) g"
            ),
            "update t set qty = qty + 1".to_owned(),
            "delete from t".to_owned(),
        ]
    };
    let mut costs = [0.0; 3];
    for (cost, text) in costs.iter_mut().zip(&texts) {
        *cost = session.cpu(text)? / count as f64 * 1e6;
    }
    session.run("vacuum t")?;
    Ok(costs)
}
