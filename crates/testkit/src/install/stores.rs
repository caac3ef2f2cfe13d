//! Servers of the object stores other than SeaweedFS.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::once::once;
use super::{cache, debian, environment, run};

/// The newest that runs with Node 20.
const AZURITE: &str = "azurite@3.35.0";
const SSHD: &[&str] = &["openssh-server", "libwrap0"];
const FAKE_GCS: &str = "github.com/fsouza/fake-gcs-server@v1.56.1";
const VERSITYGW: &str = "github.com/versity/versitygw/cmd/versitygw@v1.8.0";
/// So old that it ignores the condition of a PUT.
const MOTO: &[&str] = &[
    "Flask==3.1.3",
    "Jinja2==3.1.6",
    "MarkupSafe==3.0.4",
    "PyYAML==6.0.3",
    "Werkzeug==3.1.9",
    "blinker==1.9.0",
    "boto3==1.44.5",
    "botocore==1.44.5",
    "certifi==2026.10.18",
    "cffi==2.1.1",
    "charset-normalizer==3.5.2",
    "click==8.5.1",
    "cryptography==50.0.2",
    "flask-cors==6.0.5",
    "idna==3.20",
    "itsdangerous==2.2.0",
    "jmespath==1.1.0",
    "moto==5.0.9",
    "py-partiql-parser==0.5.5",
    "pycparser==3.12",
    "python-dateutil==2.9.0.post0",
    "requests==2.34.2",
    "responses==0.26.3",
    "s3transfer==0.19.3",
    "six==1.17.0",
    "typing_extensions==4.16.0",
    "urllib3==2.8.0",
    "xmltodict==1.0.4",
];

/// The script that Node runs: Azure Blob Storage's stand-in by its maker.
///
/// # Errors
/// When Node or the package cannot be had.
pub fn azurite() -> Result<PathBuf> {
    let directory = once(&cache()?, "azurite", &[AZURITE], |partial| {
        std::fs::create_dir_all(partial)?;
        std::fs::write(partial.join("package.json"), "{\"private\": true}")?;
        run(Command::new("npm")
            .args([
                "install",
                "--silent",
                "--no-audit",
                "--no-fund",
                "--ignore-scripts",
                AZURITE,
            ])
            .current_dir(partial))
    })?;
    Ok(directory.join("node_modules/azurite/dist/src/blob/main.js"))
}

/// The directory with Debian's OpenSSH server in it.
///
/// # Errors
/// When the packages cannot be had.
pub fn sshd() -> Result<PathBuf> {
    debian("sshd", SSHD)
}

/// Google Cloud Storage's stand-in, built from source in half a minute.
///
/// # Errors
/// When Go or the module cannot be had.
pub fn fake_gcs() -> Result<PathBuf> {
    Ok(go("fake-gcs-server", FAKE_GCS)?.join("fake-gcs-server"))
}

/// An S3 service over a directory, built from source in a minute or two.
///
/// # Errors
/// When Go or the module cannot be had.
pub fn versitygw() -> Result<PathBuf> {
    Ok(go("versitygw", VERSITYGW)?.join("versitygw"))
}

/// A Python interpreter with an S3 service that takes the condition of a PUT and ignores it.
///
/// # Errors
/// When Python or a package cannot be had.
pub fn moto() -> Result<PathBuf> {
    Ok(environment("moto", MOTO)?.join("bin/python"))
}

fn go(name: &str, module: &str) -> Result<PathBuf> {
    once(&cache()?, name, &[module], |partial| {
        std::fs::create_dir_all(partial)?;
        run(Command::new("go")
            .args(["install", "-trimpath", "-ldflags=-s -w", module])
            .env("GOBIN", partial)
            .env("GOFLAGS", "-buildvcs=false")
            .current_dir("/"))
    })
}
