//! Queues after a dump came into another server.

use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::postgres;

use super::sql_world::{drain, queue, rotate, tick};

#[test]
fn a_dump_restored_into_another_server_goes_on_where_it_was() {
    for release in [Release::Thirteen, Release::Fifteen, Release::Eighteen] {
        let Some(place) = queue(release) else { continue };
        place.sql("select pgq.register_consumer('q', 'slow'); select pgq.register_consumer('q', 'busy')");
        let mut burn = place.server.wire(&place.database).unwrap();
        for _ in 0..3000 {
            burn.query("select txid_current()").unwrap();
        }
        place.sql("select pgq.insert_event('q', 't', 'one')");
        tick(&place);
        assert_eq!(drain(&place, "c"), ["one"]);
        place.sql("select pgq.insert_event('q', 't', 'two')");
        tick(&place);
        let open = place.value("select pgq.next_batch('q', 'busy')").unwrap();
        rotate(&place);
        place.sql("select pgq.insert_event('q', 't', 'three')");
        let Some(mut dump) = place.server.tool("pg_dump", &place.database) else {
            continue;
        };
        let dumped = dump.output().unwrap();
        assert!(
            dumped.status.success(),
            "{}",
            String::from_utf8_lossy(&dumped.stderr)
        );

        let Some(fresh) = postgres(release) else { continue };
        for role in ["pgq_reader", "pgq_writer", "pgq_admin"] {
            fresh.sql("postgres", &format!("create role {role}"));
        }
        let database = fresh.database();
        // COPY blocks of a plain dump need psql.
        let Some(mut psql) = fresh.tool("psql", &database) else {
            continue;
        };
        let mut child = psql
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1"])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // The tool is of a later release than some servers, which do not know this setting.
        let text = String::from_utf8(dumped.stdout)
            .unwrap()
            .replace("SET transaction_timeout = 0;", "");
        std::io::Write::write_all(child.stdin.as_mut().unwrap(), text.as_bytes()).unwrap();
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success(), "{release:?}");

        let sql = |text: &str| fresh.sql(&database, text);
        assert!(
            fresh
                .try_sql(&database, "select pgq.force_tick('q'); select pgq.ticker('q')")
                .is_err()
        );
        sql("select pgq.insert_event('q', 't', 'after')");
        assert_eq!(
            sql("select pgq.restored()")[0][0].as_deref(),
            Some("1"),
            "{release:?}"
        );
        assert_eq!(sql("select pgq.restored()")[0][0].as_deref(), Some("0"));
        sql("select pgq.force_tick('q'); select pgq.ticker('q')");
        for (consumer, expected) in [
            ("c", vec!["two", "three", "after"]),
            ("slow", vec!["one", "two", "three", "after"]),
            ("busy", vec!["one", "two", "three", "after"]),
        ] {
            let mut got = Vec::new();
            while let Some(batch) = sql(&format!("select pgq.next_batch('q', '{consumer}')"))[0][0].clone() {
                if got.is_empty() && consumer == "busy" {
                    assert_eq!(batch, open);
                }
                got.extend(
                    sql(&format!("select ev_data from pgq.get_batch_events({batch})"))
                        .into_iter()
                        .filter_map(|mut row| row.remove(0)),
                );
                sql(&format!("select pgq.finish_batch({batch})"));
            }
            assert_eq!(got, expected, "{release:?}: {consumer}");
        }
    }
}
