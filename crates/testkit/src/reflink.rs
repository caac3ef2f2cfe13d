//! File systems that make clones of files: in a file, mounted as long as a test wants them.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};
use tempfile::TempDir;

use crate::install;

/// The least that both take; hardly any of it is written.
const SIZE: u64 = 320 << 20;

/// Which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// XFS.
    Xfs,
    /// btrfs.
    Btrfs,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Xfs => "xfs",
            Self::Btrfs => "btrfs",
        }
    }

    /// What Debian's packages of its maker are called.
    fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Xfs => &["libinih1", "liburcu8", "xfsprogs"],
            Self::Btrfs => &["btrfs-progs", "liblzo2-2"],
        }
    }
}

/// Where it is mounted.
#[derive(Debug)]
pub struct Mounted(TempDir);

/// An empty file system, or `None` after a printed line which says that the test was skipped.
///
/// # Panics
/// When it cannot be had and `OSTLER_REQUIRE` names `reflink`.
#[must_use]
pub fn reflink(kind: Kind) -> Option<Mounted> {
    install::or_skip("reflink", Mounted::new(kind))
}

impl Mounted {
    /// Makes and mounts one, which takes root, loop devices and a kernel that knows it. Its maker is the machine's, or Debian's,
    /// unpacked.
    ///
    /// # Errors
    /// When one of these is missing.
    pub fn new(kind: Kind) -> Result<Self> {
        if !rustix::process::geteuid().is_root() {
            bail!("only root can mount a file system");
        }
        let name = kind.name();
        let maker = format!("mkfs.{name}");
        let (directory, image) = (tempfile::tempdir()?, tempfile::NamedTempFile::new()?);
        image.as_file().set_len(SIZE)?;
        let mut make = Command::new("sh");
        if !install::is_on_path(&maker) {
            install::surround(&mut make, &install::debian(&maker, kind.packages())?);
        }
        make.args(["-c", &format!("exec {maker} -q \"$0\"")]);
        install::run(make.arg(image.path()))?;
        // The kernel keeps the image until it is unmounted; its name is not needed any more.
        install::run(
            Command::new("mount")
                .args(["-t", name, "-o", "loop"])
                .arg(image.path())
                .arg(directory.path()),
        )?;
        Ok(Self(directory))
    }

    /// Its top directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // At once from its place, and in full as soon as nobody has a file of it open.
        let _ = install::run(Command::new("umount").arg("--lazy").arg(self.path()));
    }
}
