//! Coordinators and agents of several versions, over real TLS.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::civil::date;
use ostler_api::Node;
use ostler_api::node::{Epoch, Frozen, Hold, Selection};
use ostler_vocabulary::{ErrorKind, Failure, Progress, Unit, VaultId};
use ostler_wire::{
    Ask, Authority, Caller, Fence, Host, Purpose, RemoteNode, Service, Tally, Target, Versions, acceptor,
    connector, serve,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Says that a request was let in, and which.
#[derive(Debug)]
struct Echo;

#[async_trait]
impl Host for Echo {
    async fn node(&self, _: &Caller, ask: &Ask) -> Result<Arc<dyn Node>, Failure> {
        Err(Failure::new(
            ErrorKind::NotFound,
            format!("let in: {}", ask.name()),
        ))
    }
}

/// What an agent that speaks these versions makes of a request.
async fn asked(oldest: u32, newest: u32, selection: &Selection) -> Failure {
    let home = tempfile::tempdir().unwrap();
    let today = date(2026, 11, 21);
    let authority = Authority::new("shop").unwrap();
    let certificate = authority.certificate(today).unwrap();
    let own = authority.issue("a.shop.ostler", Purpose::Agent, today).unwrap();
    let client = authority
        .issue("c.shop.ostler", Purpose::Coordinator, today)
        .unwrap();
    let service = Arc::new(Service {
        host: Arc::new(Echo),
        fence: Arc::new(Fence::open(&home.path().join("fence.json")).unwrap()),
        token: None,
        tally: Tally::default(),
        versions: Versions {
            program: "9.9.9".into(),
            oldest,
            newest,
        },
        beat: Duration::from_secs(1),
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Target {
        node: "a".into(),
        address: listener.local_addr().unwrap().to_string(),
        certificate_name: Some("a.shop.ostler".into()),
        tls: connector(Some(&client), &certificate).unwrap(),
        token: None,
        patience: Duration::from_secs(30),
    };
    let tls = acceptor(&own, Some(&certificate)).unwrap();
    let stop = CancellationToken::new();
    let serving = tokio::spawn(serve(listener, tls, service, stop.clone()));
    let node = RemoteNode::new(target, "shop", VaultId::from_bytes([9; 16]), Epoch::default());
    let (progress, cancel) = (Progress::new(Unit::Files), CancellationToken::new());
    let answer = node.survey(selection, &progress, &cancel).await;
    stop.cancel();
    serving.await.unwrap();
    answer.unwrap_err()
}

#[tokio::test]
async fn what_a_version_has_is_asked_for_and_what_it_has_not_is_not() {
    let plain = Selection {
        paths: vec!["/srv/data".into()],
        ..Selection::default()
    };
    let frozen = Selection {
        frozen: Some(Frozen {
            depth: 2,
            within: "snapshots/ostler".into(),
            immutable: true,
            increments: None,
        }),
        ..plain.clone()
    };
    let held = Selection {
        hold: Some(Hold {
            reflink: true,
            ..Hold::default()
        }),
        ..frozen.clone()
    };
    for (oldest, newest, selection) in [
        (1, 1, &plain),
        (1, 2, &plain),
        (2, 2, &plain),
        (2, 3, &plain),
        (1, 2, &frozen),
        (2, 7, &frozen),
        // Files that an older agent cannot hold still are read as they are.
        (2, 3, &held),
        (3, 4, &held),
    ] {
        let said = asked(oldest, newest, selection).await;
        let said = said.messages().join(": ");
        assert!(said.contains("let in: survey"), "{oldest} to {newest}: {said}");
    }
    let old = asked(1, 1, &frozen).await;
    assert_eq!(old.kind(), ErrorKind::Unsupported);
    assert!(
        old.to_string().contains("takes version 2 of the protocol"),
        "{old}"
    );
    assert!(old.hint().unwrap().contains("upgrade Ostler on that node"));
    let newer = asked(98, 99, &plain).await;
    assert_eq!(newer.hint(), Some("upgrade Ostler here"));
}
