//! Owners that a restore cannot set, and the bits that depend on them.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use ostler_api::document::OtherOwners;
use rustix::fs::{CWD, FileType, Mode};

use crate::world::{World, as_another_user};

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn what_another_user_restores_is_counted_and_gets_no_set_id_bits() {
    const CHILD: &str = "OSTLER_TEST_OTHER_OWNER";
    let restored = |from: &Path| {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let world = World::new().await;
            let uploaded = world.upload(&[from], None).await;
            let to = world.home.path().join("to");
            let mut request = world.request(&uploaded, Some(&to));
            let restored = world.download(&request).await.unwrap();
            assert_eq!(restored.problems, []);
            let modes = ["program", "fifo", "own", "sub"].map(|name| mode(&to.join(name)));
            // A restore over what is right already gives the same answer, and takes away what an older one set.
            request.overwrite = ostler_api::request::Overwrite::Different;
            fs::set_permissions(to.join("program"), Permissions::from_mode(0o6755)).unwrap();
            let again = world.download(&request).await.unwrap();
            assert_eq!((again.files_written, again.owners), (0, restored.owners));
            assert_eq!(mode(&to.join("program")), modes[0]);
            (restored.owners, modes)
        })
    };
    if let Some(from) = std::env::var_os(CHILD) {
        let from = PathBuf::from(from);
        fs::write(from.join("own"), "x").unwrap();
        fs::set_permissions(from.join("own"), Permissions::from_mode(0o6755)).unwrap();
        let (owners, modes) = restored(&from);
        assert_eq!(
            owners,
            OtherOwners {
                entries: 4,
                set_id: 2
            }
        );
        assert_eq!(modes, [0o755, 0o644, 0o6755, 0o755]);
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let top = directory.path();
    fs::set_permissions(top, Permissions::from_mode(0o755)).unwrap();
    let from = top.join("from");
    fs::create_dir_all(from.join("sub")).unwrap();
    fs::write(from.join("program"), "x").unwrap();
    rustix::fs::mknodat(CWD, from.join("fifo"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    for (name, mode) in [("program", 0o6755), ("fifo", 0o644), ("sub", 0o2755), ("", 0o777)] {
        fs::set_permissions(from.join(name), Permissions::from_mode(mode)).unwrap();
    }
    as_another_user(
        "owners::what_another_user_restores_is_counted_and_gets_no_set_id_bits",
        (CHILD, &from),
    );
    // Root gives everything back, also to others.
    if rustix::process::geteuid().is_root() {
        chown(from.join("program"), Some(1234), Some(2345)).unwrap();
        fs::set_permissions(from.join("program"), Permissions::from_mode(0o6755)).unwrap();
        let (owners, modes) = restored(&from);
        assert_eq!(owners, OtherOwners::default());
        assert_eq!(modes, [0o6755, 0o644, 0o6755, 0o2755]);
    }
}
