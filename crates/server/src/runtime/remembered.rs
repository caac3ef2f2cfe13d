//! What was last seen in directories of a vault: true for as long as they are as they were, so that nobody lists thousands
//! of names for every page.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ostler_vocabulary::Failure;
use tokio::sync::Mutex;

/// How exact file systems are about the time of a change: to a tick of the kernel, or where all times are whole seconds, to
/// two of them.
const TICK: Duration = Duration::from_millis(50);
const COARSE_TICK: Duration = Duration::from_secs(3);

/// What tells that a directory is the same and has the same names in it; `None` where there is none.
type Sign = Option<(u64, u64, [i64; 4])>;

/// What was last seen. Whoever looks while another does waits for what that one sees.
#[derive(Debug)]
pub(super) struct Remembered<T>(Mutex<Option<Look<T>>>);

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

#[derive(Debug)]
struct Look<T> {
    signs: Vec<Sign>,
    /// When the directories were first seen with these signs.
    since: Instant,
    /// Whether they had them for so long before they were looked into that every later change gives them others.
    is_settled: bool,
    seen: Arc<T>,
}

impl<T> Remembered<T> {
    /// What was seen, or is seen now where these directories of `root`, or that itself, may have changed.
    ///
    /// # Errors
    /// Those of `look`.
    pub(super) async fn or_seen(
        &self,
        root: &Path,
        directories: &[&str],
        look: impl Future<Output = Result<T, Failure>>,
    ) -> Result<Arc<T>, Failure> {
        let mut last = self.0.lock().await;
        let below = directories.iter().map(|name| sign(&root.join(name)));
        let signs: Vec<Sign> = std::iter::once(sign(root)).chain(below).collect();
        let now = Instant::now();
        let since = match last.take().filter(|look| look.signs == signs) {
            Some(look) if look.is_settled => return Ok(Arc::clone(&last.insert(look).seen)),
            Some(look) => look.since,
            None => now,
        };
        let look = Look {
            // What is not there is looked for every time.
            is_settled: signs[0].is_some() && now.duration_since(since) > tick(&signs),
            signs,
            since,
            seen: Arc::new(look.await?),
        };
        Ok(Arc::clone(&last.insert(look).seen))
    }
}

fn sign(directory: &Path) -> Sign {
    let found = std::fs::metadata(directory).ok()?;
    let times = [
        found.mtime(),
        found.mtime_nsec(),
        found.ctime(),
        found.ctime_nsec(),
    ];
    Some((found.dev(), found.ino(), times))
}

fn tick(signs: &[Sign]) -> Duration {
    let is_whole =
        |sign: &Sign| sign.is_none_or(|(.., [_, modified, _, changed])| (modified, changed) == (0, 0));
    match signs.iter().all(is_whole) {
        true => COARSE_TICK,
        false => TICK,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// What a listing gives, and that it was asked for.
    async fn names(remembered: &Remembered<Vec<String>>, root: &Path, looks: &mut u32) -> Vec<String> {
        let listing = async {
            *looks += 1;
            let entries = fs::read_dir(root.join("notes")).into_iter().flatten();
            let mut names: Vec<String> = entries
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            Ok(names)
        };
        let seen = remembered.or_seen(root, &["notes"], listing).await;
        seen.unwrap().as_ref().clone()
    }

    #[tokio::test]
    async fn what_does_not_change_is_looked_at_twice_and_every_change_is_seen() {
        let root = tempfile::tempdir().unwrap();
        let notes = root.path().join("notes");
        let (remembered, mut looks) = (Remembered::default(), 0);
        assert!(names(&remembered, root.path(), &mut looks).await.is_empty());
        fs::create_dir(&notes).unwrap();
        for round in 0..200 {
            // At once after a change, and again within the same tick.
            fs::write(notes.join(format!("{round:03}")), "").unwrap();
            assert_eq!(names(&remembered, root.path(), &mut looks).await.len(), round + 1);
        }
        looks = 0;
        for _ in 0..50 {
            tokio::time::sleep(TICK / 5).await;
            assert_eq!(names(&remembered, root.path(), &mut looks).await.len(), 200);
        }
        assert!(looks < 20, "{looks} looks at what does not change");
        fs::remove_file(notes.join("007")).unwrap();
        assert_eq!(names(&remembered, root.path(), &mut looks).await.len(), 199);
        // Another one of the same name is another.
        fs::rename(&notes, root.path().join("old")).unwrap();
        assert!(names(&remembered, root.path(), &mut looks).await.is_empty());
        fs::create_dir(&notes).unwrap();
        fs::write(notes.join("new"), "").unwrap();
        assert_eq!(names(&remembered, root.path(), &mut looks).await, ["new"]);
    }

    #[tokio::test]
    async fn a_failure_is_not_remembered() {
        let root = tempfile::tempdir().unwrap();
        let remembered: Remembered<()> = Remembered::default();
        let failure = || Failure::new(ostler_vocabulary::ErrorKind::Unavailable, "not now");
        for _ in 0..2 {
            let seen = remembered
                .or_seen(root.path(), &[], async { Err(failure()) })
                .await;
            assert_eq!(seen.unwrap_err().to_string(), "not now");
        }
        let seen = remembered.or_seen(root.path(), &[], async { Ok(()) }).await;
        seen.unwrap();
    }
}
