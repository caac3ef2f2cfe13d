//! `ostler serve` by TLS: who believes it, and certificates that are replaced while it runs.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ostler_testkit::binary::{Ostler, said};
use ostler_testkit::servers::free_ports;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::served::{self, Served};

/// An authority that vouches for this machine.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its certificate.
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = parameters.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(parameters, key),
            pem,
        }
    }

    /// Puts a certificate and its key where the server looks for them, each at once.
    fn certify(&self, home: &Ostler) {
        let key = KeyPair::generate().unwrap();
        let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        let certificate = CertificateParams::new(names).unwrap();
        let certificate = certificate.signed_by(&key, &self.issuer).unwrap();
        for (file, text) in [
            ("server.key", key.serialize_pem()),
            ("server.pem", certificate.pem()),
        ] {
            let new = home.home().join("new");
            fs::write(&new, text).unwrap();
            fs::rename(new, home.home().join("settings/ostler").join(file)).unwrap();
        }
    }

    fn file(&self, home: &Ostler, name: &str) -> String {
        let path: PathBuf = home.home().join(name);
        fs::write(&path, &self.pem).unwrap();
        path.display().to_string()
    }
}

fn home() -> Ostler {
    let home = served::home();
    home.configure("version = 1\n[serve]\ncertificate = \"server.pem\"\nkey = \"server.key\"\n");
    home
}

#[test]
fn who_knows_the_authority_believes_the_server_and_a_new_certificate_counts_at_once() {
    let home = home();
    let (first, second) = (Authority::new(), Authority::new());
    first.certify(&home);
    let (ours, other) = (first.file(&home, "first.pem"), second.file(&home, "second.pem"));
    let token = home.ok(["token", "add", "laptop"]).trim().to_owned();
    let server = Served::start(&home, &[]);
    assert!(server.url.starts_with("https://127.0.0.1:"), "{}", server.url);
    let ask = |more: &[&str]| {
        let words = ["--server", server.url.as_str(), "vault", "list"];
        let mut command = home.command(words.iter().chain(more));
        command.env("OSTLER_TOKEN", &token).output().unwrap()
    };
    let believed = ask(&["--server-ca", &ours]);
    assert!(believed.status.success(), "{}", said(&believed));
    for more in [&[][..], &["--server-ca", &other]] {
        let refused = ask(more);
        assert_eq!(refused.status.code(), Some(8), "{}", said(&refused));
        let told = said(&refused).to_lowercase();
        assert!(
            told.contains("certificate") && told.contains("--server-ca"),
            "{told}"
        );
    }
    let plain = server.url.replace("https:", "http:");
    let refused = home
        .command(["--server", &plain, "vault", "list"])
        .env("OSTLER_TOKEN", &token)
        .output()
        .unwrap();
    assert_ne!(refused.status.code(), Some(0), "nothing is said without TLS");

    // What cannot be used changes nothing; another certificate does.
    let file = home.home().join("settings/ostler/server.pem");
    fs::write(&file, "no certificate").unwrap();
    let believed = ask(&["--server-ca", &ours]);
    assert!(believed.status.success(), "{}", said(&believed));
    second.certify(&home);
    let start = Instant::now();
    loop {
        let believed = ask(&["--server-ca", &other]);
        if believed.status.success() {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{}", said(&believed));
    }
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn others_reach_it_by_tls_or_when_somebody_says_so_and_else_not() {
    let home = served::home();
    let [port] = free_ports().unwrap();
    let everywhere = format!("0.0.0.0:{port}");
    let log = home.home().join("serve.log");
    let mut refused = home
        .command(["serve", "--roles", "api", "--listen", &everywhere])
        .stderr(fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while !fs::read_to_string(&log).unwrap().contains("not encrypted") {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "{}",
            fs::read_to_string(&log).unwrap()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    refused.kill().unwrap();
    refused.wait().unwrap();
    let plain = Served::listening(&home, &everywhere, &["--roles", "api", "--plain-http"]);
    assert_eq!(plain.url, format!("http://{everywhere}"));
    plain.kill();
    home.configure("version = 1\n[serve]\ncertificate = \"server.pem\"\nkey = \"server.key\"\n");
    Authority::new().certify(&home);
    let encrypted = Served::listening(
        &home,
        &everywhere,
        &["--roles", "api", "--name", "backups.example"],
    );
    assert_eq!(encrypted.url, format!("https://backups.example:{port}"));
    assert_eq!(encrypted.stop(), Some(0));
    home.configure("version = 1\n[serve]\ncertificate = \"server.pem\"\n");
    let half = home.run(["serve", "--roles", "api"]);
    assert_eq!(half.status.code(), Some(2), "{}", said(&half));
    assert!(said(&half).contains("serve.key"), "{}", said(&half));
}
