//! Which files are read and which are not.

use std::fs;
use std::time::Duration;

use crate::world::{World, assert_same, noise};

/// Waits until the clock of the file system has moved past the margin of racy times.
pub fn settle() {
    let started = std::time::Instant::now();
    while started.elapsed() < Duration::from_millis(130) {
        std::thread::yield_now();
    }
}

fn access_times(top: &std::path::Path) -> Vec<(i64, i64)> {
    use std::os::unix::fs::MetadataExt;
    let mut times = Vec::new();
    for entry in fs::read_dir(top).unwrap() {
        let stat = entry.unwrap().metadata().unwrap();
        times.push((stat.atime(), stat.atime_nsec()));
    }
    times
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_file_is_not_opened_even_where_it_could_not_be() {
    let world = World::new().await;
    let from = world.dir("from");
    for index in 0..300_u64 {
        fs::write(from.join(format!("f{index}")), noise(index, 1000)).unwrap();
    }
    fs::write(from.join("large"), noise(7, 5 << 20)).unwrap();
    settle();
    let before = access_times(&from);
    let first = world.upload(&[&from], None).await;
    assert_eq!(first.counts.changed_files, 301);
    assert_eq!(before, access_times(&from), "reading leaves access times alone");
    let second = world.upload(&[&from], Some(&first.list)).await;
    assert_eq!(second.counts.changed_files, 0);
    assert_eq!(second.counts.files, 301);
    assert_eq!(second.counts.new_bytes, 0);
    assert_eq!(second.list, first.list, "equal trees have equal lists");

    // Same size, same modification time: the change time tells.
    let victim = from.join("f17");
    let modified = fs::metadata(&victim).unwrap().modified().unwrap();
    fs::write(&victim, noise(9999, 1000)).unwrap();
    fs::File::options()
        .write(true)
        .open(&victim)
        .unwrap()
        .set_modified(modified)
        .unwrap();
    let third = world.upload(&[&from], Some(&second.list)).await;
    assert_eq!(third.counts.changed_files, 1);
    let to = world.home.path().join("to");
    world.download(&world.request(&third, Some(&to))).await.unwrap();
    assert_same(&from, &to);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_written_right_before_it_was_read_is_read_again() {
    let world = World::new().await;
    let from = world.dir("from");
    fs::write(from.join("racy"), b"one").unwrap();
    let first = world.upload(&[&from], None).await;
    // Were this within the same tick of the clock, size and both times could be equal.
    fs::write(from.join("racy"), b"two").unwrap();
    let second = world.upload(&[&from], Some(&first.list)).await;
    assert_eq!(second.counts.changed_files, 1);
    let to = world.home.path().join("to");
    world.download(&world.request(&second, Some(&to))).await.unwrap();
    assert_eq!(fs::read(to.join("racy")).unwrap(), b"two");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_appended_file_costs_its_last_chunks_only() {
    let world = World::new().await;
    let from = world.dir("from");
    let mut content = noise(1, 10 << 20);
    fs::write(from.join("log"), &content).unwrap();
    let first = world.upload(&[&from], None).await;
    content.extend(noise(2, 300_000));
    fs::write(from.join("log"), &content).unwrap();
    let second = world.upload(&[&from], Some(&first.list)).await;
    assert!(second.counts.new_bytes < 1 << 20, "{}", second.counts.new_bytes);
}
