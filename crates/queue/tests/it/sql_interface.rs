//! Every function of the interface, statement by statement, beside the extension in C.

use std::fmt::Write as _;

use anyhow::Result;
use ostler_testkit::install::postgres::Release;

use super::place::Place;

/// A script, and what has to be there for it.
const SCRIPTS: [(&str, &str); 5] = [
    ("pgq", include_str!("sql/pgq.sql")),
    ("edges", include_str!("sql/edges.sql")),
    ("ticks", include_str!("sql/ticks.sql")),
    ("pgq_node", include_str!("sql/pgq_node.sql")),
    ("pgq_node_more", include_str!("sql/pgq_node_more.sql")),
];

type Rows = Vec<Vec<Option<String>>>;

/// What a statement gave: rows or the error.
fn answer(mut query: impl FnMut(&str) -> Result<Rows>, statement: &str) -> String {
    let rows = match query(statement) {
        Ok(rows) => rows,
        Err(error) => return error.root_cause().to_string(),
    };
    let mut text = String::new();
    for row in rows {
        // Times and transaction ids of events are nobody's promise.
        let width = if statement.starts_with("fetch") {
            1
        } else {
            row.len()
        };
        let fields: Vec<String> = row
            .into_iter()
            .take(width)
            .map(|it| it.unwrap_or_else(|| "∅".to_owned()))
            .collect();
        let _ = writeln!(text, "{}", fields.join("|"));
    }
    text
}

/// Statements, and whether the extension is known to answer differently.
fn statements(script: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut ours = false;
    script.lines().filter_map(move |line| {
        if line.starts_with("--") {
            ours = line.starts_with("-- ours:");
            return None;
        }
        Some((line, std::mem::take(&mut ours)))
    })
}

#[test]
fn every_statement_gives_what_the_extension_gives() {
    for (name, script) in SCRIPTS {
        let (Some(ours), Some(theirs)) = (Place::new(Release::Fifteen), Place::with_extension()) else {
            return;
        };
        if name.starts_with("pgq_node")
            && theirs
                .server
                .try_sql(&theirs.database, "create extension pgq_node")
                .is_err()
        {
            continue;
        }
        let mut ours = ours.server.wire(&ours.database).unwrap();
        let mut theirs = theirs.server.wire(&theirs.database).unwrap();
        for (statement, differs) in statements(script) {
            let (we, they) = (
                answer(|it| ours.query(it), statement),
                answer(|it| theirs.query(it), statement),
            );
            assert_eq!(
                we == they,
                !differs,
                "{name}: {statement}\nours:\n{we}\ntheirs:\n{they}"
            );
        }
    }
}

#[test]
fn every_release_gives_the_same() {
    for (name, script) in SCRIPTS {
        let mut first: Option<Vec<(&str, String)>> = None;
        for release in Release::SUPPORTED {
            let Some(place) = Place::new(release) else {
                continue;
            };
            let mut wire = place.server.wire(&place.database).unwrap();
            let answers: Vec<(&str, String)> = statements(script)
                .map(|(statement, _)| (statement, answer(|it| wire.query(it), statement)))
                .collect();
            if let Some(first) = &first {
                for ((statement, one), (_, other)) in first.iter().zip(&answers) {
                    if !statement.contains("is not null") || !other.contains("cur txid") {
                        assert_eq!(one, other, "{name} on {release:?}: {statement}");
                    }
                }
            } else {
                first = Some(answers);
            }
        }
    }
}

#[test]
fn names_arguments_results_and_columns_are_those_of_the_extension() {
    let (Some(ours), Some(theirs)) = (Place::new(Release::Fifteen), Place::with_extension()) else {
        return;
    };
    let _ = theirs
        .server
        .try_sql(&theirs.database, "create extension pgq_node");
    // Every function of theirs is among ours, likewise every column of every table.
    for list in [
        "select p.oid::regprocedure, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), p.proisstrict from pg_proc p \
         where p.pronamespace in (select oid from pg_namespace where nspname like 'pgq%') order by 1::text",
        "select attrelid::regclass, attname, atttypid::regtype, attnum from pg_attribute a join pg_class c on c.oid = a.attrelid \
         where c.relnamespace in (select oid from pg_namespace where nspname like 'pgq%') and c.relkind in ('r', 'v') and attnum > 0 \
         order by 1::text, attnum",
    ] {
        let has = ours.sql(list);
        for row in theirs.sql(list) {
            assert!(has.contains(&row), "{row:?}");
        }
    }
}

#[tokio::test]
async fn finishing_an_unknown_batch_warns() {
    use futures::StreamExt as _;
    use tokio_postgres::AsyncMessage;

    let Some(place) = Place::new(Release::Fifteen) else {
        return;
    };
    let (client, mut connection) = tokio_postgres::connect(&place.url(), tokio_postgres::NoTls)
        .await
        .unwrap();
    let (sender, mut said) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut messages = futures::stream::poll_fn(move |context| connection.poll_message(context));
        while let Some(Ok(message)) = messages.next().await {
            if let AsyncMessage::Notice(notice) = message {
                let _ = sender.send(format!("{}: {}", notice.severity(), notice.message()));
            }
        }
    });
    for (call, warning) in [
        (
            "select pgq.finish_batch(77)",
            "WARNING: finish_batch: batch 77 not found",
        ),
        (
            "select pgq_coop.finish_batch(77)",
            "WARNING: coop_finish_batch: batch 77 not found",
        ),
    ] {
        let done: i32 = client.query_one(call, &[]).await.unwrap().get(0);
        assert_eq!(done, 0);
        assert_eq!(said.recv().await.unwrap(), warning);
    }
}
