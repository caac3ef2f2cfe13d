//! The schema comes into a database, is upgraded and removed.

#![expect(clippy::unwrap_used, reason = "a test's way to fail")]

use std::sync::atomic::{AtomicBool, Ordering};

use ostler_postgres::{Connection, Options};
use ostler_queue::schema::{self, Error, Wish};
use ostler_testkit::install::postgres::Release;
use ostler_vocabulary::{Classified, ErrorKind};

use super::place::Place;

async fn open(place: &Place) -> Connection {
    Connection::open(&place.target(), &Options::default())
        .await
        .unwrap()
}

async fn install(connection: &mut Connection, wish: &Wish) -> schema::Applied {
    let installed = schema::inspect(connection).await.unwrap();
    let plan = schema::plan_install(&installed, wish).unwrap();
    schema::apply(connection, &plan).await.unwrap()
}

#[tokio::test]
async fn installing_twice_changes_nothing_and_keeps_queues() {
    for release in Release::SUPPORTED {
        let Some(place) = Place::empty(release) else {
            continue;
        };
        let mut connection = open(&place).await;
        install(&mut connection, &Wish::default()).await;
        place.sql("select pgq.create_queue('q'); select pgq.register_consumer('q', 'c'); select pgq.insert_event('q', 't', 'd')");

        let installed = schema::inspect(&connection).await.unwrap();
        let plan = schema::plan_install(&installed, &Wish::default()).unwrap();
        // All heads of functions are read as the server shows them, so nothing has to be dropped.
        assert!(
            plan.steps.iter().all(|step| !step.reason.contains("different")),
            "{release:?}: {:#?}",
            plan.steps[0].sql
        );
        assert!(
            plan.steps.iter().all(|step| !step.reason.starts_with("tables")),
            "{release:?}"
        );
        schema::apply(&mut connection, &plan).await.unwrap();

        assert_eq!(
            place.value("select count(*) from pgq.event_1").as_deref(),
            Some("1")
        );
        assert_eq!(
            place.value("select count(*) from pgq.subscription").as_deref(),
            Some("1")
        );
    }
}

#[tokio::test]
async fn queues_come_and_go_while_the_schema_is_upgraded() {
    let Some(place) = Place::new(Release::Fifteen) else {
        return;
    };
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let workers: Vec<_> = ["one", "two", "three"]
            .map(|queue| {
                let (place, stop) = (&place, &stop);
                scope.spawn(move || {
                    let mut wire = place.server.wire(&place.database).unwrap();
                    let mut rounds = 0;
                    while !stop.load(Ordering::Relaxed) || rounds == 0 {
                        for call in [
                            format!("create_queue('{queue}')"),
                            format!("insert_event('{queue}', 't', 'd')"),
                            format!("drop_queue('{queue}')"),
                        ] {
                            wire.query(&format!("select pgq.{call}")).expect(&call);
                        }
                        rounds += 1;
                    }
                })
            })
            .into();
        let upgrades = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let mut connection = open(&place).await;
                for _ in 0..3 {
                    install(&mut connection, &Wish::default()).await;
                }
            });
        });
        let upgraded = upgrades.join();
        stop.store(true, Ordering::Relaxed);
        for worker in workers {
            worker.join().expect("no call fails");
        }
        upgraded.expect("upgraded");
    });
}

#[tokio::test]
async fn the_schema_comes_into_databases_of_any_encoding() {
    for encoding in ["LATIN1", "LATIN2", "LATIN9", "KOI8R", "SQL_ASCII"] {
        let Some(place) = Place::empty(Release::Fifteen) else {
            return;
        };
        let database = format!("{}_{}", place.database, encoding.to_lowercase());
        place.sql(&format!(
            "create database {database} encoding '{encoding}' lc_collate 'C' lc_ctype 'C' template template0"
        ));
        let place = Place { database, ..place };
        let mut connection = open(&place).await;
        install(&mut connection, &Wish::default()).await;
        // And again, which is an upgrade.
        install(&mut connection, &Wish::default()).await;
        place.sql("select pgq.create_queue('q'); create table t (id int primary key, a text)");
        for style in ["each", "bulk"] {
            let plan =
                format!("select pgq.ostler_trigger_plan('t', '{style}', 'logutriga', '{{q}}', '{style}')");
            for statement in place.sql(&plan).into_iter().flatten().flatten() {
                place.sql(&statement);
            }
        }
        place.sql(
            "insert into t values (1, 'a b'); update t set a = 'c'; alter table t add b int; delete from t",
        );
        assert_eq!(
            place.value("select count(*) from pgq.event_1").as_deref(),
            Some("6"),
            "{encoding}"
        );
    }
}

#[tokio::test]
async fn what_another_user_installs_belongs_to_the_owner_of_the_schema() {
    let Some(place) = Place::empty(Release::Fifteen) else {
        return;
    };
    let owner = format!("{}_owner", place.database);
    place.sql(&format!(
        "create role {owner} login; grant create on database {} to {owner}",
        place.database
    ));
    let url = place.server.url_of(&owner, &place.database);
    let target =
        ostler_postgres::Target::from_environment(&ostler_postgres::Dsn::parse(&url).unwrap()).unwrap();
    let mut connection = Connection::open(&target, &Options::default()).await.unwrap();
    install(&mut connection, &Wish::default()).await;
    connection.batch("select pgq.create_queue('q')").await.unwrap();
    // As if the version before had lacked these. The server's own superuser upgrades.
    place.sql(
        "drop function pgq.ostler_wake(integer); drop function pgq_ext.set_last_tick(text, text, bigint)",
    );
    install(&mut open(&place).await, &Wish::default()).await;
    let foreign = place.sql(&format!(
        "select p.oid::regprocedure::text from pg_proc p where p.pronamespace::regnamespace::text like 'pgq%' and p.proowner <> '{owner}'::regrole \
         union all \
         select c.oid::regclass::text from pg_class c where c.relnamespace::regnamespace::text like 'pgq%' and c.relowner <> '{owner}'::regrole"
    ));
    assert!(foreign.is_empty(), "{foreign:?}");
    // The ticker sleeps, so this wakes it.
    connection
        .batch("select pgq.ostler_ticker_round('10 ms', true); select pgq.insert_event('q', 't', 'd')")
        .await
        .unwrap();
}

#[tokio::test]
async fn a_plan_for_another_state_is_refused() {
    let Some(place) = Place::empty(Release::Fifteen) else {
        return;
    };
    let mut connection = open(&place).await;
    let installed = schema::inspect(&connection).await.unwrap();
    let plan = schema::plan_install(&installed, &Wish::default()).unwrap();
    schema::apply(&mut connection, &plan).await.unwrap();
    let again = schema::apply(&mut connection, &plan).await.unwrap_err();
    assert!(matches!(again, Error::Changed { .. }), "{again}");
}

/// All that a schema is made of, in one word.
const CONTENTS: &str = "select md5(string_agg(what, ' ' order by what)) from ( \
    select p.oid::regprocedure::text || md5(p.prosrc) || coalesce(p.proacl::text, '') from pg_proc p \
     where p.pronamespace in (select oid from pg_namespace where nspname like 'pgq%') \
    union all \
    select c.oid::regclass || c.relkind::text || coalesce(c.relacl::text, '') from pg_class c \
     where c.relnamespace in (select oid from pg_namespace where nspname like 'pgq%') \
    union all select extname from pg_extension) all_of_it (what)";

type Planner = fn(&schema::Installed, &Wish) -> Result<schema::Plan, Error>;

/// How a step is spoiled: a statement that fails, and a session that is gone.
const SPOILERS: [&str; 2] = ["select 1 / 0", "select pg_terminate_backend(pg_backend_pid())"];

#[tokio::test]
async fn a_plan_that_fails_at_any_step_leaves_everything_as_it_was_and_can_be_repeated() {
    let wish = Wish {
        force: true,
        ..Wish::default()
    };
    let cases: [(&str, Option<Place>, Planner); 4] = [
        ("install", Place::empty(Release::Fifteen), schema::plan_install),
        ("upgrade", Place::new(Release::Fifteen), schema::plan_install),
        ("take over", Place::with_extension(), schema::plan_install),
        ("uninstall", Place::new(Release::Fifteen), schema::plan_uninstall),
    ];
    for (name, place, plan) in cases {
        let Some(place) = place else { return };
        if name != "install" {
            place.sql("select pgq.create_queue('q'); select pgq.insert_event('q', 't', 'd')");
        }
        let before = place.value(CONTENTS);
        let good = plan(&schema::inspect(&open(&place).await).await.unwrap(), &wish).unwrap();
        for step in 0..good.steps.len() {
            for spoiler in SPOILERS {
                let mut bad = good.clone();
                bad.steps[step].sql.push_str(&format!(";\n{spoiler}"));
                let context = format!("{name}: {} and then {spoiler}", bad.steps[step].reason);
                let failed = schema::apply(&mut open(&place).await, &bad).await;
                assert!(matches!(failed, Err(Error::Step { .. })), "{context}: {failed:?}");
                assert_eq!(place.value(CONTENTS), before, "{context}");
            }
        }
        let applied = schema::apply(&mut open(&place).await, &good).await.unwrap();
        assert_eq!(applied.steps, good.steps.len(), "{name}");
    }
}

#[tokio::test]
async fn uninstalling_with_queues_needs_force() {
    let Some(place) = Place::new(Release::Fifteen) else {
        return;
    };
    place.sql("select pgq.create_queue('q')");
    let mut connection = open(&place).await;
    let installed = schema::inspect(&connection).await.unwrap();
    let refused = schema::plan_uninstall(&installed, &Wish::default()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Refused);

    let wish = Wish {
        force: true,
        ..Wish::default()
    };
    let plan = schema::plan_uninstall(&installed, &wish).unwrap();
    let applied = schema::apply(&mut connection, &plan).await.unwrap();
    assert!(applied.installed.schemas.is_empty());
    assert!(matches!(
        schema::plan_uninstall(&applied.installed, &wish),
        Err(Error::Absent)
    ));
}

#[tokio::test]
async fn somebody_without_createrole_installs_and_uses_queues() {
    for release in Release::SUPPORTED {
        let Some(place) = Place::empty(release) else {
            continue;
        };
        let user = format!("{}_owner", place.database);
        place.sql(&format!(
            "create role {user} login; grant create on database {} to {user}",
            place.database
        ));
        let url = place.server.url_of(&user, &place.database);
        let target =
            ostler_postgres::Target::from_environment(&ostler_postgres::Dsn::parse(&url).unwrap()).unwrap();
        let mut connection = Connection::open(&target, &Options::default()).await.unwrap();

        let mut installed = schema::inspect(&connection).await.unwrap();
        // The server is shared with other tests, which have made the roles.
        installed.roles.clear();
        let plan = schema::plan_install(&installed, &Wish::default()).unwrap();
        assert!(
            plan.notes.iter().any(|note| note.contains("CREATEROLE")),
            "{:?}",
            plan.notes
        );
        assert!(plan.steps.iter().all(|step| !step.reason.starts_with("roles")));
        schema::apply(&mut connection, &plan).await.unwrap();
        connection
            .batch(
                "select pgq.create_queue('q'); select pgq.register_consumer('q', 'c'); select pgq.insert_event('q', 't', 'd'); \
                 select pgq.force_tick('q'); select pgq.ticker(); select pgq.next_batch('q', 'c'); select pgq.finish_batch(1); \
                 select pgq.drop_queue('q', true)",
            )
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn roles_have_the_rights_of_the_catalogue_and_no_more() {
    for release in Release::SUPPORTED {
        let Some(place) = Place::new(release) else {
            continue;
        };
        place.sql("select pgq.create_queue('q'); select pgq.register_consumer('q', 'c')");
        let may = |role: &str, statement: &str| {
            place
                .server
                .try_sql(
                    &place.database,
                    &format!("begin; set local role {role}; {statement}; rollback"),
                )
                .is_ok()
        };
        for (role, statement, allowed) in [
            ("pgq_writer", "select pgq.insert_event('q', 't', 'd')", true),
            ("pgq_writer", "select pgq.next_batch('q', 'c')", false),
            ("pgq_writer", "select pgq.create_queue('r')", false),
            ("pgq_writer", "select * from pgq.event_1", false),
            ("pgq_reader", "select pgq.insert_event('q', 't', 'd')", false),
            ("pgq_reader", "select pgq.next_batch('q', 'c')", true),
            ("pgq_reader", "select pgq.register_consumer('q', 'd')", true),
            ("pgq_reader", "select * from pgq.event_1", true),
            ("pgq_reader", "select pgq.ticker()", false),
            ("pgq_reader", "select * from pgq.retry_queue", false),
            ("pgq_reader", "delete from pgq.subscription", false),
            ("pgq_reader", "select pgq_coop.next_batch('q', 'm', 's')", true),
            ("pgq_admin", "select pgq.ticker()", true),
            ("pgq_admin", "select pgq.create_queue('r')", true),
            (
                "pgq_admin",
                "select pgq.maint_rotate_tables_step1('q'), pgq.maint_rotate_tables_step2()",
                true,
            ),
            (
                "pgq_admin",
                "select pgq.maint_retry_events(), pgq.maint_positions(), pgq.maint_consumer_limits()",
                true,
            ),
            (
                "pgq_admin",
                "update pgq.subscription set sub_active = now()",
                true,
            ),
            ("pgq_admin", "select pgq.insert_event('q', 't', 'd')", true),
        ] {
            assert_eq!(may(role, statement), allowed, "{release:?}: {role}: {statement}");
        }
        // A whole batch with nothing but a reader's rights.
        place.sql("select pgq.insert_event('q', 't', 'd')");
        place.sql("select pgq.force_tick('q'); select pgq.ticker()");
        place.sql(
            "set role pgq_reader; \
             select pgq.next_batch('q', 'c'); select * from pgq.get_batch_events(1); select pgq.event_retry(1, ev_id, 0) from pgq.get_batch_events(1); \
             select pgq.get_batch_info(1); select pgq.finish_batch(1)",
        );
        let unpinned = place.sql(
            "select p.oid::regprocedure from pg_proc p where p.prosecdef and p.proname <> 'insert_event' and p.pronamespace::regnamespace::text like 'pgq%' \
             and not coalesce(p.proconfig::text like '%search_path=pg_catalog, pg_temp%', false)",
        );
        assert!(unpinned.is_empty(), "{unpinned:?}");
    }
}
