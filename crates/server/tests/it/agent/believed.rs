//! Whom an agent answers: those whom it believes, and of them the newest coordinator.

use std::fs;

use ostler_api::Node;
use ostler_api::node::Epoch;
use ostler_vocabulary::{ErrorKind, Failure, Secret, VaultId};
use ostler_wire::{Authority, Purpose, RemoteNode, Target};

use super::{TOKEN, World, client, issued, nothing, start, upload};

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_answers_whom_it_believes() {
    let world = World::new().await;
    let other = Authority::new("shop").unwrap();
    let kind = |answer: Result<_, Failure>| {
        answer
            .map(|info: ostler_api::node::NodeInfo| info.node)
            .map_err(|f| f.kind())
    };

    // Nobody, or a certificate of somebody else, or a node's instead of a coordinator's.
    let nobody = world.target(None, &world.authority);
    assert_eq!(
        kind(world.node_at(nobody.clone(), 1).info().await),
        Err(ErrorKind::Denied)
    );
    assert!(
        world.node_at(nobody.clone(), 1).versions().await.is_err(),
        "not even about versions"
    );
    let stranger = world.target(Some(&client(&other)), &world.authority);
    assert_eq!(
        kind(world.node_at(stranger, 1).info().await),
        Err(ErrorKind::Denied)
    );
    let node = issued(&world.authority, "b.shop.ostler", Purpose::Agent);
    let node = world.target(Some(&node), &world.authority);
    assert_eq!(kind(world.node_at(node, 1).info().await), Err(ErrorKind::Denied));

    // A coordinator does not believe an agent of another authority, nor one that is another node.
    let deceived = world.target(Some(&client(&world.authority)), &other);
    assert_eq!(
        kind(world.node_at(deceived, 1).info().await),
        Err(ErrorKind::Denied)
    );
    let elsewhere = Target {
        certificate_name: Some("b.shop.ostler".to_owned()),
        ..world.coordinator()
    };
    assert_eq!(
        kind(world.node_at(elsewhere, 1).info().await),
        Err(ErrorKind::Denied)
    );

    // The token, and none like it.
    for (token, answer) in [
        (TOKEN, Ok(Some("a".to_owned()))),
        ("correct horse battery stapl", Err(ErrorKind::Denied)),
        ("", Err(ErrorKind::Denied)),
    ] {
        let target = Target {
            token: Some(Secret::new(token)),
            ..nobody.clone()
        };
        assert_eq!(kind(world.node_at(target, 1).info().await), answer, "{token}");
    }

    // Nobody is there.
    let gone = Target {
        address: "127.0.0.1:1".to_owned(),
        ..world.coordinator()
    };
    assert_eq!(
        kind(world.node_at(gone, 1).info().await),
        Err(ErrorKind::Unavailable)
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_former_coordinator_is_refused_and_so_is_another_vault() {
    let world = World::new().await;
    let (progress, cancel) = nothing();
    let root = world.path("root");
    fs::write(root.join("file"), "f").unwrap();
    world
        .node(5)
        .upload(&upload(&root), &progress, &cancel)
        .await
        .unwrap();
    for (epoch, kind) in [(4, ErrorKind::Conflict), (0, ErrorKind::Invalid)] {
        let refused = world.node(epoch).upload(&upload(&root), &progress, &cancel).await;
        assert_eq!(refused.unwrap_err().kind(), kind, "epoch {epoch}");
        world.node(epoch).info().await.unwrap();
    }

    let epochs = Epoch::default();
    epochs.set(9);
    let other = RemoteNode::new(world.coordinator(), "shop", VaultId::random(), epochs);
    let refused = other
        .upload(&upload(&root), &progress, &cancel)
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict, "{refused:?}");

    // Also after a restart.
    world.stop.cancel();
    world.serving.await.unwrap().unwrap();
    let (address, vault, stop, serving) = start(world.home.path(), &world.authority).await;
    assert_eq!(vault, world.vault);
    let world = World {
        address,
        stop,
        serving,
        home: world.home,
        authority: world.authority,
        vault,
    };
    let refused = world.node(4).upload(&upload(&root), &progress, &cancel).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Conflict);
    world
        .node(6)
        .upload(&upload(&root), &progress, &cancel)
        .await
        .unwrap();
    world.end().await;
}
