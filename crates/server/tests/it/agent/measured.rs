//! What an agent counts, and what it remembers.

use std::fs;

use ostler_api::Node;
use ostler_vocabulary::{BackupId, ErrorKind};

use super::{World, client, issued, nothing, start, upload};

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_tells_what_it_counted_to_whom_it_answers_at_all() {
    let world = World::new().await;
    let root = world.path("root");
    fs::write(root.join("one"), vec![1; 70_000]).unwrap();
    fs::write(root.join("two"), "2").unwrap();
    // What was written just before is read twice, and counted so.
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let (progress, cancel) = nothing();
    let node = world.node(1);
    node.upload(&upload(&root), &progress, &cancel).await.unwrap();
    let failed = node
        .upload(&upload(&world.path("elsewhere")), &progress, &cancel)
        .await;
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::Denied);

    let nobody = world.node_at(world.target(None, &world.authority), 1);
    assert_eq!(nobody.metrics().await.unwrap_err().kind(), ErrorKind::Denied);
    let told = node.metrics().await.unwrap();
    let value = |sample: &str| -> f64 {
        let line = told.lines().find_map(|line| line.strip_prefix(sample));
        let value = line.unwrap_or_else(|| panic!("no {sample}: {told}"));
        value.trim().parse().unwrap()
    };
    for (sample, expected) in [
        (
            r#"ostler_agent_requests_total{outcome="done",request="upload"}"#,
            1.0,
        ),
        (
            r#"ostler_agent_requests_total{outcome="failed",request="upload"}"#,
            1.0,
        ),
        (
            r#"ostler_agent_requests_total{outcome="stopped",request="upload"}"#,
            0.0,
        ),
        (r#"ostler_agent_requests_running{request="upload"}"#, 0.0),
        (r#"ostler_agent_bytes_total{request="upload"}"#, 70_001.0),
        (r#"ostler_agent_files_total{request="upload"}"#, 2.0),
        ("ostler_agent_refused_total", 1.0),
    ] {
        assert_eq!(value(sample), expected, "{sample}: {told}");
    }
    for sample in [
        r#"ostler_agent_request_seconds_total{request="upload"}"#,
        r#"ostler_agent_root_free_bytes{root="data"}"#,
        r#"ostler_agent_store_requests_total{verb="create"}"#,
        r#"ostler_agent_store_bytes_total{verb="create"}"#,
    ] {
        assert!(value(sample) > 0.0, "{sample}: {told}");
    }
    assert!(told.contains(r#"ostler_build_info{node="a","#), "{told}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_remembers_what_it_took_part_in_also_when_that_failed_and_after_a_restart() {
    let world = World::new().await;
    let root = world.path("root");
    let (progress, cancel) = nothing();
    let (stored, adopted, foreign) = (upload(&root), BackupId::random(), BackupId::random());
    let node = world.node(1);
    let all = [stored.backup, adopted, foreign];
    assert_eq!(node.recall(&all).await.unwrap().unknown, all);
    node.upload(&stored, &progress, &cancel).await.unwrap();
    node.adopt(&[adopted]).await.unwrap();
    assert_eq!(node.recall(&all).await.unwrap().unknown, [foreign]);

    world.stop.cancel();
    world.serving.await.unwrap().unwrap();
    let (address, vault, stop, serving) = start(world.home.path(), &world.authority).await;
    let world = World {
        address,
        stop,
        serving,
        home: world.home,
        authority: world.authority,
        vault,
    };
    let said = world.node(1).recall(&all).await.unwrap();
    assert_eq!((said.unknown, said.moved), (vec![foreign], false));
    // Nobody who has proven nothing makes it remember anything.
    let stranger = issued(&world.authority, "b.shop.ostler", ostler_wire::Purpose::Agent);
    for own in [None, Some(&stranger)] {
        let refused = world.node_at(world.target(own, &world.authority), 1);
        let refused = refused.adopt(&[foreign]).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Denied, "{refused:?}");
    }
    let coordinator = world.target(Some(&client(&world.authority)), &world.authority);
    let said = world.node_at(coordinator, 0).recall(&[foreign]).await.unwrap();
    assert_eq!(said.unknown, [foreign]);
    world.end().await;
}
