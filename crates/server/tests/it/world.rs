//! A machine in a temporary directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ostler_api::Client;
use ostler_api::client::Event;
use ostler_api::document::{BackupSummary, OperationDetail, OperationState, Outcome};
use ostler_api::request::{CreateBackup, Drill, Filter, Plan, Prune, Request, Restore, Selector, Verify};
use ostler_server::Runtime;
use ostler_server::settings::environment::Environment;
use ostler_server::settings::{Flags, Settings};
use ostler_vocabulary::{Failure, SystemClock};

pub struct World {
    pub home: tempfile::TempDir,
    pub runtime: Runtime,
}

impl World {
    pub fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let runtime = runtime(home.path(), &[]);
        Self { home, runtime }
    }

    /// A path below the home directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Writes a file below the home directory, with the directories above it.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// A source with a few files.
    pub fn data(&self) -> PathBuf {
        self.write("data/a.txt", "first");
        self.write("data/sub/b.txt", "second");
        let mut state = 1_u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let noise: Vec<u8> = (0..3_000_000).map(|_| noise()).collect();
        self.write("data/big.bin", noise);
        std::os::unix::fs::symlink("a.txt", self.path("data/link")).unwrap();
        self.path("data")
    }

    pub async fn run(&self, request: Request) -> Result<OperationDetail, Failure> {
        let plan = self.runtime.plan(request).await?;
        self.run_plan(plan).await
    }

    pub async fn run_plan(&self, plan: Plan) -> Result<OperationDetail, Failure> {
        let id = self.runtime.start(plan).await?;
        let mut events = self.runtime.watch(id).await?;
        let mut last = None;
        while let Some(event) = events.recv().await {
            last = Some(event);
        }
        assert!(matches!(last, Some(Event::Ended { .. })), "{last:?}");
        self.runtime.operation(&id.to_string()).await
    }

    pub async fn backup(&self, path: &Path) -> BackupSummary {
        let request = CreateBackup {
            paths: vec![path.to_owned()],
            ..CreateBackup::default()
        };
        let detail = self.run(Request::CreateBackup(request)).await.unwrap();
        match detail.outcome {
            Some(Outcome::CreateBackup(report)) => report.backup,
            other => panic!("{other:?} {detail:?}", detail = detail.summary),
        }
    }

    pub async fn list(&self) -> Vec<BackupSummary> {
        let filter = Filter::default();
        self.runtime.backups(None, &filter).await.unwrap().backups
    }
}

pub fn runtime(home: &Path, more: &[(&str, &str)]) -> Runtime {
    let variables = more
        .iter()
        .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
        .chain([("HOME".to_owned(), home.display().to_string())]);
    let settings = Settings::resolve(&Flags::default(), Environment::of(variables)).unwrap();
    Runtime::open(settings, Arc::new(SystemClock::default())).unwrap()
}

pub fn selector(text: &str) -> Selector {
    Selector {
        vault: None,
        backup: text.to_owned(),
        filter: Filter::default(),
    }
}

pub fn verify(text: &str, read_data: bool) -> Request {
    Request::Verify(Verify {
        backup: selector(text),
        read_data,
        part: None,
        include: Vec::new(),
    })
}

pub fn drill(text: &str, check: Option<&str>) -> Request {
    Request::Drill(Drill {
        backup: selector(text),
        scratch: None,
        check: check.map(ToOwned::to_owned),
        start: false,
    })
}

pub fn restore(text: &str, to: PathBuf) -> Restore {
    Restore {
        backup: selector(text),
        to: Some(to),
        include: Vec::new(),
        overwrite: Default::default(),
        delete_extra: false,
        allow_incomplete: false,
        onto: None,
    }
}

pub fn prune(last: u32) -> Request {
    let mut prune = Prune::default();
    prune.keep.last = Some(last);
    Request::Prune(prune)
}

pub fn ended(detail: &OperationDetail, state: OperationState) {
    assert_eq!(
        detail.summary.state, state,
        "{:?} {:?}",
        detail.summary.reasons, detail.advice
    );
}
