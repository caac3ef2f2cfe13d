//! What a server has to prove.

use std::fs;
use std::path::Path;

use ostler_testkit::install::or_skip;
use ostler_testkit::install::postgres::Release;
use ostler_testkit::install::servant::give_to_servant;
use ostler_testkit::servers::Postgres;
use ostler_vocabulary::{Classified, ErrorKind};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::open;

/// An authority, and a server's certificate for `localhost`.
fn certificates(place: &Path) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).unwrap();
    fs::write(place.join("root.crt"), authority.pem()).unwrap();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(vec!["localhost".to_owned()])
        .unwrap()
        .signed_by(&key, &issuer)
        .unwrap();
    fs::write(place.join("server.crt"), server.pem()).unwrap();
    fs::write(place.join("server.key"), key.serialize_pem()).unwrap();
    fs::write(place.join("other.crt"), other()).unwrap();
}

fn other() -> String {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
}

#[tokio::test]
async fn each_mode_asks_for_what_it_says() {
    let place = tempfile::Builder::new()
        .prefix("ostler-tls-")
        .tempdir_in("/tmp")
        .unwrap();
    certificates(place.path());
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(place.path().join("server.key"), mode).unwrap();
    give_to_servant(place.path()).unwrap();
    let at = |name: &str| place.path().join(name).display().to_string();
    let started = Postgres::start(
        Release::Eighteen,
        &[
            ("ssl", "on"),
            ("ssl_cert_file", &at("server.crt")),
            ("ssl_key_file", &at("server.key")),
        ],
    );
    let Some(server) = or_skip("postgres-18", started) else {
        return;
    };
    let text = |host: &str, rest: &str| {
        format!(
            "host={host} hostaddr=127.0.0.1 port={} user=postgres {rest}",
            server.port()
        )
    };
    let (root, other) = (at("root.crt"), at("other.crt"));
    for (host, rest, encrypted) in [
        ("localhost", "sslmode=disable".to_owned(), false),
        ("localhost", String::new(), true),
        ("elsewhere", "sslmode=require".to_owned(), true),
        ("elsewhere", format!("sslmode=verify-ca sslrootcert={root}"), true),
        (
            "localhost",
            format!("sslmode=verify-full sslrootcert={root}"),
            true,
        ),
    ] {
        let connection = open(&text(host, &rest)).await.unwrap();
        let row = connection
            .one("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", &[])
            .await
            .unwrap();
        assert_eq!(row.get::<_, bool>(0), encrypted, "{host} {rest}");
    }
    for (host, rest) in [
        ("elsewhere", format!("sslmode=verify-full sslrootcert={root}")),
        ("localhost", format!("sslmode=verify-full sslrootcert={other}")),
        ("localhost", format!("sslmode=verify-ca sslrootcert={other}")),
        ("localhost", format!("sslmode=require sslrootcert={other}")),
    ] {
        let error = open(&text(host, &rest)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{host} {rest}: {error:?}");
        assert!(error.hint().unwrap().contains("sslrootcert"), "{error:?}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_refused_when_it_is_required() {
    let Some(server) = ostler_testkit::servers::shared_postgres(Release::Fifteen) else {
        return;
    };
    let error = open(&format!("{}?sslmode=require", server.url("postgres")))
        .await
        .unwrap_err();
    assert!(format!("{error:?}").to_lowercase().contains("tls"), "{error:?}");
}
