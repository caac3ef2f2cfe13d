//! What is no plain file, and what a file is beside its content: access lists, attributes of the system, devices, FIFOs
//! and sockets, holes and flags. Most of it only root can make; without root the tests say so and check what is left.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use rustix::fs::{CWD, FileType, Mode, XattrFlags};

use crate::world::{World, assert_same, xattrs};

#[expect(clippy::print_stderr, reason = "what was not tested must be seen")]
fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("NOT TESTED without root: device nodes, attributes of the system, owners");
    }
    root
}

fn set(path: &Path, name: &str, value: &[u8]) {
    rustix::fs::lsetxattr(path, name, value, XattrFlags::empty()).unwrap();
}

/// An access list as the kernel stores it (`acl_ea.h` of the kernel: version 2, then tag, rights and id of each entry).
fn access_list(named_user: u32) -> Vec<u8> {
    let nobody = u32::MAX;
    let entries: [(u16, u16, u32); 5] = [
        (0x01, 6, nobody),
        (0x02, 5, named_user),
        (0x04, 4, nobody),
        (0x10, 5, nobody),
        (0x20, 0, nobody),
    ];
    let mut bytes = 2_u32.to_le_bytes().to_vec();
    for (tag, rights, id) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(rights.to_le_bytes());
        bytes.extend(id.to_le_bytes());
    }
    bytes
}

/// Backs up `from`, restores it beside, and compares everything.
async fn comes_back(world: &World, from: &Path) -> std::path::PathBuf {
    let uploaded = world.upload(&[from], None).await;
    assert_eq!(uploaded.problems, []);
    let to = world.home.path().join("to");
    let restored = world
        .download(&world.request(&uploaded, Some(&to)))
        .await
        .unwrap();
    assert_eq!(restored.problems, []);
    assert_same(from, &to);
    assert_eq!(world.compare(&uploaded, &to).await.problems, []);
    to
}

#[tokio::test(flavor = "multi_thread")]
async fn access_lists_come_back_and_are_not_handed_on() {
    const ACCESS: &str = "system.posix_acl_access";
    const DEFAULT: &str = "system.posix_acl_default";
    let world = World::new().await;
    let from = world.dir("from");
    for name in ["with", "without"] {
        fs::write(from.join(name), name).unwrap();
    }
    fs::create_dir(from.join("handing-on")).unwrap();
    // Made before the directory hands anything on: they have no list, and must not get one when they are restored.
    for name in ["one", "two", "three"] {
        fs::write(from.join("handing-on").join(name), name).unwrap();
    }
    let list = access_list(12_345);
    if let Err(error) = rustix::fs::lsetxattr(from.join("with"), ACCESS, &list, XattrFlags::empty()) {
        eprintln!(
            "NOT TESTED: the file system of {} has no access lists: {error}",
            from.display()
        );
        return;
    }
    set(&from.join("handing-on"), DEFAULT, &list);
    fs::write(from.join("handing-on/inherits"), "x").unwrap();
    let inherited = xattrs(&from.join("handing-on/inherits"));
    assert!(!inherited.is_empty(), "the file system hands lists on");

    let to = comes_back(&world, &from).await;
    assert_eq!(xattrs(&to.join("with")), [(ACCESS.into(), list)]);
    assert_eq!(xattrs(&to.join("without")), []);
    assert_eq!(xattrs(&to.join("handing-on/one")), []);
    assert_eq!(xattrs(&to.join("handing-on/inherits")), inherited);
    match Command::new("getfacl")
        .arg("--omit-header")
        .arg(to.join("with"))
        .output()
    {
        Ok(said) => assert!(String::from_utf8_lossy(&said.stdout).contains("user:12345:r-x")),
        Err(error) => eprintln!("not asked: getfacl: {error}"),
    }
}

/// The target's directory hands a list on to whatever is made in it; what is restored into it has what it had.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_target_hands_on_is_taken_away_again() {
    let world = World::new().await;
    let from = world.dir("from");
    for name in ["a", "b", "c", "d"] {
        fs::write(from.join(name), name).unwrap();
    }
    let uploaded = world.upload(&[&from], None).await;
    let to = world.dir("to");
    let list = access_list(12_345);
    if rustix::fs::lsetxattr(&to, "system.posix_acl_default", &list, XattrFlags::empty()).is_err() {
        eprintln!(
            "NOT TESTED: the file system of {} has no access lists",
            to.display()
        );
        return;
    }
    let restored = world
        .download(&world.request(&uploaded, Some(&to)))
        .await
        .unwrap();
    assert_eq!(restored.problems, []);
    assert_same(&from, &to);
}

#[tokio::test(flavor = "multi_thread")]
async fn attributes_come_back() {
    let world = World::new().await;
    let from = world.dir("from");
    for name in ["user", "system", "program"] {
        fs::write(from.join(name), name).unwrap();
    }
    fs::create_dir(from.join("directory")).unwrap();
    set(&from.join("user"), "user.first", b"value\0with zero");
    set(&from.join("user"), "user.empty", b"");
    set(&from.join("directory"), "user.directory", b"x");
    if is_root() {
        set(&from.join("system"), "trusted.ostler", b"for root only");
        std::os::unix::fs::symlink("nowhere", from.join("link")).unwrap();
        set(&from.join("link"), "trusted.of-a-link", b"the link's own");
        // `cap_net_bind_service=ep`, version 2. It is lost when the owner changes after it was set.
        let mut capability = 0x0200_0001_u32.to_le_bytes().to_vec();
        capability.extend((1_u32 << 10).to_le_bytes());
        capability.extend([0; 12]);
        std::os::unix::fs::chown(from.join("program"), Some(1234), Some(2345)).unwrap();
        set(&from.join("program"), "security.capability", &capability);
    }
    comes_back(&world, &from).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifos_sockets_and_devices_come_back() {
    let world = World::new().await;
    let from = world.dir("from");
    let make = |name: &str, kind, major, minor| {
        let mode = Mode::RUSR | Mode::WUSR | Mode::RGRP;
        rustix::fs::mknodat(
            CWD,
            from.join(name),
            kind,
            mode,
            rustix::fs::makedev(major, minor),
        )
    };
    make("fifo", FileType::Fifo, 0, 0).unwrap();
    drop(UnixListener::bind(from.join("socket")).unwrap());
    let mut devices = false;
    if is_root() {
        // Numbers above 255 do not fit the old encoding.
        devices = make("null", FileType::CharacterDevice, 1, 3).is_ok()
            && make("block", FileType::BlockDevice, 259, 1000).is_ok();
        if !devices {
            eprintln!("NOT TESTED: device nodes cannot be made here");
        }
        std::os::unix::fs::chown(from.join("fifo"), Some(1234), Some(2345)).unwrap();
    }
    let to = comes_back(&world, &from).await;
    let stat = |name: &str| fs::symlink_metadata(to.join(name)).unwrap();
    assert!(stat("fifo").file_type().is_fifo());
    assert!(stat("socket").file_type().is_socket());
    if devices {
        assert!(stat("null").file_type().is_char_device());
        assert_eq!(stat("null").rdev(), rustix::fs::makedev(1, 3));
        assert!(stat("block").file_type().is_block_device());
        assert_eq!(stat("block").rdev(), rustix::fs::makedev(259, 1000));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_conforms() {
    let world = World::new().await;
    let (above, foreign) = (world.dir("scratch"), world.dir("precious"));
    fs::write(foreign.join("f"), "x").unwrap();
    let found = ostler_api::conformance::check(&world.node().await, &above, &foreign).await;
    assert_eq!(found, Vec::<String>::new());
    assert!(foreign.join("f").exists());
}

/// The page cache would be filled with zeros, at the speed of memory: minutes for a hole of 1 TiB.
#[tokio::test(flavor = "multi_thread")]
async fn holes_are_not_read_into_the_page_cache() {
    use std::os::unix::fs::FileExt;
    let world = World::new().await;
    // `/tmp` may be in memory, where every page is in the cache.
    let from = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
    let file = fs::File::create_new(from.path().join("sparse")).unwrap();
    let size = 4_u64 << 30;
    file.set_len(size).unwrap();
    file.write_all_at(b"first", 0).unwrap();
    file.write_all_at(b"last", size - 4096).unwrap();
    let read = fs::File::open(from.path().join("sparse")).unwrap();
    let is_cached = |at: u64| {
        let mut byte = [0];
        let mut into = [std::io::IoSliceMut::new(&mut byte)];
        let read = rustix::io::preadv2(&read, &mut into, at, rustix::io::ReadWriteFlags::NOWAIT);
        read != Err(rustix::io::Errno::AGAIN)
    };
    if is_cached(1 << 30) {
        eprintln!("NOT TESTED: this file system does not say what is in the page cache");
        return;
    }
    let uploaded = world.upload(&[from.path()], None).await;
    assert_eq!(uploaded.counts.bytes, size);
    assert_eq!(uploaded.problems, []);
    let cached = (1..63).map(|part| part << 26).filter(|at| is_cached(*at));
    assert_eq!(cached.collect::<Vec<u64>>(), Vec::<u64>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn flags_that_are_not_stored_are_counted() {
    use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
    let world = World::new().await;
    let from = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
    for name in ["with", "without"] {
        fs::write(from.path().join(name), name).unwrap();
    }
    let file = fs::File::open(from.path().join("with")).unwrap();
    let flags = ioctl_getflags(&file);
    if flags
        .and_then(|flags| ioctl_setflags(&file, flags | IFlags::NODUMP))
        .is_err()
    {
        eprintln!("NOT TESTED: this file system has no flags");
        return;
    }
    let uploaded = world.upload(&[from.path()], None).await;
    assert_eq!(uploaded.flagged, 1);
    // An unchanged file that is not opened counts too.
    let again = world.upload(&[from.path()], Some(&uploaded.list)).await;
    assert_eq!(again.flagged, 1);
}
