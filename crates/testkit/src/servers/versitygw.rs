//! versitygw: an S3 service over a directory that keeps versions and enforces locks, and whose users have rights one by
//! one.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::http::exchange;
use super::ports::attempts;
use super::{Server, Signed, free_ports};
use crate::install::{self, run};

const READY: Duration = Duration::from_secs(30);

/// A running service with two empty buckets, of which one keeps versions and locks.
#[derive(Debug)]
pub struct VersityGw {
    server: Server,
    port: u16,
}

/// Starts a service for this test. `None`: it cannot be had here, and a line that says so was printed.
///
/// # Panics
/// When it cannot be had and `OSTLER_REQUIRE` names `versitygw`.
#[must_use]
pub fn versitygw() -> Option<VersityGw> {
    install::or_skip("versitygw", VersityGw::start())
}

impl VersityGw {
    /// The bucket that keeps versions and locks.
    pub const BUCKET: &'static str = "ostler-test";
    /// The bucket that does not.
    pub const PLAIN: &'static str = "ostler-plain";
    /// Names the credentials that may do everything.
    pub const ACCESS_KEY_ID: &'static str = "ostler-admin";
    /// Their secret.
    pub const SECRET_ACCESS_KEY: &'static str = "ostler-admin-secret";
    /// Names the credentials that may put, get and list, and not delete.
    pub const WRITER_KEY_ID: &'static str = "ostler-writer";
    /// Their secret.
    pub const WRITER_SECRET: &'static str = "ostler-writer-secret";
    /// The region.
    pub const REGION: &'static str = "us-east-1";

    /// Starts it.
    ///
    /// # Errors
    /// When it cannot be had or does not start.
    pub fn start() -> Result<Self> {
        let program = install::versitygw()?;
        attempts(|| Self::try_start(&program))
    }

    fn try_start(program: &Path) -> Result<Self> {
        // The server's supervisor removes it.
        let directory = tempfile::Builder::new()
            .prefix("ostler-versitygw-")
            .tempdir()?
            .keep();
        for name in ["root", "versions", "users"] {
            std::fs::create_dir(directory.join(name))?;
        }
        let [port] = free_ports()?;
        let at = directory.display();
        let server = Server::start(
            &directory,
            Path::new("env"),
            [
                format!("ROOT_ACCESS_KEY={}", Self::ACCESS_KEY_ID),
                format!("ROOT_SECRET_KEY={}", Self::SECRET_ACCESS_KEY),
                program.display().to_string(),
                "--quiet".to_owned(),
                format!("--port=127.0.0.1:{port}"),
                format!("--iam-dir={at}/users"),
                "--health=/health".to_owned(),
                "posix".to_owned(),
                format!("--versioning-dir={at}/versions"),
                format!("{at}/root"),
            ],
        )?;
        server.wait_until(READY, || exchange(port, "GET", "/health", "", "") == Some(200))?;
        let this = Self { server, port };
        run(Command::new(program).args([
            "admin",
            "--allow-insecure",
            "-a",
            Self::ACCESS_KEY_ID,
            "-s",
            Self::SECRET_ACCESS_KEY,
            "--er",
            &this.endpoint(),
            "create-user",
            "-a",
            Self::WRITER_KEY_ID,
            "-s",
            Self::WRITER_SECRET,
            "-r",
            "user",
        ]))?;
        let bucket = Self::BUCKET;
        let signed = this.signed();
        let locking = [("x-amz-bucket-object-lock-enabled", "true")];
        signed.expect("PUT", &format!("/{bucket}"), &locking, "")?;
        signed.expect("PUT", &format!("/{}", Self::PLAIN), &[], "")?;
        let policy = serde_json::json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": [Self::WRITER_KEY_ID]},
            "Action": [
                "s3:PutObject", "s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:ListBucketVersions",
                "s3:PutObjectRetention", "s3:GetObjectRetention",
            ],
            "Resource": [format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")],
        }]});
        signed.expect("PUT", &format!("/{bucket}?policy"), &[], &policy.to_string())?;
        Ok(this)
    }

    /// The address of the service.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Requests that are signed by the credentials that may do everything.
    #[must_use]
    pub fn signed(&self) -> Signed {
        Signed {
            endpoint: self.endpoint(),
            region: Self::REGION.to_owned(),
            key_id: Self::ACCESS_KEY_ID.to_owned(),
            secret: Self::SECRET_ACCESS_KEY.to_owned(),
        }
    }

    /// The process.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }
}
