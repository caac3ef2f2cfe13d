//! An agent over real TLS, asked by the way a coordinator has to it: what it does, whom it answers, what it refuses.

mod believed;
mod measured;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::date;
use ostler_api::Node;
use ostler_api::node::{Compare, Download, Epoch, Selection, Upload};
use ostler_api::request::Overwrite;
use ostler_server::Runtime;
use ostler_server::agent;
use ostler_server::settings::environment::Environment;
use ostler_server::settings::{Flags, Settings};
use ostler_vocabulary::{BackupId, ErrorKind, Failure, Progress, SystemClock, Unit, VaultId};
use ostler_wire::{Authority, Identity, Purpose, RemoteNode, Target, connector};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const TOKEN: &str = "correct horse battery staple";

/// An agent of node `a`, with the root `data` at `home/root`.
struct World {
    home: TempDir,
    authority: Authority,
    address: String,
    vault: VaultId,
    stop: CancellationToken,
    serving: JoinHandle<Result<(), Failure>>,
}

impl World {
    async fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir_all(home.path().join("root")).unwrap();
        let authority = Authority::new("shop").unwrap();
        let (address, vault, stop, serving) = start(home.path(), &authority).await;
        Self {
            home,
            authority,
            address,
            vault,
            stop,
            serving,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().canonicalize().unwrap().join(name)
    }

    fn target(&self, own: Option<&Identity>, authority: &Authority) -> Target {
        let authority = authority.certificate(date(2026, 11, 21)).unwrap();
        Target {
            node: "a".to_owned(),
            address: self.address.clone(),
            certificate_name: Some("a.shop.ostler".to_owned()),
            tls: connector(own, &authority).unwrap(),
            token: None,
            patience: Duration::from_secs(20),
        }
    }

    fn coordinator(&self) -> Target {
        self.target(Some(&client(&self.authority)), &self.authority)
    }

    fn node(&self, epoch: u64) -> RemoteNode {
        self.node_at(self.coordinator(), epoch)
    }

    fn node_at(&self, target: Target, epoch: u64) -> RemoteNode {
        let epochs = Epoch::default();
        epochs.set(epoch);
        RemoteNode::new(target, "shop", self.vault, epochs)
    }

    async fn end(self) {
        self.stop.cancel();
        self.serving.await.unwrap().unwrap();
    }
}

fn issued(authority: &Authority, name: &str, purpose: Purpose) -> Identity {
    authority.issue(name, purpose, date(2026, 11, 21)).unwrap()
}

fn client(authority: &Authority) -> Identity {
    issued(authority, "coordinator.shop.ostler", Purpose::Coordinator)
}

async fn start(
    home: &Path,
    authority: &Authority,
) -> (
    String,
    VaultId,
    CancellationToken,
    JoinHandle<Result<(), Failure>>,
) {
    let own = issued(authority, "a.shop.ostler", Purpose::Agent);
    for (name, text) in [
        (
            "authority.pem",
            authority.certificate(date(2026, 11, 21)).unwrap(),
        ),
        ("agent.pem", own.certificate.clone()),
        ("agent.key", own.key.reveal().to_owned()),
        ("token", TOKEN.to_owned()),
    ] {
        fs::write(home.join(name), text).unwrap();
    }
    let config = home.join("agent.toml");
    let text = format!(
        "version = 1\n[agent]\nnode = 'a'\nlisten = '127.0.0.1:0'\ncertificate = 'agent.pem'\nkey = {{ file = \
         'agent.key' }}\nauthority = 'authority.pem'\ntoken = {{ file = 'token' }}\ncommands = {{ true = 'true', say = \
         'echo secret' }}\n[agent.roots]\ndata = '{}/root'\n",
        home.display()
    );
    fs::write(&config, text).unwrap();
    let flags = Flags {
        config: Some(config),
        state_directory: Some(home.join("state")),
        ..Flags::default()
    };
    let environment = Environment::of([("HOME".to_owned(), home.display().to_string())]);
    let settings = Settings::resolve(&flags, environment).unwrap();
    let runtime = Runtime::open(settings, Arc::new(SystemClock::default())).unwrap();
    let vault = match home.join("state/vault/vault.json").exists() {
        true => ostler_api::Client::vault(&runtime, None).await.unwrap(),
        false => runtime.init_vault(Default::default()).await.unwrap(),
    };
    let stop = CancellationToken::new();
    let (sender, receiver) = oneshot::channel();
    let (until, ready) = (stop.clone(), move |running: &agent::Running| {
        sender.send(running.address).unwrap();
    });
    let serving = tokio::spawn(async move { agent::run(runtime, ready, until).await });
    let address = receiver.await.unwrap().to_string();
    (address, vault.id, stop, serving)
}

fn nothing() -> (Progress, CancellationToken) {
    (Progress::new(Unit::Bytes), CancellationToken::new())
}

fn selection(path: &Path) -> Selection {
    Selection {
        paths: vec![path.to_owned()],
        exclude: Vec::new(),
        left_out: Vec::new(),
        one_file_system: false,
        frozen: None,
        hold: None,
    }
}

fn upload(path: &Path) -> Upload {
    Upload {
        backup: BackupId::random(),
        selection: selection(path),
        parent: None,
        read_all: false,
    }
}

fn download(list: &str, from: &Path, to: Option<&Path>) -> Download {
    Download {
        backup: BackupId::random(),
        list: list.to_owned(),
        roots: vec![from.to_owned()],
        to: to.map(Path::to_owned),
        include: Vec::new(),
        overwrite: Overwrite::Never,
        delete_extra: false,
        approved_deletes: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_keeps_the_contract_of_a_node() {
    let world = World::new().await;
    let node = world.node(1);
    let (above, foreign) = (world.path("root/scratch"), world.path("root/foreign"));
    fs::create_dir_all(&foreign).unwrap();
    fs::write(foreign.join("thesis"), "").unwrap();
    let found = ostler_api::conformance::check(&node, &above, &foreign).await;
    assert!(found.is_empty(), "{found:#?}");

    let info = node.info().await.unwrap();
    assert_eq!(info.node.as_deref(), Some("a"));
    assert_eq!(info.roots[0].path, world.path("root"));
    assert!(info.roots[0].free > 0);

    // What goes through the wire comes back the same, and how far it is is told.
    let data = world.path("root/data");
    fs::create_dir_all(&data).unwrap();
    fs::write(data.join("one"), vec![7; 3 << 20]).unwrap();
    let (progress, cancel) = nothing();
    let counted = node.survey(&selection(&data), &progress, &cancel).await.unwrap();
    assert_eq!(counted.bytes, 3 << 20);
    let (progress, _) = nothing();
    let sent = node.upload(&upload(&data), &progress, &cancel).await.unwrap();
    assert_eq!(sent.counts.bytes, 3 << 20);
    let again = node.upload(&upload(&data), &progress, &cancel).await.unwrap();
    assert_eq!(again.counts.new_bytes, 0);
    let to = world.path("root/restored");
    let request = download(&sent.list, &data, Some(&to));
    let work = node.preview(&request, &progress, &cancel).await.unwrap();
    assert_eq!(work.bytes, 3 << 20);
    let done = node.download(&request, &progress, &cancel).await.unwrap();
    assert_eq!(done.files_written, 1);
    let done = node.download(&request, &progress, &cancel).await.unwrap();
    assert_eq!((done.files_written, done.files_kept), (0, 1));
    let request = Compare {
        list: sent.list,
        roots: vec![data],
        restored: to,
    };
    let compared = node.compare(&request, &progress, &cancel).await.unwrap();
    assert_eq!((compared.files, compared.problems.len()), (1, 0));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_touches_its_roots_and_nothing_else() {
    let world = World::new().await;
    let node = world.node(1);
    let (progress, cancel) = nothing();
    let (root, secret) = (world.path("root"), world.path("secret"));
    fs::create_dir_all(&secret).unwrap();
    fs::write(secret.join("key"), "k").unwrap();
    symlink(&secret, root.join("out")).unwrap();
    symlink(world.path("nowhere"), root.join("dangling")).unwrap();
    fs::write(root.join("file"), "f").unwrap();
    let sent = node.upload(&upload(&root), &progress, &cancel).await.unwrap();

    let outside = [
        secret.clone(),
        root.join("../secret"),
        root.join("out"),
        root.join("out/deeper"),
        root.join("dangling"),
        PathBuf::from("/"),
        PathBuf::from("/etc"),
        PathBuf::from("root"),
        world.path("state/vault"),
    ];
    for path in &outside {
        let denied = |what: &str, answer: Result<(), Failure>| {
            let kind = answer.map_err(|failure| failure.kind());
            assert_eq!(kind, Err(ErrorKind::Denied), "{what} {}", path.display());
        };
        let paths = selection(path);
        denied("survey", node.survey(&paths, &progress, &cancel).await.map(drop));
        denied(
            "upload",
            node.upload(&upload(path), &progress, &cancel).await.map(drop),
        );
        let to = download(&sent.list, &root, Some(path));
        denied("preview", node.preview(&to, &progress, &cancel).await.map(drop));
        denied("download", node.download(&to, &progress, &cancel).await.map(drop));
        let original = download(&sent.list, path, None);
        denied(
            "download",
            node.download(&original, &progress, &cancel).await.map(drop),
        );
        let removing = Download {
            delete_extra: true,
            approved_deletes: Some(vec![path.clone()]),
            ..download(&sent.list, &root, Some(&root))
        };
        denied(
            "delete",
            node.download(&removing, &progress, &cancel).await.map(drop),
        );
        let request = Compare {
            list: sent.list.clone(),
            roots: vec![root.clone()],
            restored: path.clone(),
        };
        denied(
            "compare",
            node.compare(&request, &progress, &cancel).await.map(drop),
        );
        denied("make scratch", node.make_scratch(path.clone()).await);
        denied("remove scratch", node.remove_scratch(path.clone()).await);
        let command = node.run_command("true", Some(path.clone()), &cancel).await;
        denied("run", command.map(drop));
    }
    assert_eq!(fs::read_to_string(secret.join("key")).unwrap(), "k");
    assert!(!world.path("nowhere").exists());

    // A link in a backup is restored as a link; nothing is written through it.
    let to = root.join("restored");
    let request = download(&sent.list, &root, Some(&to));
    node.download(&request, &progress, &cancel).await.unwrap();
    assert_eq!(fs::read_link(to.join("out")).unwrap(), secret);

    // Commands are those of its configuration, by name; what they are made of is not told.
    let ran = node.run_command("say", None, &cancel).await.unwrap();
    assert_eq!((ran.command.as_str(), ran.exit_code), ("say", Some(0)));
    let refused = node.run_command("echo secret", None, &cancel).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Denied);
    world.end().await;
}
