//! `queue load` by the real binary: from a table with a trigger to tables of another database.

use ostler_testkit::binary::{Ostler, said};
use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::{Postgres, shared_postgres};

struct Pair {
    ostler: Ostler,
    server: &'static Postgres,
    source: String,
    target: String,
}

impl Pair {
    fn new() -> Option<Self> {
        let server = shared_postgres(Release::Fifteen)?;
        let pair = Self {
            ostler: Ostler::new(env!("CARGO_BIN_EXE_ostler")),
            server,
            source: server.database(),
            target: server.database(),
        };
        let (from, to) = (server.url(&pair.source), server.url(&pair.target));
        pair.ostler.ok(["queue", "install", "--dsn", &from]);
        pair.ostler.ok(["queue", "install", "--dsn", &to]);
        server.sql(
            &pair.source,
            "create table item (id int primary key, name text, secret text, at timestamptz not null)",
        );
        pair.ostler.ok(["queue", "create", "changes", "--dsn", &from]);
        pair.ostler
            .ok(["queue", "install-trigger", "item", "changes", "--dsn", &from]);
        pair.ostler
            .ok(["queue", "consumer", "register", "changes", "load", "--dsn", &from]);
        Some(pair)
    }

    fn load(&self, more: &[&str]) -> std::process::Output {
        self.server.sql(&self.source, "select pgq.force_tick('changes')");
        self.server.sql(&self.source, "select pgq.ticker('changes')");
        let (from, to) = (self.server.url(&self.source), self.server.url(&self.target));
        let words = ["queue", "load", "changes", "--consumer", "load", "--until-idle"];
        let places = ["--dsn", &from, "--target", &to];
        self.ostler.run(words.iter().chain(&places).chain(more))
    }

    fn loaded(&self, more: &[&str]) {
        let output = self.load(more);
        assert!(output.status.success(), "{}", said(&output));
    }

    fn at_target(&self, statement: &str) -> Vec<String> {
        let rows = self.server.sql(&self.target, statement);
        rows.into_iter()
            .map(|row| {
                let cells = row.into_iter().map(|cell| cell.unwrap_or_else(|| "∅".to_owned()));
                cells.collect::<Vec<_>>().join("|")
            })
            .collect()
    }
}

#[test]
fn a_table_is_kept_equal_under_other_column_names() {
    let Some(pair) = Pair::new() else { return };
    pair.server.sql(
        &pair.target,
        "create table item (id int primary key, title text, at timestamptz not null)",
    );
    let columns = ["--rename", "name=title", "--skip", "secret"];
    pair.server.sql(
        &pair.source,
        "insert into item select n, 'n' || n, 's', '2026-11-21 10:00+00' from generate_series(1, 5) n;
         update item set name = null where id = 2; delete from item where id = 3; update item set id = 30 where id = 4 and false",
    );
    pair.loaded(&columns);
    let all = "select id, title from item order by id";
    assert_eq!(pair.at_target(all), ["1|n1", "2|∅", "4|n4", "5|n5"]);
    // Nothing is applied twice.
    pair.loaded(&columns);
    pair.server.sql(
        &pair.source,
        "delete from item where id = 1; insert into item values (6, 'a&b=c +%', 's', now())",
    );
    pair.loaded(&columns);
    assert_eq!(pair.at_target(all), ["2|∅", "4|n4", "5|n5", "6|a&b=c +%"]);
    // A column that the target does not have is an error that names both, and the batch stays.
    pair.server
        .sql(&pair.source, "insert into item values (7, 'new', 's', now())");
    let failed = pair.load(&[]);
    let text = said(&failed);
    assert!(!failed.status.success(), "{text}");
    assert!(
        text.contains("`public.item`") && text.contains("`name`"),
        "{text}"
    );
    pair.loaded(&columns);
    assert_eq!(pair.at_target(all).len(), 5);
}

#[test]
fn tables_by_time_come_and_go() {
    let Some(pair) = Pair::new() else { return };
    pair.server.sql(
        &pair.target,
        "create table item (id int, name text, secret text, at timestamptz not null, primary key (id, at)) partition by range (at);
         create table item_old partition of item for values from ('2001-01-01') to ('2002-01-01')",
    );
    let by_month = [
        "--rows",
        "keep-latest",
        "--partition",
        "month",
        "--by",
        "field:at",
        "--keep",
        "60d",
    ];
    pair.server.sql(
        &pair.source,
        "insert into item select n, 'x', 's', date_trunc('month', now()) - n * interval '1 month' + interval '1 day' from generate_series(0, 6) n",
    );
    pair.loaded(&by_month[..6]);
    let parts = "select count(*) from pg_inherits where inhparent = 'item'::regclass";
    assert_eq!(pair.at_target(parts), ["8"]);
    // The next new table takes those along whose time is over; what has another name is nobody's business.
    pair.server.sql(
        &pair.source,
        "insert into item values (10, 'next', 's', now() + interval '1 month'), (11, 'too old', 's', now() - interval '300 days')",
    );
    pair.loaded(&by_month);
    assert_eq!(pair.at_target("select count(*) from item_old"), ["0"]);
    let kept: u32 = pair.at_target(parts)[0].parse().unwrap();
    assert!((4..=6).contains(&kept), "{kept}");
    assert_eq!(pair.at_target("select name from item where id > 9"), ["next"]);
}

#[test]
fn a_truncate_reaches_the_target_and_load_says_when_it_does_not() {
    let Some(pair) = Pair::new() else { return };
    let table = "create table item (id int primary key, name text, secret text, at timestamptz not null)";
    pair.server.sql(&pair.target, table);
    pair.server.sql(
        &pair.source,
        "insert into item values (1, 'a', 's', now()), (2, 'b', 's', now()); truncate item; insert into item values (3, 'c', 's', now())",
    );
    let output = pair.load(&[]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(pair.at_target("select id from item"), ["3"]);
    assert!(!said(&output).contains("TRUNCATE"), "{}", said(&output));
    let from = pair.server.url(&pair.source);
    let words = [
        "queue",
        "install-trigger",
        "item",
        "changes",
        "--no-truncate",
        "--dsn",
        &from,
    ];
    pair.ostler.ok(words);
    pair.server.sql(&pair.source, "truncate item");
    let output = pair.load(&["--quiet"]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(
        said(&output).contains("TRUNCATE of public.item is not in queue changes"),
        "{}",
        said(&output)
    );
    assert_eq!(pair.at_target("select id from item"), ["3"]);
}
