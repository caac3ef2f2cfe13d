//! OpenSSH's server with its SFTP server, for one key.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::ports::attempts;
use super::{Server, free_ports};
use crate::install::{self, run, servant};

const READY: Duration = Duration::from_secs(30);

/// A running server that gives files, and nothing else, to who has the key.
#[derive(Debug)]
pub struct Sshd {
    server: Server,
    directory: PathBuf,
    user: String,
    port: u16,
}

/// Starts a server for this test, after getting it if need be. `None`: it cannot be had here, and a line that says
/// so was printed.
///
/// # Panics
/// When it cannot be had and `OSTLER_REQUIRE` names `sshd`.
#[must_use]
pub fn sshd() -> Option<Sshd> {
    install::or_skip("sshd", Sshd::start())
}

impl Sshd {
    /// Starts it.
    ///
    /// # Errors
    /// When it cannot be had or does not start.
    pub fn start() -> Result<Self> {
        let installed = install::sshd()?;
        attempts(|| Self::try_start(&installed))
    }

    fn try_start(installed: &Path) -> Result<Self> {
        // The server's supervisor removes it.
        let directory = tempfile::Builder::new().prefix("ostler-sshd-").tempdir()?.keep();
        let [port] = free_ports()?;
        for name in ["host_key", "user_key", "other_key"] {
            run(Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(directory.join(name)))?;
        }
        fs::create_dir(directory.join("files"))?;
        let at = directory.display();
        fs::write(
            directory.join("sshd_config"),
            format!(
                "ListenAddress 127.0.0.1\nPort {port}\nHostKey {at}/host_key\nPidFile none\nUsePAM yes\n\
                 PasswordAuthentication no\nStrictModes no\nAuthorizedKeysFile {at}/user_key.pub\n\
                 Subsystem sftp internal-sftp\nForceCommand internal-sftp\n"
            ),
        )?;
        let host_key = fs::read_to_string(directory.join("host_key.pub"))?;
        fs::write(
            directory.join("known_hosts"),
            format!("[127.0.0.1]:{port} {host_key}"),
        )?;
        fs::write(directory.join("no_config"), "")?;
        servant::give_to_servant(&directory)?;
        // The keys stay readable for us alone, which the client insists on.
        for name in ["user_key", "other_key"] {
            run(Command::new("chown")
                .arg(rustix::process::geteuid().as_raw().to_string())
                .arg(directory.join(name)))?;
        }
        let command = servant::command();
        let libraries = installed.join("usr/lib/x86_64-linux-gnu");
        let mut arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        arguments.push(format!("LD_LIBRARY_PATH={}", libraries.display()).into());
        arguments.push(installed.join("usr/sbin/sshd").into());
        arguments.extend(["-D".into(), "-e".into(), "-f".into()]);
        arguments.push(directory.join("sshd_config").into());
        let server = Server::start(&directory, Path::new(command.get_program()), arguments)?;
        server.wait_until(READY, || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok())?;
        Ok(Self {
            server,
            directory,
            user: servant::name()?,
            port,
        })
    }

    /// The address of a directory of that name, which is empty or not there.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        let directory = self.files().join(name);
        format!(
            "sftp://{}@127.0.0.1:{}{}",
            self.user,
            self.port,
            directory.display()
        )
    }

    /// Where the server's files are on this machine.
    #[must_use]
    pub fn files(&self) -> PathBuf {
        self.directory.join("files")
    }

    /// The private key that may log in.
    #[must_use]
    pub fn identity(&self) -> PathBuf {
        self.directory.join("user_key")
    }

    /// A private key that may not.
    #[must_use]
    pub fn other_identity(&self) -> PathBuf {
        self.directory.join("other_key")
    }

    /// A file with the server's public key.
    #[must_use]
    pub fn known_hosts(&self) -> PathBuf {
        self.directory.join("known_hosts")
    }

    /// An empty configuration of the client, so that this machine's does not matter.
    #[must_use]
    pub fn client_configuration(&self) -> PathBuf {
        self.directory.join("no_config")
    }

    /// The process.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }
}
