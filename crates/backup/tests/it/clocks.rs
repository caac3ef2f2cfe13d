//! Clocks that are wrong: this machine's, or that of a machine that made a backup.

use std::sync::Arc;
use std::time::Duration;

use ostler_api::request::Restore;
use ostler_backup::{create, restore};
use ostler_store::Memory;
use ostler_vault::{InitOptions, Vault};
use ostler_vocabulary::{BackupId, Clock as _, ErrorKind, Failure, ManualClock, SystemClock};

use crate::world::{World, request, selector};

/// Ahead, and not so far that a backup is refused.
const AHEAD: Duration = Duration::from_secs(50 * 60);

async fn latest(world: &World) -> Result<BackupId, Failure> {
    let request = Restore {
        backup: selector("latest"),
        to: Some("/to".into()),
        include: Vec::new(),
        overwrite: Default::default(),
        delete_extra: false,
        allow_incomplete: false,
        onto: None,
    };
    let plan = restore::plan(request, &world.context).await?;
    Ok(plan.backups[0])
}

/// Makes a backup under this clock.
async fn made(world: &World, clock: &Arc<ManualClock>) -> BackupId {
    let world = World {
        context: ostler_backup::Context {
            clock: Arc::clone(clock) as _,
            ..world.context.clone()
        },
        ..world.clone()
    };
    let plan = create::plan(request(), &world.context).await.unwrap();
    world.seed(&plan).await;
    plan.backups[0]
}

#[tokio::test(flavor = "multi_thread")]
async fn latest_is_no_backup_of_the_future_unless_the_stores_clock_has_come_to_it() {
    let now = SystemClock::default().now();
    let [stores, wrong, right] = [now, now + AHEAD, now].map(|at| Arc::new(ManualClock::at(at)));
    let store = Arc::new(Memory::with_clock(Arc::clone(&stores) as _));
    let options = InitOptions {
        protect: Vec::new(),
        clock: Arc::clone(&right) as _,
    };
    Vault::init(Arc::clone(&store) as _, options).await.unwrap();
    let mut world = World::new().await.seen_through(store).await;
    world.context.clock = Arc::clone(&right) as _;

    let old = made(&world, &right).await;
    assert_eq!(latest(&world).await.unwrap(), old);
    let future = made(&world, &wrong).await;
    right.advance(Duration::from_secs(60));
    stores.advance(Duration::from_secs(60));
    let new = made(&world, &right).await;
    let refused = latest(&world).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Refused);
    for id in [future, new] {
        let text = format!("{refused} {:?}", refused.hint());
        assert!(text.contains(&id.short().to_string()), "{text}");
    }

    // Once the store's clock has come that far, it is this machine's that is behind.
    stores.advance(AHEAD);
    let newest = made(&world, &wrong).await;
    assert_ne!(newest, future);
    wrong.advance(Duration::from_secs(60));
    let newest = made(&world, &wrong).await;
    assert_eq!(latest(&world).await.unwrap(), newest);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_backup_is_made_where_the_clocks_differ_by_hours() {
    let now = SystemClock::default().now();
    let [stores, wrong] = [now, now].map(|at| Arc::new(ManualClock::at(at)));
    let store = Arc::new(Memory::with_clock(Arc::clone(&stores) as _));
    let options = InitOptions {
        protect: Vec::new(),
        clock: Arc::clone(&stores) as _,
    };
    Vault::init(Arc::clone(&store) as _, options).await.unwrap();
    let mut world = World::new().await.seen_through(store).await;
    world.context.clock = Arc::clone(&wrong) as _;
    for (at, side) in [(now + 2 * AHEAD, "ahead of"), (now - 2 * AHEAD, "behind")] {
        wrong.jump_to(at);
        let plan = create::plan(request(), &world.context).await.unwrap();
        let record = world.run(create::KIND, plan, create::run).await;
        assert_eq!(record.failure, Some(ErrorKind::Refused), "{record:#?}");
        assert!(record.reasons.join(" ").contains(side), "{record:#?}");
    }
    wrong.jump_to(now);
    let right = made(&world, &wrong).await;
    let backups = world.context.backups().await.unwrap();
    let left: Vec<BackupId> = backups.iter().map(|backup| backup.id()).collect();
    assert_eq!(left, [right]);
}
