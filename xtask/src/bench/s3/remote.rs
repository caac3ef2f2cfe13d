//! How each program is asked to keep its repository in a bucket.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use ostler_testkit::servers::SeaweedFs;

use crate::bench::contender::{Contender, Name};
use crate::process;

const KEPT: &str = "kept=yes";

/// One program with a place of its own in the bucket.
pub struct Remote {
    /// Which one.
    pub name: Name,
    program: PathBuf,
    home: PathBuf,
    endpoint: String,
}

impl Remote {
    /// Finds, builds or installs the program.
    pub fn get(name: Name, work: &Path, endpoint: &str) -> Result<Self> {
        Ok(Self {
            name,
            program: Contender::get(name, work)?.program().to_owned(),
            home: work.join(format!("s3-{}", name.as_str())),
            endpoint: endpoint.to_owned(),
        })
    }

    /// Where caches, state and logs are.
    pub fn home(&self) -> PathBuf {
        self.home.clone()
    }

    /// Where its output goes.
    pub fn log(&self) -> PathBuf {
        self.home.join("log")
    }

    /// Removes what is on this machine.
    pub fn clear(&self) -> Result<()> {
        if self.home.exists() {
            fs::remove_dir_all(&self.home)?;
        }
        Ok(())
    }

    /// A new repository in a folder of the bucket, and nothing on this machine.
    pub fn start_anew(&self, folder: &str) -> Result<()> {
        self.clear()?;
        fs::create_dir_all(&self.home)?;
        let place = format!("{}-{folder}", self.name.as_str());
        fs::write(self.home.join("folder"), &place)?;
        let (endpoint, bucket, region) = (&self.endpoint, SeaweedFs::BUCKET, SeaweedFs::REGION);
        let (id, secret) = (SeaweedFs::ACCESS_KEY_ID, SeaweedFs::SECRET_ACCESS_KEY);
        match self.name {
            Name::Ostler => {
                let key = self.home.join("key");
                let settings = format!(
                    "version = 1\n[defaults]\nvault = \"far\"\n[vault.far]\nlocation = \"s3://{bucket}/{place}\"\n\
                     key = {{ file = \"{}\" }}\n[vault.far.s3]\nendpoint = \"{endpoint}\"\nregion = \"{region}\"\n",
                    key.display()
                );
                fs::write(self.home.join("config.toml"), settings)?;
                let mut init = self.command(["vault", "init", "--name", "far", "--key"]);
                process::capture(init.arg(&key)).map(drop)
            }
            Name::Restic => {
                process::capture(&mut self.command(["init", "--repository-version", "2"])).map(drop)
            }
            Name::Rustic => {
                let settings = format!(
                    "[repository]\nrepository = \"opendal:s3\"\npassword = \"measured\"\ncache-dir = \"{}\"\n\
                     [repository.options]\nbucket = \"{bucket}\"\nroot = \"{place}\"\nendpoint = \"{endpoint}\"\n\
                     region = \"{region}\"\naccess_key_id = \"{id}\"\nsecret_access_key = \"{secret}\"\n",
                    self.home.join("cache").display()
                );
                fs::write(self.home.join("rustic.toml"), settings)?;
                process::capture(&mut self.command(["init"])).map(drop)
            }
        }
    }

    /// A backup of the directory.
    pub fn backup(&self, source: &Path) -> Command {
        let mut command = match self.name {
            Name::Ostler => self.command(["backup", "create"]),
            Name::Restic | Name::Rustic => self.command(["backup"]),
        };
        command.arg(source);
        command
    }

    /// A backup of the directory that [`Remote::prune_to_kept`] keeps, or does not.
    pub fn backup_kept(&self, source: &Path, kept: bool) -> Command {
        let mut command = self.backup(source);
        if kept {
            let tag = if self.name == Name::Ostler { KEPT } else { "kept" };
            command.args(["--tag", tag]);
        }
        command
    }

    /// A restore of one file of the newest backup.
    pub fn restore_one(&self, source: &Path, file: &Path, target: &Path) -> Command {
        let mut command = match self.name {
            Name::Rustic => self.command(["restore"]),
            Name::Ostler | Name::Restic => self.command(["restore", "latest"]),
        };
        match self.name {
            Name::Ostler => command.arg("--include").arg(file).arg("--to").arg(target),
            Name::Restic => command.arg("--include").arg(file).arg("--target").arg(target),
            Name::Rustic => {
                let mut what = OsString::from("latest:");
                what.push(file);
                let name = file.file_name().unwrap_or(source.as_os_str());
                command.arg(what).arg(target.join(name))
            }
        };
        command
    }

    /// Deletes all backups but the newest and frees what they held.
    pub fn prune(&self) -> Command {
        match self.name {
            Name::Ostler => self.command(["backup", "prune", "--keep-last", "1", "--yes"]),
            Name::Restic => self.command(["forget", "--keep-last", "1", "--prune"]),
            Name::Rustic => self.command(["forget", "--keep-last", "1", "--prune", "--instant-delete"]),
        }
    }

    /// Deletes all backups that were not to be kept, and frees what only they held.
    pub fn prune_to_kept(&self) -> Command {
        match self.name {
            Name::Ostler => self.command(["backup", "prune", "--keep-tag", KEPT, "--yes"]),
            Name::Restic => self.command(["forget", "--keep-tag", "kept", "--prune"]),
            Name::Rustic => self.command(["forget", "--keep-tags", "kept", "--prune", "--instant-delete"]),
        }
    }

    /// Looks at the whole repository.
    pub fn check(&self) -> Command {
        match self.name {
            Name::Ostler => self.command(["vault", "check"]),
            Name::Restic | Name::Rustic => self.command(["check"]),
        }
    }

    fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(&self.home);
        command
            .env("AWS_ACCESS_KEY_ID", SeaweedFs::ACCESS_KEY_ID)
            .env("AWS_SECRET_ACCESS_KEY", SeaweedFs::SECRET_ACCESS_KEY);
        let place = fs::read_to_string(self.home.join("folder")).unwrap_or_default();
        match self.name {
            Name::Ostler => {
                process::unconfigured(&mut command, &self.home.join("state"));
                command
                    .env("OSTLER_CONFIG", self.home.join("config.toml"))
                    .env("XDG_CACHE_HOME", self.home.join("cache"));
            }
            Name::Restic => {
                let repository = format!("s3:{}/{}/{place}", self.endpoint, SeaweedFs::BUCKET);
                command
                    .env("RESTIC_REPOSITORY", repository)
                    .env("RESTIC_PASSWORD", "measured")
                    .env("RESTIC_CACHE_DIR", self.home.join("cache"));
            }
            Name::Rustic => {}
        }
        command
    }
}
