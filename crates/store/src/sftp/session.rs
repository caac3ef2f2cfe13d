//! One connection: the system's SSH client as a child, SFTP through its pipes.

use std::ops::Range;
use std::pin::Pin;
use std::process::Stdio;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt, stream};
use russh_sftp::client::RawSftpSession;
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::protocol::{FileAttributes, OpenFlags, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio_util::sync::CancellationToken;

use super::fault;
use super::options::SftpOptions;
use crate::{Attempt, Error, Remote};

/// Bytes of one read or write: what every server takes.
const PIECE: usize = 32 * 1024;
/// Reads or writes of one file under way.
const PIECES_AT_ONCE: usize = 16;
const TIMEOUT: Duration = Duration::from_secs(120);
/// For the connection with its log-in.
const CONNECT: Duration = Duration::from_secs(30);

pub(super) struct Session {
    sftp: RawSftpSession,
    ended: CancellationToken,
    name: String,
    /// Killed when dropped.
    _ssh: Child,
}

impl Session {
    pub(super) async fn connect(
        remote: &Remote,
        options: &SftpOptions,
        attempt: &Attempt,
    ) -> Result<Self, Error> {
        let mut command = command(remote, options);
        let mut ssh = command
            .spawn()
            .map_err(|error| fault::no_client(attempt.clone(), error))?;
        let (Some(stdin), Some(stdout), Some(mut stderr)) =
            (ssh.stdin.take(), ssh.stdout.take(), ssh.stderr.take())
        else {
            return Err(fault::no_client(
                attempt.clone(),
                std::io::Error::other("it has no pipes"),
            ));
        };
        let ended = CancellationToken::new();
        let output = Watched {
            inner: stdout,
            ended: ended.clone(),
        };
        let sftp = RawSftpSession::new(tokio::io::join(output, stdin));
        let timeout = options.timeout.map_or(TIMEOUT, |timeout| timeout.0);
        sftp.set_timeout(timeout.as_secs().max(1));
        let version = tokio::select! {
            version = sftp.init() => version.ok(),
            () = ended.cancelled() => None,
            () = tokio::time::sleep(CONNECT) => None,
        };
        let Some(version) = version else {
            return Err(fault::no_connection(
                attempt.clone(),
                &last_words(&mut stderr).await,
                remote,
            ));
        };
        for needed in ["hardlink@openssh.com", "fsync@openssh.com"] {
            if !version.extensions.contains_key(needed) {
                return Err(Error::Unsupported {
                    attempt: attempt.clone(),
                    reason: format!("the SFTP server has no `{needed}`, which OpenSSH's has"),
                });
            }
        }
        let mut random = [0; 12];
        getrandom::fill(&mut random).map_err(|error| Error::Io {
            attempt: attempt.clone(),
            source: error.to_string().into(),
        })?;
        Ok(Self {
            sftp,
            ended,
            name: random.iter().map(|byte| format!("{byte:02x}")).collect(),
            _ssh: ssh,
        })
    }

    pub(super) fn is_alive(&self) -> bool {
        !self.ended.is_cancelled()
    }

    /// What no other connection is called.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The answer, or the news that there will be none.
    async fn answer<T>(&self, request: impl Future<Output = Result<T, SftpError>>) -> Result<T, SftpError> {
        tokio::select! {
            biased;
            answer = request => {
                // Anything else than what the server says of a file means that no request after it is answered.
                if answer.as_ref().is_err_and(|error| !fault::is_status(error)) {
                    self.ended.cancel();
                }
                answer
            }
            () = self.ended.cancelled() => Err(SftpError::IO("the connection was lost".to_owned())),
        }
    }

    pub(super) async fn attributes(&self, path: &str) -> Result<FileAttributes, SftpError> {
        Ok(self.answer(self.sftp.stat(path)).await?.attrs)
    }

    pub(super) async fn make_directory(&self, path: &str) -> Result<(), SftpError> {
        let attributes = FileAttributes {
            permissions: Some(0o700),
            ..FileAttributes::empty()
        };
        self.answer(self.sftp.mkdir(path, attributes)).await.map(drop)
    }

    pub(super) async fn remove_directory(&self, path: &str) -> Result<(), SftpError> {
        self.answer(self.sftp.rmdir(path)).await.map(drop)
    }

    pub(super) async fn remove(&self, path: &str) -> Result<(), SftpError> {
        self.answer(self.sftp.remove(path)).await.map(drop)
    }

    pub(super) async fn link(&self, from: &str, to: &str) -> Result<(), SftpError> {
        self.answer(self.sftp.hardlink(from, to)).await.map(drop)
    }

    /// A new file, open for writing. Refused where there is one.
    pub(super) async fn create_file(&self, path: &str) -> Result<String, SftpError> {
        let flags = OpenFlags::CREATE | OpenFlags::EXCLUDE | OpenFlags::WRITE;
        let attributes = FileAttributes {
            permissions: Some(0o600),
            ..FileAttributes::empty()
        };
        let opened = self.answer(self.sftp.open(path, flags, attributes)).await?;
        Ok(opened.handle)
    }

    /// A file that is open for reading, and its size.
    pub(super) async fn open_file(&self, path: &str) -> Result<(String, u64), SftpError> {
        let opening = self.sftp.open(path, OpenFlags::READ, FileAttributes::empty());
        let handle = self.answer(opening).await?.handle;
        let found = self.answer(self.sftp.fstat(handle.as_str())).await;
        match found {
            Ok(found) if found.attrs.file_type().is_file() => Ok((handle, found.attrs.size.unwrap_or(0))),
            found => {
                let _ = self.close(&handle).await;
                Err(found.err().unwrap_or_else(fault::not_found))
            }
        }
    }

    pub(super) async fn write(&self, handle: &str, body: &Bytes) -> Result<(), SftpError> {
        let pieces = (0..body.len()).step_by(PIECE).map(|start| {
            let piece = body.slice(start..body.len().min(start + PIECE));
            self.answer(self.sftp.write(handle, start as u64, piece.to_vec()))
        });
        stream::iter(pieces)
            .buffer_unordered(PIECES_AT_ONCE)
            .try_for_each(|_| std::future::ready(Ok(())))
            .await
    }

    pub(super) async fn sync(&self, handle: &str) -> Result<(), SftpError> {
        self.answer(self.sftp.fsync(handle)).await.map(drop)
    }

    /// Exactly these bytes; `None` when the file ends before them.
    pub(super) async fn read(&self, handle: &str, range: Range<u64>) -> Result<Option<Bytes>, SftpError> {
        let Ok(length) = usize::try_from(range.end - range.start) else {
            return Ok(None);
        };
        let mut bytes = BytesMut::with_capacity(length);
        let pieces = (0..length).step_by(PIECE).map(|start| {
            let wanted = PIECE.min(length - start);
            self.read_piece(handle, range.start + start as u64, wanted)
        });
        let mut pieces = stream::iter(pieces).buffered(PIECES_AT_ONCE);
        while let Some(piece) = pieces.try_next().await? {
            let Some(piece) = piece else { return Ok(None) };
            bytes.extend_from_slice(&piece);
        }
        Ok(Some(bytes.freeze()))
    }

    /// A server may give less than was asked for.
    async fn read_piece(
        &self,
        handle: &str,
        start: u64,
        wanted: usize,
    ) -> Result<Option<Vec<u8>>, SftpError> {
        let mut piece = Vec::new();
        while piece.len() < wanted {
            let (at, left) = (start + piece.len() as u64, wanted - piece.len());
            let left = u32::try_from(left).unwrap_or(u32::MAX);
            match self.answer(self.sftp.read(handle, at, left)).await {
                Ok(data) if data.data.is_empty() || data.data.len() > left as usize => return Ok(None),
                Ok(data) => piece.extend_from_slice(&data.data),
                Err(SftpError::Status(status)) if status.status_code == StatusCode::Eof => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        Ok(Some(piece))
    }

    pub(super) async fn close(&self, handle: &str) -> Result<(), SftpError> {
        self.answer(self.sftp.close(handle)).await.map(drop)
    }

    /// What is in a directory: names, and what the server says of them.
    pub(super) async fn entries(&self, path: &str) -> Result<Vec<(String, FileAttributes)>, SftpError> {
        let handle = self.answer(self.sftp.opendir(path)).await?.handle;
        let mut entries = Vec::new();
        let read = loop {
            match self.answer(self.sftp.readdir(handle.as_str())).await {
                Ok(some) => entries.extend(some.files.into_iter().map(|file| (file.filename, file.attrs))),
                Err(SftpError::Status(status)) if status.status_code == StatusCode::Eof => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        let _ = self.close(&handle).await;
        read.map(|()| entries)
    }

    /// Whether the file system of this directory is known to have no room.
    pub(super) async fn is_full(&self, path: &str) -> bool {
        let found = self.answer(self.sftp.statvfs(path)).await;
        found.is_ok_and(|found| found.blocks_avail == 0 || found.inodes_avail == 0)
    }

    /// Bytes that can still be stored in the file system of this directory, where the server tells.
    pub(super) async fn room(&self, path: &str) -> Option<u64> {
        let found = self.answer(self.sftp.statvfs(path)).await.ok()?;
        Some(found.blocks_avail.saturating_mul(found.fragment_size))
    }
}

fn command(remote: &Remote, options: &SftpOptions) -> Command {
    let mut command = Command::new("ssh");
    // Nobody is there to be asked, and a dead connection is to be noticed.
    for option in [
        "BatchMode=yes",
        "ConnectTimeout=15",
        "ServerAliveInterval=15",
        "ServerAliveCountMax=4",
        "ClearAllForwardings=yes",
        "ForwardX11=no",
        "ForwardAgent=no",
    ] {
        command.args(["-o", option]);
    }
    if let Some(file) = &options.config_file {
        command.arg("-F").arg(file);
    }
    if let Some(file) = &options.identity_file {
        command.args(["-o", "IdentitiesOnly=yes"]).arg("-i").arg(file);
    }
    if let Some(file) = &options.known_hosts_file {
        command
            .arg("-o")
            .arg(format!("UserKnownHostsFile=\"{}\"", file.display()));
    }
    if let Some(port) = remote.port {
        command.args(["-p", &port.to_string()]);
    }
    if let Some(user) = &remote.user {
        command.args(["-l", user]);
    }
    let host = remote.host.trim_start_matches('[').trim_end_matches(']');
    command
        .args(["-s", "--", host, "sftp"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Ctrl-C is for us; the connection is needed to put things in order.
        .process_group(0)
        .kill_on_drop(true);
    command
}

/// The end of what the SSH client complained of.
async fn last_words(stderr: &mut ChildStderr) -> String {
    let mut said = Vec::new();
    let mut limited = stderr.take(16 * 1024);
    let reading = limited.read_to_end(&mut said);
    // It may have said all it has to say and go on living.
    let _ = tokio::time::timeout(Duration::from_secs(1), reading).await;
    let said = String::from_utf8_lossy(&said);
    let lines: Vec<&str> = said
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines[lines.len().saturating_sub(3)..].join(" ")
}

/// The client's output, which tells when it ended: the library would wait for answers until its time is over.
struct Watched {
    inner: ChildStdout,
    ended: CancellationToken,
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(context, buffer);
        match &read {
            Poll::Ready(Ok(())) if buffer.filled().len() > before => {}
            Poll::Ready(_) if buffer.remaining() > 0 => self.ended.cancel(),
            _ => {}
        }
        read
    }
}
