//! A node that only agrees on keys, and everything that can be wrong with it.
#![allow(clippy::unwrap_used, reason = "a test's way to fail")]

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::{Date, date};
use ostler_vocabulary::{Classified, ErrorKind};
use ostler_wire::{Authority, Identity, Purpose};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion, version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::super::cql::{Cql, Native};
use super::super::settings::Settings;
use crate::{Error, Tls, Wanted};

static BOTH: [&SupportedProtocolVersion; 2] = [&version::TLS12, &version::TLS13];

/// READY, in version 4.
const READY: [u8; 9] = [0x84, 0, 0, 0, 0x02, 0, 0, 0, 0];
/// A result without rows.
const VOID: [u8; 13] = [0x84, 0, 0, 0, 0x08, 0, 0, 0, 4, 0, 0, 0, 1];

fn today() -> Date {
    jiff::Zoned::now().date()
}

struct Ring {
    authority: Authority,
    versions: &'static [&'static SupportedProtocolVersion],
}

impl Ring {
    fn new() -> Self {
        Self {
            authority: Authority::new("ring").unwrap(),
            versions: &BOTH,
        }
    }

    fn pem(&self) -> String {
        self.authority.certificate(today()).unwrap()
    }

    /// What a node shows that was certified under this name on that day.
    fn certified(&self, name: &str, on: Date) -> Identity {
        self.authority.issue(name, Purpose::Agent, on).unwrap()
    }

    /// Where a node answers that shows this, and with an authority lets in only whom that has certified.
    async fn node(&self, own: &Identity, clients: Option<&str>) -> String {
        let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(self.versions)
            .unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots
                    .add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap())
                    .unwrap();
                let provider = Arc::new(rustls::crypto::ring::default_provider());
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let chain = CertificateDer::from_pem_slice(own.certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(own.key.reveal().as_bytes()).unwrap();
        let config = builder.with_single_cert(vec![chain], key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        listening(move |stream| {
            let acceptor = acceptor.clone();
            async move {
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    let mut request = [0; 1024];
                    for answer in [&READY[..], &VOID] {
                        if stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                            let _ = stream.write_all(answer).await;
                        }
                    }
                }
            }
        })
        .await
    }
}

/// Serves every connection to a port of its own, until the test ends.
async fn listening<F>(serve: impl Fn(tokio::net::TcpStream) -> F + Send + 'static) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

/// Asks something of the node at an address that is `a` of its cluster.
async fn ask(address: &str, tls: Option<Tls>) -> Result<(), Error> {
    let settings = Settings::of(Wanted {
        cluster: "shop".to_owned(),
        nodes: BTreeMap::from([("a".to_owned(), address.to_owned())]),
        tls,
        ..Wanted::default()
    })?;
    let native = Native {
        user: None,
        tls: settings.tls.clone(),
    };
    native
        .ask(settings.address("a"), "SELECT nothing")
        .await
        .map(|_| ())
}

fn believing(authority: &str) -> Tls {
    Tls {
        authority: Some(authority.to_owned()),
        ..Tls::default()
    }
}

/// What was said, after a look that it names where, and what to do.
async fn refused(address: &str, tls: Option<Tls>, part: &str, cure: &str) {
    let error = ask(address, tls).await.unwrap_err();
    let (told, hint) = (error.to_string(), error.hint().unwrap_or_default());
    assert_eq!(error.kind(), ErrorKind::Denied, "{told}");
    assert!(told.contains(address) && told.contains(part), "{told}");
    assert!(hint.contains(cure), "{told}: {hint}");
    assert!(!format!("{error:?}").contains("PRIVATE KEY"));
}

#[tokio::test]
async fn a_node_that_proves_who_it_is_is_believed() {
    let ring = Ring::new();
    let address = ring.node(&ring.certified("127.0.0.1", today()), None).await;
    ask(&address, Some(believing(&ring.pem()))).await.unwrap();
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_told_with_its_cure() {
    let (ring, other) = (Ring::new(), Ring::new());
    let ours = || Some(believing(&ring.pem()));

    let address = other.node(&other.certified("127.0.0.1", today()), None).await;
    refused(&address, ours(), "believed (those in `authority`)", "`authority`").await;
    let by_system = ask(&address, Some(Tls::default())).await.unwrap_err().to_string();
    // Where a machine has no authorities that is said at once.
    assert!(by_system.contains("the system's"), "{by_system}");

    let address = ring.node(&ring.certified("a.example.net", today()), None).await;
    refused(
        &address,
        ours(),
        "not for `127.0.0.1`",
        "`database_certificate_name`",
    )
    .await;
    let mut named = believing(&ring.pem());
    named.names.insert("a".to_owned(), "a.example.net".to_owned());
    ask(&address, Some(named)).await.unwrap();

    let old = ring.certified("127.0.0.1", date(2001, 1, 1));
    refused(&ring.node(&old, None).await, ours(), "has expired", "renew it").await;
    let early = ring.certified("127.0.0.1", today().saturating_add(jiff::Span::new().days(9)));
    refused(&ring.node(&early, None).await, ours(), "not valid yet", "clock").await;
}

#[tokio::test]
async fn a_node_that_wants_to_know_who_asks_is_shown_a_certificate() {
    let other = Authority::new("other").unwrap();
    for versions in BOTH.chunks(1) {
        let ring = Ring {
            versions,
            ..Ring::new()
        };
        let own = ring.certified("127.0.0.1", today());
        let address = ring.node(&own, Some(&ring.pem())).await;
        let shown = |authority: &Authority| Tls {
            own: Some(authority.issue("ostler", Purpose::Coordinator, today()).unwrap()),
            ..believing(&ring.pem())
        };
        ask(&address, Some(shown(&ring.authority))).await.unwrap();
        refused(
            &address,
            Some(believing(&ring.pem())),
            "none is configured",
            "`certificate` and `key`",
        )
        .await;
        refused(
            &address,
            Some(shown(&other)),
            "may not believe our certificate",
            "truststore",
        )
        .await;
    }
}

#[tokio::test]
async fn who_speaks_tls_and_who_does_not_is_told() {
    let ring = Ring::new();
    let address = ring.node(&ring.certified("127.0.0.1", today()), None).await;
    refused(&address, None, "speaks TLS only", "`tls = true`").await;

    let plain = listening(|mut stream| async move {
        let mut request = [0; 1024];
        for answer in [&READY[..], &VOID] {
            if stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                let _ = stream.write_all(answer).await;
            }
        }
    })
    .await;
    ask(&plain, None).await.unwrap();
    refused(
        &plain,
        Some(believing(&ring.pem())),
        "does not speak TLS",
        "leave out `tls`",
    )
    .await;

    let mute = listening(|stream| async move { drop(stream) }).await;
    let error = ask(&mute, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

#[test]
fn a_certificate_or_key_that_is_none_is_refused_without_showing_it() {
    let wanted = Wanted {
        cluster: "shop".to_owned(),
        tls: Some(Tls {
            own: Some(Identity {
                certificate: String::new(),
                key: ostler_vocabulary::Secret::new("hunter2"),
            }),
            ..believing(&Ring::new().pem())
        }),
        ..Wanted::default()
    };
    let error = Settings::of(wanted).unwrap_err();
    let told = error.to_string();
    assert!(
        told.contains("`shop`") && told.contains("the private key"),
        "{told}"
    );
    assert!(!format!("{error:?}").contains("hunter2"));
}
