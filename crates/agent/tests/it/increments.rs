//! What a database wrote since a backup, kept in a directory beside its files.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use ostler_api::node::{Frozen, Increments, Selection, Uploaded};
use ostler_vocabulary::{ErrorKind, Failure};

use crate::world::World;

/// A database with one table, whose files have names `SET-PART`.
struct Database {
    world: World,
    root: PathBuf,
}

impl Database {
    async fn new() -> Self {
        let world = World::new().await;
        let root = world.dir("data").canonicalize().unwrap();
        Self { world, root }
    }

    fn table(&self) -> PathBuf {
        self.root.join("ks/t")
    }

    /// Writes a set of files, which get their other names at once.
    fn flush(&self, set: &str) {
        for directory in ["", ".index"] {
            let (live, kept) = (self.table().join(directory), self.kept().join(directory));
            fs::create_dir_all(&live).unwrap();
            fs::create_dir_all(&kept).unwrap();
            for part in ["Data", "Statistics"] {
                let name = format!("{set}-{part}");
                fs::write(live.join(&name), format!("{directory} {name}")).unwrap();
                fs::hard_link(live.join(&name), kept.join(&name)).unwrap();
            }
        }
    }

    /// Merges sets into one.
    fn compact(&self, sets: &[&str], into: &str) {
        for directory in ["", ".index"] {
            let live = self.table().join(directory);
            for part in ["Data", "Statistics"] {
                for set in sets {
                    fs::remove_file(live.join(format!("{set}-{part}"))).unwrap();
                }
                fs::write(live.join(format!("{into}-{part}")), "merged").unwrap();
            }
        }
    }

    fn kept(&self) -> PathBuf {
        self.table().join("backups")
    }

    /// What is kept beside the table.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = [self.kept(), self.kept().join(".index")]
            .iter()
            .flat_map(|directory| fs::read_dir(directory).unwrap())
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.contains('-'))
            .collect();
        names.sort();
        names.dedup();
        names
    }

    async fn all(&self, parent: Option<&str>) -> Uploaded {
        let snapshot = self.table().join("snapshots/x");
        fs::create_dir_all(snapshot.join(".index")).unwrap();
        for directory in ["", ".index"] {
            for entry in fs::read_dir(self.table().join(directory)).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_file() {
                    fs::hard_link(entry.path(), snapshot.join(directory).join(entry.file_name())).unwrap();
                }
            }
        }
        let selection = self.selection("snapshots/x", None);
        let uploaded = self.world.try_upload(selection, parent).await.unwrap();
        fs::remove_dir_all(self.table().join("snapshots")).unwrap();
        assert_eq!(uploaded.counts.problems, 0, "{uploaded:?}");
        uploaded
    }

    async fn added(&self, parent: Option<&str>) -> Result<Uploaded, Failure> {
        let increments = Increments {
            base: self.world.backup,
            known_by: "-Data".into(),
        };
        let selection = self.selection("backups", Some(increments));
        self.world.try_upload(selection, parent).await
    }

    fn selection(&self, within: &str, increments: Option<Increments>) -> Selection {
        Selection {
            frozen: Some(Frozen {
                depth: 2,
                within: within.into(),
                immutable: true,
                increments,
            }),
            ..World::selection(&[&self.root])
        }
    }

    /// The files of a backup as they come back, by their paths below the table.
    async fn restored(&self, uploaded: &Uploaded, name: &str) -> BTreeMap<String, String> {
        let to = self.world.dir(name);
        let request = self.world.request(uploaded, Some(&to));
        let done = self.world.download(&request).await.unwrap();
        assert!(done.problems.is_empty(), "{done:?}");
        let table = to.join("ks/t");
        let mut files = BTreeMap::new();
        let mut waiting = vec![table.clone()];
        while let Some(directory) = waiting.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => waiting.push(path),
                    false => {
                        let name = path.strip_prefix(&table).unwrap().display().to_string();
                        files.insert(name, fs::read_to_string(&path).unwrap());
                    }
                }
            }
        }
        files
    }
}

/// The files of these sets, as they were written.
fn of(sets: &[&str]) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for set in sets {
        for part in ["Data", "Statistics"] {
            files.insert(format!("{set}-{part}"), format!(" {set}-{part}"));
            files.insert(format!(".index/{set}-{part}"), format!(".index {set}-{part}"));
        }
    }
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_since_is_added_and_what_is_stored_goes() {
    let database = Database::new().await;
    database.flush("1");
    database.flush("3");
    let full = database.all(None).await;
    assert_eq!(database.names().len(), 4, "a whole backup leaves them");

    // All was merged since: what is added are the sets themselves.
    database.flush("2");
    database.compact(&["1", "2", "3"], "5");
    let first = database.added(Some(&full.list)).await.unwrap();
    assert_eq!(
        (first.counts.files, first.counts.changed_files),
        (12, 4),
        "{first:?}"
    );
    assert_eq!(database.names(), ["2-Data", "2-Statistics"]);

    database.flush("4");
    let second = database.added(Some(&first.list)).await.unwrap();
    assert_eq!(
        (second.counts.files, second.counts.changed_files),
        (16, 4),
        "{second:?}"
    );
    assert_eq!(database.names(), ["4-Data", "4-Statistics"]);

    // Nothing is new; again after it was cut off.
    for _ in 0..2 {
        let third = database.added(Some(&second.list)).await.unwrap();
        assert_eq!(
            (third.counts.files, third.counts.changed_files),
            (16, 0),
            "{third:?}"
        );
        assert!(database.names().is_empty());
    }
    assert_eq!(database.restored(&full, "full").await, of(&["1", "3"]));
    assert_eq!(database.restored(&first, "first").await, of(&["1", "2", "3"]));
    assert_eq!(
        database.restored(&second, "second").await,
        of(&["1", "2", "3", "4"])
    );
    assert!(
        database.table().join("5-Data").exists(),
        "the table itself is not touched"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_beside_the_data_is_as_the_backup_has_it() {
    let database = Database::new().await;
    database.flush("1");
    // Replaced where the database works; the other name has what was there before.
    let path = database.table().join("1-Statistics");
    fs::remove_file(&path).unwrap();
    fs::write(&path, "of another level").unwrap();
    let full = database.all(None).await;
    let added = database.added(Some(&full.list)).await.unwrap();
    assert_eq!(
        (added.counts.files, added.counts.changed_files),
        (4, 0),
        "{added:?}"
    );
    assert_eq!(
        database.restored(&added, "added").await["1-Statistics"],
        "of another level"
    );
    assert!(database.names().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_was_given_twice_is_refused_and_nothing_is_removed() {
    let database = Database::new().await;
    database.flush("1");
    let full = database.all(None).await;
    fs::remove_dir_all(database.table()).unwrap();
    database.flush("0");
    database.flush("1");
    let refused = database.added(Some(&full.list)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Refused);
    assert!(refused.to_string().contains("1-Data"), "{refused}");
    assert!(refused.hint().unwrap().contains("without `--delta`"));
    assert_eq!(database.names().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_lost_something_is_not_added_to() {
    let database = Database::new().await;
    database.flush("1");
    let full = database.all(None).await;
    let other = Database::new().await;
    other.flush("2");
    let lost = other.added(Some(&full.list)).await.unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::NotFound, "{lost}");
    let none = other.added(None).await.unwrap_err();
    assert_eq!(none.kind(), ErrorKind::Invalid, "{none}");
    assert_eq!(other.names().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_being_written_meanwhile_is_not_lost() {
    let database = Database::new().await;
    database.flush("1");
    let full = database.all(None).await;
    let added = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for set in ["2", "3", "4"] {
                database.flush(set);
                std::thread::sleep(Duration::from_millis(200));
            }
        });
        let adding = database.added(Some(&full.list));
        let added = tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(adding));
        writer.join().unwrap();
        added.unwrap()
    });
    let rest = database.added(Some(&added.list)).await.unwrap();
    assert_eq!(database.restored(&rest, "rest").await, of(&["1", "2", "3", "4"]));
}
