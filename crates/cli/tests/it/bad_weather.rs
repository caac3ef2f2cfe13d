//! The real binary against a real S3 service behind a proxy that does harm: each harm is made good by asking again, or
//! told by the exit code; nothing is corrupted, nothing hangs. The oracle is the comparison of what is restored.

use std::fs;
use std::process::Output;
use std::time::{Duration, Instant};

use ostler_testkit::binary::{Ostler, said};
use ostler_testkit::proxy::{Harm, HttpProxy};
use ostler_testkit::random::Random;
use ostler_testkit::servers::{SeaweedFs, seaweedfs};
use ostler_testkit::tree;
use tempfile::TempDir;

/// No command takes longer, however bad the weather. Far more than any needs on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);
/// So many requests have to suffer before it is said that nothing went wrong by it; chance decides which do.
const ENOUGH: u64 = 3;
/// And so many rounds are long enough for that, whatever chance does.
const ROUNDS: u64 = 12;
/// The exit code of a service that does not answer in time.
const UNAVAILABLE: i32 = 8;

struct Scene {
    ostler: Ostler,
    proxy: HttpProxy,
    source: TempDir,
}

impl Scene {
    fn new(server: &SeaweedFs, harm: Harm) -> Self {
        let (ostler, proxy) = (
            Ostler::new(env!("CARGO_BIN_EXE_ostler")),
            HttpProxy::start(server.port()).unwrap(),
        );
        ostler.configure(&format!(
            "version = 1\n[defaults]\nvault = \"far\"\nlease_wait = \"5s\"\n[vault.far]\nlocation = \"{}/{harm:?}\"\n\
             timeout = \"1500ms\"\n[vault.far.retry]\nattempts = 6\nfirst_wait = \"20ms\"\nlongest_wait = \"100ms\"\n\
             [vault.far.s3]\nendpoint = \"{}\"\nregion = \"us-east-1\"\n",
            server.bucket_url(),
            proxy.endpoint(),
        ));
        let source = TempDir::with_prefix("ostler-source-").unwrap();
        let scene = Self {
            ostler,
            proxy,
            source,
        };
        scene.write("large", 600_000, 1);
        for number in 0..12 {
            scene.write(&format!("file{number}"), 3_000, number + 10);
        }
        scene
    }

    fn write(&self, name: &str, length: usize, seed: u64) {
        fs::write(self.source.path().join(name), Random::new(seed).bytes(length)).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.ostler.command(arguments);
        command
            .env("AWS_ACCESS_KEY_ID", SeaweedFs::ACCESS_KEY_ID)
            .env("AWS_SECRET_ACCESS_KEY", SeaweedFs::SECRET_ACCESS_KEY);
        let begun = Instant::now();
        let output = command.output().unwrap();
        assert!(
            begun.elapsed() < PATIENCE,
            "{arguments:?} took {:?}",
            begun.elapsed()
        );
        output
    }

    /// Runs a command in calm weather, again while the service is too slow: requests may take little here, and the machine
    /// has other work.
    fn calm(&self, arguments: &[&str]) -> Output {
        let begun = Instant::now();
        loop {
            let output = self.run(arguments);
            if output.status.code() != Some(UNAVAILABLE) || begun.elapsed() > PATIENCE {
                return output;
            }
        }
    }

    fn ok(&self, arguments: &[&str]) -> Output {
        let output = self.calm(arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}\n{}",
            output.status,
            said(&output)
        );
        output
    }

    fn text(&self) -> &str {
        self.source.path().to_str().unwrap()
    }
}

/// The exit codes that tell the truth about this harm: all is well, or what could not be done.
fn honest(harm: Harm) -> &'static [i32] {
    match harm {
        Harm::Expire => &[0, 8, 9],
        // Two reads of the same bytes were spoilt: that cannot be told from damage, and what was proven damaged is not
        // restored without being asked for.
        Harm::FlipBit => &[0, 4, 6, 8],
        // What was stored is not found: it is stored again, and if that is not found either, nothing is committed.
        Harm::ListLate => &[0, 3, 5, 6, 7, 8],
        _ => &[0, 8],
    }
}

fn suffers(server: &SeaweedFs, harm: Harm) {
    let scene = Scene::new(server, harm);
    scene.ok(&["vault", "init", "--name", "far"]);
    scene.ok(&["backup", "create", scene.text(), "--name", "b0"]);
    scene.ok(&["backup", "hold", "b0"]);
    let mut expected = vec![("b0".to_owned(), tree::read(scene.source.path()))];
    let odds = match harm {
        Harm::Hang => 25,
        Harm::Expire => 60,
        Harm::ListLate | Harm::Reorder | Harm::FlipBit => 3,
        _ => 7,
    };
    let target = scene.ostler.home().join("restored");
    let (mut harmed, mut rounds) = (0, 0);
    while rounds < 2 || harmed < ENOUGH {
        assert!(rounds < ROUNDS, "{harm:?}: only {harmed} requests were harmed");
        let seed = rounds + 1;
        rounds = seed;
        let name = &format!("b{seed}");
        scene.write("large", 700_000, seed * 100);
        scene.write(&format!("new{seed}"), 9_000, seed * 100 + 1);
        scene.proxy.harm(harm, odds, seed);
        let target = target.join(name);
        for arguments in [
            vec!["backup", "create", scene.text(), "--name", name],
            vec!["backup", "verify", "b0", "--read-data"],
            vec!["restore", "b0", "--to", target.to_str().unwrap()],
            vec!["backup", "prune", "--keep-last", "2", "--yes"],
        ] {
            // Who frees space has to be told of what was just made: the store's contract, which `vault init` tries.
            if harm == Harm::ListLate && arguments.contains(&"prune") {
                continue;
            }
            let output = scene.run(&arguments);
            let code = output.status.code();
            assert!(
                code.is_some_and(|code| honest(harm).contains(&code)),
                "{harm:?} {arguments:?}: {code:?}\n{}",
                said(&output)
            );
            let done = output.status.success();
            match arguments[..2] {
                ["backup", "create"] if done => {
                    expected.push((name.clone(), tree::read(scene.source.path())));
                }
                ["restore", _] if done => {
                    let difference = tree::difference(&expected[0].1, &tree::read(&target));
                    assert_eq!(difference, "", "{harm:?}");
                }
                _ => {}
            }
        }
        scene.proxy.calm();
        harmed = scene.proxy.harmed();
        // What was left in the middle does not keep the next ones from their work.
        scene.ok(&["backup", "create", scene.text(), "--name", "calm"]);
    }
    for name in (0..=rounds).map(|round| format!("b{round}")) {
        let name = name.as_str();
        let restored = target.join("calm").join(name);
        let arguments = [
            "restore",
            name,
            "--to",
            restored.to_str().unwrap(),
            "--allow-incomplete",
        ];
        let output = scene.calm(&arguments);
        match expected.iter().find(|(made, _)| *made == name) {
            // A prune may have removed the oldest.
            _ if output.status.code() == Some(7) => {}
            Some((_, expected)) => {
                assert!(output.status.success(), "{harm:?} {name}: {}", said(&output));
                let difference = tree::difference(expected, &tree::read(&restored));
                assert_eq!(difference, "", "{harm:?} {name}");
            }
            None => {}
        }
    }
    scene.ok(&["vault", "check", "--read-data"]);
}

#[test]
fn whatever_a_proxy_does_is_made_good_or_told_and_nothing_hangs_or_is_corrupted() {
    let Some(server) = seaweedfs() else { return };
    std::thread::scope(|scope| {
        // Several at a time: most of it is waiting.
        for few in Harm::ALL.chunks(2) {
            let server = &server;
            scope.spawn(move || few.iter().for_each(|harm| suffers(server, *harm)));
        }
    });
}
