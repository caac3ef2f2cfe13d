//! A cache saves requests and never says anything that the store would not.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use ostler_store::{Cache, CacheOptions, Counters, Counting, Error, Key, Memory, Store, Verb};
use ostler_vocabulary::{ByteSize, ManualClock, Timestamp};
use tempfile::TempDir;

struct Rig {
    memory: Arc<Memory>,
    counters: Counters,
    directory: TempDir,
}

impl Rig {
    fn new() -> Self {
        Self {
            memory: Arc::new(Memory::new()),
            counters: Counters::default(),
            directory: tempfile::tempdir().unwrap(),
        }
    }

    /// As a new process would have it.
    fn cache(&self, size: u64) -> Cache {
        self.cache_of("this", size)
    }

    fn cache_of(&self, store: &str, size: u64) -> Cache {
        let counted = Counting::with(self.counters.clone(), self.memory.clone());
        let options = CacheOptions {
            directory: self.directory.path().to_owned(),
            size: ByteSize(size),
            store: store.to_owned(),
            prefixes: vec!["index/".to_owned()],
        };
        Cache::new(Arc::new(counted), options)
    }

    async fn put(&self, name: &str, body: &'static str) {
        self.memory.create(&key(name), body.into()).await.unwrap();
    }

    /// Reads what the listing says, and gives how often the store was asked for it.
    async fn read_all(&self, cache: &Cache) -> u64 {
        self.counters.reset();
        for object in cache.list("", None).await.unwrap().objects {
            assert_eq!(
                cache.get(&object.key).await.unwrap(),
                self.memory.get(&object.key).await.unwrap()
            );
        }
        self.counters.of(Verb::Get).requests
    }
}

fn key(name: &str) -> Key {
    Key::new(name).unwrap()
}

fn files(directory: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test]
async fn what_was_read_is_not_asked_for_again_by_this_process_or_the_next() {
    let rig = Rig::new();
    rig.put("index/a", "first").await;
    rig.put("index/b", "second").await;
    rig.put("notes/a", "not kept").await;
    let cache = rig.cache(1 << 20);
    assert_eq!(rig.read_all(&cache).await, 3);
    assert_eq!(rig.read_all(&cache).await, 1);
    assert_eq!(rig.read_all(&rig.cache(1 << 20)).await, 1);
    // Another store, whose objects have the same names.
    assert_eq!(rig.read_all(&rig.cache_of("that", 1 << 20)).await, 3);
    rig.counters.reset();
    cache.head(&key("index/a")).await.unwrap();
    assert_eq!(cache.get(&key("index/a")).await.unwrap(), "first");
    assert_eq!(rig.counters.total().requests, 1);
}

#[tokio::test]
async fn whether_an_object_is_there_is_the_stores_to_tell() {
    let rig = Rig::new();
    rig.put("index/a", "first").await;
    let cache = rig.cache(1 << 20);
    rig.read_all(&cache).await;
    // Its word counts once.
    rig.counters.reset();
    cache.get(&key("index/a")).await.unwrap();
    assert_eq!(rig.counters.of(Verb::Get).requests, 1);

    // Deleted by somebody else, made again by somebody else with as many bytes.
    rig.memory.delete(&key("index/a")).await.unwrap();
    assert!(matches!(
        cache.get(&key("index/a")).await,
        Err(Error::NotFound(_))
    ));
    rig.put("index/a", "other").await;
    rig.read_all(&cache).await;
    // Deleted by us, right after the store said that it is there.
    cache.list("", None).await.unwrap();
    cache.delete(&key("index/a")).await.unwrap();
    assert!(matches!(
        cache.get(&key("index/a")).await,
        Err(Error::NotFound(_))
    ));
    assert!(files(rig.directory.path()).is_empty());
}

#[tokio::test]
async fn a_file_that_is_damaged_in_any_way_only_costs_a_request() {
    let rig = Rig::new();
    rig.put("index/a", "some bytes").await;
    rig.put("index/b", "same bytes").await;
    rig.read_all(&rig.cache(1 << 20)).await;
    let [one, other] = &files(rig.directory.path())[..] else {
        panic!("two files")
    };
    let good = fs::read(one).unwrap();
    let mut spoilt: Vec<Vec<u8>> = (0..good.len())
        .map(|at| {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            bytes
        })
        .collect();
    spoilt.push(Vec::new());
    spoilt.push(good[..20].to_vec());
    spoilt.push([&good[..], b"more"].concat());
    // That of another object, of the same length.
    spoilt.push(fs::read(other).unwrap());
    for bytes in spoilt {
        fs::write(one, bytes).unwrap();
        assert_eq!(rig.read_all(&rig.cache(1 << 20)).await, 1);
        assert_eq!(rig.read_all(&rig.cache(1 << 20)).await, 0, "it is kept again");
    }
    fs::remove_file(one).unwrap();
    fs::create_dir(one).unwrap();
    assert_eq!(rig.read_all(&rig.cache(1 << 20)).await, 1);
}

#[tokio::test]
async fn what_was_damaged_on_its_way_is_not_kept_once_somebody_asks_again() {
    // Whatever is put is of one and the same moment: nothing but its bytes tells it from what it was.
    let rig = Rig {
        memory: Arc::new(Memory::with_clock(Arc::new(ManualClock::at(
            Timestamp::UNIX_EPOCH,
        )))),
        ..Rig::new()
    };
    rig.put("index/a", "some bytes").await;
    let (cache, a) = (rig.cache(1 << 20), key("index/a"));
    rig.memory.tamper(&a, "sOme bytes");
    cache.list("", None).await.unwrap();
    assert_eq!(cache.get(&a).await.unwrap(), "sOme bytes");
    rig.memory.tamper(&a, "some bytes");
    cache.list("", None).await.unwrap();
    assert_eq!(cache.get(&a).await.unwrap(), "sOme bytes", "it was kept");
    assert_eq!(cache.get(&a).await.unwrap(), "some bytes", "the store is asked");
    cache.list("", None).await.unwrap();
    assert_eq!(cache.get(&a).await.unwrap(), "some bytes");
}

#[tokio::test]
async fn all_files_together_stay_below_the_bound_and_those_used_last_stay() {
    let rig = Rig::new();
    let body = "x".repeat(912).leak();
    for number in 0..40 {
        rig.put(&format!("index/{number:02}"), body).await;
    }
    let cache = rig.cache(10_000);
    for _ in 0..3 {
        rig.read_all(&cache).await;
        let sum: u64 = files(rig.directory.path())
            .iter()
            .map(|path| path.metadata().unwrap().len())
            .sum();
        assert!((5_000..=10_000).contains(&sum), "{sum}");
    }
    // An object that is larger than the bound is not kept, and no directory that cannot be made is an error.
    for _ in 0..2 {
        assert_eq!(rig.read_all(&rig.cache_of("small", 500)).await, 40);
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    let options = CacheOptions {
        directory: file.path().join("below/a/file"),
        size: ByteSize(1 << 20),
        store: String::new(),
        prefixes: vec![String::new()],
    };
    let counted = Counting::with(rig.counters.clone(), rig.memory.clone());
    assert_eq!(rig.read_all(&Cache::new(Arc::new(counted), options)).await, 40);
}
