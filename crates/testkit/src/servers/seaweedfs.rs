//! `SeaweedFS`: an S3 service whose conditional writes can be trusted.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::http::exchange;
use super::ports::attempts;
use super::{Server, Signed, free_ports};
use crate::install;

const READY: Duration = Duration::from_secs(60);

/// A running service with one empty bucket.
#[derive(Debug)]
pub struct SeaweedFs {
    server: Server,
    s3: u16,
    filer: u16,
}

/// Starts a service for this test, after getting it if need be. `None`: it cannot be had here, and a line that says
/// so was printed.
///
/// # Panics
/// When it cannot be had and `OSTLER_REQUIRE` names `seaweedfs`.
#[must_use]
pub fn seaweedfs() -> Option<SeaweedFs> {
    install::or_skip("seaweedfs", SeaweedFs::start())
}

impl SeaweedFs {
    /// Starts it.
    ///
    /// # Errors
    /// When it cannot be had or does not start.
    pub fn start() -> Result<Self> {
        let program = install::seaweedfs()?;
        attempts(|| Self::try_start(&program))
    }

    fn try_start(program: &std::path::Path) -> Result<Self> {
        // The server's supervisor removes it.
        let directory = tempfile::Builder::new()
            .prefix("ostler-seaweedfs-")
            .tempdir()?
            .keep();
        let data = directory.join("data");
        fs::create_dir(&data)?;
        let identities = serde_json::json!({"identities": [{
            "name": "admin",
            "credentials": [{"accessKey": Self::ACCESS_KEY_ID, "secretKey": Self::SECRET_ACCESS_KEY}],
            "actions": ["Admin", "Read", "List", "Tagging", "Write"],
        }, {
            "name": "writer",
            "credentials": [{"accessKey": Self::WRITER_KEY_ID, "secretKey": Self::WRITER_SECRET}],
            "actions": ["Read", "List", "Write"],
        }, {
            "name": "reader",
            "credentials": [{"accessKey": Self::READER_KEY_ID, "secretKey": Self::READER_SECRET}],
            "actions": ["Read", "List"],
        }]});
        let config = directory.join("s3.json");
        fs::write(&config, identities.to_string())?;
        let [
            master,
            master_grpc,
            volume,
            volume_grpc,
            filer,
            filer_grpc,
            s3,
            s3_grpc,
        ] = free_ports()?;
        let server = Server::start(
            &directory,
            program,
            [
                "server".to_owned(),
                "-ip=127.0.0.1".to_owned(),
                "-ip.bind=127.0.0.1".to_owned(),
                format!("-dir={}", data.display()),
                format!("-master.port={master}"),
                format!("-master.port.grpc={master_grpc}"),
                // Each bucket takes several volumes, and a full service answers 500 to everything.
                "-volume.max=300".to_owned(),
                "-master.volumeSizeLimitMB=64".to_owned(),
                "-master.volumePreallocate=false".to_owned(),
                format!("-volume.port={volume}"),
                format!("-volume.port.grpc={volume_grpc}"),
                "-filer".to_owned(),
                format!("-filer.port={filer}"),
                format!("-filer.port.grpc={filer_grpc}"),
                "-s3".to_owned(),
                format!("-s3.port={s3}"),
                format!("-s3.port.grpc={s3_grpc}"),
                // What would listen on ports of its own choice, which another service of this kind has already.
                "-s3.port.iceberg=0".to_owned(),
                "-s3.port.lance=0".to_owned(),
                format!("-s3.config={}", config.display()),
            ],
        )?;
        let service = Self { server, s3, filer };
        service.wait_until_ready()?;
        service.make_bucket(Self::BUCKET)?;
        Ok(service)
    }

    /// Names the credentials that may do everything.
    pub const ACCESS_KEY_ID: &'static str = "ostler-admin";
    /// Their secret.
    pub const SECRET_ACCESS_KEY: &'static str = "ostler-admin-secret";
    /// Names the credentials that may read and write, and set up nothing.
    pub const WRITER_KEY_ID: &'static str = "ostler-writer";
    /// Their secret.
    pub const WRITER_SECRET: &'static str = "ostler-writer-secret";
    /// Names the credentials that may only read.
    pub const READER_KEY_ID: &'static str = "ostler-reader";
    /// Their secret.
    pub const READER_SECRET: &'static str = "ostler-reader-secret";
    /// The bucket.
    pub const BUCKET: &'static str = "ostler-test";
    /// The region.
    pub const REGION: &'static str = "us-east-1";

    /// The address of the service.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.s3)
    }

    /// The loopback port that it speaks S3 on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.s3
    }

    /// The address of the bucket: `s3://…`.
    #[must_use]
    pub fn bucket_url(&self) -> String {
        format!("s3://{}", Self::BUCKET)
    }

    /// What a child process needs in its environment to use the service.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", self.endpoint()),
            ("AWS_REGION", Self::REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", Self::ACCESS_KEY_ID.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", Self::SECRET_ACCESS_KEY.to_owned()),
        ]
    }

    /// The process.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Makes another bucket.
    ///
    /// # Errors
    /// When the service does not.
    pub fn make_bucket(&self, name: &str) -> Result<()> {
        // A bucket is a folder of the filer, which needs no signed request.
        let status = exchange(self.filer, "POST", &format!("/buckets/{name}/"), "", "")
            .context("the filer did not answer")?;
        ensure!(
            (200..300).contains(&status),
            "the filer answered {status} when asked for a bucket"
        );
        let path = format!("/{name}/");
        // Without credentials: denied where there is a bucket, not found where there is none yet.
        self.server
            .wait_until(READY, || exchange(self.s3, "GET", &path, "", "") == Some(403))
    }

    /// Makes a bucket that keeps versions and locks them where it is asked to.
    ///
    /// # Errors
    /// When the service does not.
    pub fn make_locking_bucket(&self, name: &str) -> Result<()> {
        let headers = [("x-amz-bucket-object-lock-enabled", "true")];
        self.signed().expect("PUT", &format!("/{name}"), &headers, "")
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

    fn wait_until_ready(&self) -> Result<()> {
        self.server.wait_until(READY, || {
            exchange(self.s3, "GET", "/healthz", "", "") == Some(200)
                && exchange(self.filer, "GET", "/", "", "").is_some()
        })
    }
}
