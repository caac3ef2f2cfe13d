//! The API over a database of the state that does not answer.

use ostler_postgres::{Connection, Dsn, Options, Target};
use ostler_state::conformance::shared;
use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::shared_postgres;
use ostler_web::Role;
use reqwest::StatusCode;

use crate::served::{Served, document};
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_the_state_that_hangs_is_told_soon() {
    let Some(server) = shared_postgres(Release::Fifteen) else {
        return;
    };
    let url = server.url(&server.database());
    let served = Served::over(World::new(), &shared(&url)).await;
    let token = served.token(Role::Viewer);
    assert_eq!(served.get("/v1/vaults", &token).await.status(), StatusCode::OK);
    let target = Target::resolve(&Dsn::parse(&url).unwrap(), &|_| None).unwrap();
    let holder = Connection::open(&target, &Options::default()).await.unwrap();
    holder
        .batch("BEGIN; LOCK TABLE ostler_access.credential IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let answer = served.get("/v1/vaults", &token).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(document(answer).await["kind"], "unavailable");
    holder.batch("ROLLBACK").await.unwrap();
    assert_eq!(served.get("/v1/vaults", &token).await.status(), StatusCode::OK);
}
