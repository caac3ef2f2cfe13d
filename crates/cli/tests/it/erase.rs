//! Rows of one subject on real servers.

use ostler_testkit::binary::said;
use ostler_testkit::install::postgres::Release;
use serde_json::Value;

use crate::materialize::ends;
use crate::retention::World;

const ERASE: [&str; 4] = [
    "erase",
    "it's 42",
    "--of=customers:id",
    "--of=Odd.\"My Orders\":\"who?\"",
];

/// Customers 1 to 50, each with an order of two lines, a visit and a rating; one of them also pays for another's order.
fn shop(world: &World) {
    world.sql(
        "CREATE TABLE customers (id varchar(8) PRIMARY KEY, name text);
         CREATE SCHEMA \"Odd\";
         CREATE TABLE \"Odd\".\"My Orders\" (id int PRIMARY KEY, \"who?\" varchar(8) REFERENCES customers, payer varchar(8) REFERENCES customers ON DELETE CASCADE);
         CREATE TABLE lines (\"order\" int REFERENCES \"Odd\".\"My Orders\" ON DELETE CASCADE, what text);
         CREATE TABLE visits (time timestamptz, who varchar(8) REFERENCES customers ON DELETE CASCADE) PARTITION BY RANGE (time);
         CREATE TABLE visits_early PARTITION OF visits FOR VALUES FROM (MINVALUE) TO ('2024-01-01Z');
         CREATE TABLE visits_late PARTITION OF visits FOR VALUES FROM ('2024-01-01Z') TO (MAXVALUE);
         CREATE TABLE ratings (stars int, who varchar(8) REFERENCES customers ON DELETE SET NULL);
         INSERT INTO customers SELECT 'it''s ' || n, 'name ' || n FROM generate_series(1, 50) AS n;
         INSERT INTO \"Odd\".\"My Orders\" SELECT n, 'it''s ' || n FROM generate_series(1, 50) AS n;
         UPDATE \"Odd\".\"My Orders\" SET payer = 'it''s 42' WHERE id = 7;
         INSERT INTO lines SELECT n % 50 + 1, 'thing' FROM generate_series(1, 100) AS n;
         INSERT INTO visits SELECT '2023-12-20Z'::timestamptz + n % 20 * '1 day'::interval, 'it''s ' || n % 50 + 1 FROM generate_series(1, 100) AS n;
         INSERT INTO ratings SELECT 5, 'it''s ' || n FROM generate_series(1, 50) AS n",
    );
}

/// How many rows there are of each, whose, and what our own tables say.
fn state(world: &World) -> Vec<Vec<Option<String>>> {
    world.sql(
        "SELECT 'customers', count(*)::text FROM customers UNION ALL SELECT 'orders', count(*)::text FROM \"Odd\".\"My Orders\"
         UNION ALL SELECT 'lines', count(*)::text FROM lines UNION ALL SELECT 'visits', count(*)::text FROM visits
         UNION ALL SELECT 'ratings', count(who)::text FROM ratings
         UNION ALL SELECT 'progress', count(*)::text FROM ext.retention_progress
         UNION ALL SELECT 'audit ' || item, concat(action, rows, error) FROM ext.retention_audit ORDER BY 1, 2",
    )
}

fn counts(world: &World) -> Vec<i64> {
    [
        "customers",
        "\"Odd\".\"My Orders\"",
        "lines",
        "visits",
        "ratings WHERE who IS NOT NULL",
    ]
    .map(|table| world.number(&format!("SELECT count(*) FROM {table}")))
    .to_vec()
}

#[test]
fn all_rows_of_a_subject_go_with_all_that_goes_along_and_no_others() {
    for release in Release::SUPPORTED {
        let Some(world) = World::new(release) else {
            continue;
        };
        shop(&world);
        let plan = world.json(&[&ERASE[..], &["--dry-run"]].concat());
        let items = plan["work"]["items"].as_array().unwrap();
        let told: Vec<(&str, Option<u64>)> = items
            .iter()
            .map(|item| (item["object"].as_str().unwrap(), item["rows"].as_u64()))
            .collect();
        // As `b3sum` says.
        let hash = "d5015e03209f45e9669ed3320ce0e23a";
        let subject = format!("subject {hash}");
        assert_eq!(
            told,
            [
                ("public.lines:order of Odd.\"My Orders\":who?", Some(2)),
                ("Odd.\"My Orders\":who?", Some(1)),
                (
                    "public.lines:order of Odd.\"My Orders\":payer of public.customers:id",
                    Some(2)
                ),
                ("Odd.\"My Orders\":payer of public.customers:id", Some(1)),
                ("public.visits:who of public.customers:id", Some(2)),
                ("public.customers:id", Some(1)),
                (subject.as_str(), None),
            ],
            "{plan}"
        );
        assert!(
            plan["work"]["notes"]
                .to_string()
                .contains("who of public.ratings"),
            "{plan}"
        );
        assert_eq!(counts(&world), [50, 50, 100, 100, 50]);
        let unapproved = world.run(&ERASE);
        assert_eq!(unapproved.status.code(), Some(4), "{}", said(&unapproved));
        let digest = plan["digest"].as_str().unwrap();
        let report = world.json(&[&ERASE[..], &["--apply", digest]].concat());
        assert_eq!(report["rows"], 9, "{report}");
        for item in report["items"].as_array().unwrap() {
            assert_eq!(item["problem"], Value::Null, "{report}");
            assert!(
                item["evidence"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .all(|it| it["holds"] == true),
                "{report}"
            );
        }
        assert_eq!(counts(&world), [49, 48, 96, 98, 49]);
        let operation = report["operation"].as_str().unwrap();
        let certificate = world.ostler.json(["retention", "certificate", operation]);
        assert_eq!(certificate["rows"], 9, "{certificate}");
        let people = world.ostler.ok(["retention", "certificate", operation]);
        assert!(people.contains(hash) && people.contains("9"), "{people}");
        assert!(
            !people.contains("it's 42") && !certificate.to_string().contains("it's 42"),
            "{people}"
        );
        // What is not there is not proven to be gone: it may have been mistyped.
        let again = world.run(&[&ERASE[..], &["--yes"]].concat());
        assert_eq!(again.status.code(), Some(7), "{}", said(&again));
    }
}

#[test]
fn an_erasure_that_is_killed_at_any_step_resumes_to_the_same_end() {
    let end = |kill| {
        let world = World::new(Release::Eighteen)?;
        shop(&world);
        ends(&world, "retention", &[&ERASE[..], &["--yes"]].concat(), kill);
        Some(state(&world))
    };
    let Some(expected) = end(None) else { return };
    for step in ["erase", "read back", "forget", "look again", "record"] {
        for moment in ["before", "after"] {
            assert_eq!(end(Some((moment, step))).unwrap(), expected, "{moment} {step}");
        }
    }
}

#[test]
fn what_cannot_be_erased_is_told_and_nothing_is_certified() {
    let Some(world) = World::new(Release::Fifteen) else {
        return;
    };
    shop(&world);
    world.sql(
        "CREATE TABLE invoices (customer varchar(8) REFERENCES customers); INSERT INTO invoices VALUES ('it''s 3');
         CREATE TABLE staff (id int PRIMARY KEY, desk int); CREATE TABLE desks (id int PRIMARY KEY, owner int REFERENCES staff ON DELETE CASCADE);
         ALTER TABLE staff ADD FOREIGN KEY (desk) REFERENCES desks ON DELETE CASCADE; INSERT INTO staff VALUES (1, NULL);
         CREATE VIEW seen AS SELECT * FROM customers",
    );
    let code = |words: &[&str]| {
        let output = world.run(&[&["erase"], words].concat());
        (output.status.code().unwrap_or(-1), said(&output))
    };
    for (words, expected, reason) in [
        (&["1", "--of=gone:id", "--yes"][..], 7, "gone"),
        (&["1", "--of=customers:gone", "--yes"], 7, "gone"),
        (&["1", "--of=seen:id", "--yes"], 1, "seen"),
        (&["", "--of=customers:id", "--yes"], 2, "SUBJECT"),
        (&["1", "--of=customers", "--yes"], 2, "TABLE:COLUMN"),
        (&["it's", "--of=lines:order", "--yes"], 2, "it's"),
        (&["1", "--of=staff:id", "--yes"], 1, "CASCADE"),
        // No longer value is cut down to one that is there.
        (&["it's 424242", "--of=customers:id", "--yes"], 7, "no row"),
    ] {
        let (found, told) = code(words);
        assert!(
            found == expected && told.contains(reason),
            "{words:?}: {found} {told}"
        );
    }
    assert_eq!(counts(&world), [50, 50, 100, 100, 50]);
    // Somebody refers to it: the rest goes, and it is said what stayed.
    let (found, told) = code(&["it's 3", "--of=customers:id", "--yes"]);
    assert!(found == 3 && told.contains("invoices"), "{found} {told}");
    assert_eq!(
        world.number("SELECT count(*) FROM customers WHERE id = 'it''s 3'"),
        1
    );
    let list = world.ostler.json(["operation", "list"]);
    let id = list["operations"][0]["id"].as_str().unwrap();
    let none = world.ostler.run(["retention", "certificate", id]);
    assert_eq!(none.status.code(), Some(7), "{}", said(&none));
}

#[test]
fn rows_that_refer_to_rows_of_the_same_table_go_along_and_are_counted() {
    let Some(world) = World::new(Release::Eighteen) else {
        return;
    };
    // 1 recruited 2 and 3, 3 recruited 4; 5 and 6 recruited each other.
    world.sql(
        "CREATE TABLE people (id int PRIMARY KEY, by int REFERENCES people ON DELETE CASCADE);
         CREATE TABLE notes (who int REFERENCES people ON DELETE CASCADE);
         INSERT INTO people VALUES (1, NULL), (2, 1), (3, 1), (4, 3), (5, NULL), (6, 5), (7, NULL);
         UPDATE people SET by = 6 WHERE id = 5;
         INSERT INTO notes SELECT id FROM people",
    );
    for (subject, people, left) in [("1", 4, 3), ("5", 2, 1)] {
        let report = world.json(&["erase", subject, "--of=people:id", "--yes"]);
        assert_eq!(report["rows"], 2 * people, "{report}");
        for item in report["items"].as_array().unwrap() {
            assert_eq!(item["problem"], Value::Null, "{report}");
        }
        let counted = ["people", "notes"].map(|table| world.number(&format!("SELECT count(*) FROM {table}")));
        assert_eq!(counted, [left, left], "{subject}");
    }
}
