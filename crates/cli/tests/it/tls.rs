//! `ostler serve` by TLS: who believes it, and certificates that are replaced while it runs.

use std::fs;
use std::time::{Duration, Instant};

use crate::served::{self, Served};
use ostler_testkit::binary::{Ostler, said};
use ostler_testkit::certificate::Authority;
use ostler_testkit::servers::free_ports;

/// Puts a certificate for this machine and its key where the server looks for them, each at once.
fn certify(authority: &Authority, home: &Ostler) {
    let own = authority.certify(&["127.0.0.1", "localhost"]).unwrap();
    for (file, text) in [("server.key", own.key), ("server.pem", own.certificate)] {
        let new = home.home().join("new");
        fs::write(&new, text).unwrap();
        fs::rename(new, home.home().join("settings/ostler").join(file)).unwrap();
    }
}

fn file(authority: &Authority, home: &Ostler, name: &str) -> String {
    let path = home.home().join(name);
    fs::write(&path, authority.pem()).unwrap();
    path.display().to_string()
}

fn home() -> Ostler {
    let home = served::home();
    home.configure("version = 1\n[serve]\ncertificate = \"server.pem\"\nkey = \"server.key\"\n");
    home
}

#[test]
fn who_knows_the_authority_believes_the_server_and_a_new_certificate_counts_at_once() {
    let home = home();
    let (first, second) = (Authority::new().unwrap(), Authority::new().unwrap());
    certify(&first, &home);
    let (ours, other) = (
        file(&first, &home, "first.pem"),
        file(&second, &home, "second.pem"),
    );
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
    certify(&second, &home);
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
    assert_eq!(
        plain.url,
        format!("http://127.0.0.1:{port}"),
        "one that can be opened"
    );
    plain.kill();
    home.configure("version = 1\n[serve]\ncertificate = \"server.pem\"\nkey = \"server.key\"\n");
    certify(&Authority::new().unwrap(), &home);
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
