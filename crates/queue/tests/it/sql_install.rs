//! The schema comes into a database, is taken over, upgraded and removed.

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

#[tokio::test]
async fn a_failed_step_leaves_nothing_behind() {
    let Some(place) = Place::empty(Release::Fifteen) else {
        return;
    };
    let mut connection = open(&place).await;
    let installed = schema::inspect(&connection).await.unwrap();
    let mut plan = schema::plan_install(&installed, &Wish::default()).unwrap();
    if let Some(last) = plan.steps.last_mut() {
        last.sql = "select 1 / 0".to_owned();
    }
    schema::apply(&mut connection, &plan).await.unwrap_err();
    assert!(schema::inspect(&connection).await.unwrap().schemas.is_empty());
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
             select pgq.next_batch('q', 'c'); select * from pgq.get_batch_events(1); select pgq.event_retry(1, 1, 0); \
             select pgq.get_batch_info(1); select pgq.finish_batch(1)",
        );
        let unpinned = place.sql(
            "select p.oid::regprocedure from pg_proc p where p.prosecdef and p.proname <> 'insert_event' and p.pronamespace::regnamespace::text like 'pgq%' \
             and not coalesce(p.proconfig::text like '%search_path=pg_catalog, pg_temp%', false)",
        );
        assert!(unpinned.is_empty(), "{unpinned:?}");
    }
}

/// Reads everything a consumer still gets: ids in the order they came.
fn drain(place: &Place, consumer: &str) -> Vec<String> {
    let mut got = Vec::new();
    loop {
        let batch = place.value(&format!("select pgq.next_batch('q', '{consumer}')"));
        let Some(batch) = batch else { return got };
        let rows = place.sql(&format!("select ev_data from pgq.get_batch_events({batch})"));
        got.extend(rows.into_iter().filter_map(|mut row| row.remove(0)));
        place.sql(&format!("select pgq.finish_batch({batch})"));
    }
}

#[tokio::test]
async fn a_database_with_the_extension_is_taken_over_under_traffic_without_losing_an_event() {
    let Some(place) = Place::with_extension() else {
        return;
    };
    // Where Debian's package of it is.
    let _ = place.server.try_sql(&place.database, "create extension pgq_node");
    place.sql(
        "select pgq.create_queue('q'); select pgq.register_consumer('q', 'a'); select pgq.register_consumer('q', 'b'); \
         create table t (id int primary key, x text); \
         create trigger log after insert or update or delete on t for each row execute function pgq.logutriga('q')",
    );
    // A batch is open, an event is to be tried again, and `b` has read nothing yet.
    place.sql("select pgq.insert_event('q', 't', 'before 1'); select pgq.insert_event('q', 't', 'before 2')");
    place.sql("select pgq.force_tick('q'); select pgq.ticker()");
    assert_eq!(
        place.value("select pgq.next_batch('q', 'a')").as_deref(),
        Some("1")
    );
    place.sql("select pgq.event_retry(1, 1, 0)");

    let stop = std::sync::atomic::AtomicBool::new(false);
    let (sent, applied) = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..3)
            .map(|writer| {
                let (place, stop) = (&place, &stop);
                scope.spawn(move || {
                    let mut sent = Vec::new();
                    let mut wire = place.server.wire(&place.database).unwrap();
                    while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                        let text = format!("{writer}.{}", sent.len());
                        // What failed was not sent; only that may happen to a session whose function was just replaced.
                        if wire
                            .query(&format!("select pgq.insert_event('q', 't', '{text}')"))
                            .is_ok()
                        {
                            sent.push(text);
                        }
                    }
                    sent
                })
            })
            .collect();
        let ticker = {
            let (place, stop) = (&place, &stop);
            scope.spawn(move || {
                let mut wire = place.server.wire(&place.database).unwrap();
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    let _ = wire.query("select pgq.ticker()");
                }
            })
        };
        let target = place.target();
        let done = scope.spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let mut connection = Connection::open(&target, &Options::default()).await.unwrap();
                let installed = schema::inspect(&connection).await.unwrap();
                let plan = schema::plan_install(&installed, &Wish::default()).unwrap();
                schema::apply(&mut connection, &plan).await
            })
        });
        let applied = done.join().unwrap();
        // Some more, by the new functions.
        std::thread::sleep(std::time::Duration::from_millis(300));
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        ticker.join().unwrap();
        let sent: Vec<String> = writers.into_iter().flat_map(|it| it.join().unwrap()).collect();
        (sent, applied)
    });
    let applied = applied.unwrap();
    assert!(applied.installed.extensions.is_empty());
    assert_eq!(place.value("select pgq.version()").as_deref(), Some("3.5"));
    assert!(sent.len() > 10, "{}", sent.len());

    // The batch that was open is open.
    assert_eq!(
        place.value("select pgq.next_batch('q', 'a')").as_deref(),
        Some("1")
    );
    place.sql("insert into t values (1, 'after')");
    place.sql("select pgq.maint_retry_events(); select pgq.force_tick('q'); select pgq.ticker()");
    let mut expected: Vec<String> = ["before 1", "before 2", "id=1&x=after"].map(str::to_owned).into();
    expected.extend(sent);
    expected.sort();
    let mut b = drain(&place, "b");
    b.sort();
    assert_eq!(b, expected);
    // And for `a` the one that was put aside comes once more.
    expected.push("before 1".to_owned());
    expected.sort();
    let mut a = drain(&place, "a");
    a.sort();
    assert_eq!(a, expected);
}
