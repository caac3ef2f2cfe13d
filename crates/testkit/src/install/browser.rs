//! Debian's Chromium and the driver that tests steer it with.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::once::once;
use super::{cache, run};

/// What is wanted; what it needs besides depends on what the machine has.
const PACKAGES: &[&str] = &["chromium", "chromium-driver", "fonts-dejavu-core"];

/// Where the two programs are.
#[derive(Debug, Clone)]
pub struct Chromium {
    directory: PathBuf,
}

impl Chromium {
    /// The browser itself.
    #[must_use]
    pub fn browser(&self) -> PathBuf {
        self.directory.join("usr/lib/chromium/chromium")
    }

    /// Its driver, which speaks WebDriver.
    #[must_use]
    pub fn driver(&self) -> PathBuf {
        self.directory.join("usr/bin/chromedriver")
    }

    /// What both find their libraries by, as `NAME=VALUE`.
    #[must_use]
    pub fn environment(&self) -> String {
        let libraries = self.directory.join("usr/lib/x86_64-linux-gnu");
        format!("LD_LIBRARY_PATH={0}:{0}/pulseaudio", libraries.display())
    }
}

/// Chromium with its driver, unpacked with every package that this machine lacks, and not installed.
///
/// # Errors
/// When the packages cannot be had.
pub fn chromium() -> Result<Chromium> {
    let directory = once(&cache()?, "chromium", PACKAGES, |partial| {
        let downloads = partial.join("packages");
        std::fs::create_dir_all(&downloads)?;
        run(Command::new("apt-get")
            .args(["-q", "-o", "APT::Sandbox::User=root", "download"])
            .args(missing()?)
            .current_dir(&downloads))?;
        for package in std::fs::read_dir(&downloads)? {
            run(Command::new("dpkg-deb")
                .arg("-x")
                .arg(package?.path())
                .arg(partial))?;
        }
        std::fs::remove_dir_all(&downloads)?;
        Ok(())
    })?;
    let chromium = Chromium { directory };
    works(&chromium.browser(), &chromium.environment())?;
    Ok(chromium)
}

/// The packages that would be installed; all that were asked for among them.
fn missing() -> Result<Vec<String>> {
    let asked = Command::new("apt-get")
        .args(["-s", "--no-install-recommends", "install"])
        .args(PACKAGES)
        .output()
        .context("cannot run apt-get")?;
    if !asked.status.success() {
        bail!(
            "apt-get knows no Chromium: {}",
            String::from_utf8_lossy(&asked.stderr)
        );
    }
    let plan = String::from_utf8_lossy(&asked.stdout).into_owned();
    let mut packages: Vec<String> = plan
        .lines()
        .filter_map(|line| Some(line.strip_prefix("Inst ")?.split_whitespace().next()?.to_owned()))
        .collect();
    for package in ["chromium", "chromium-driver", "chromium-common"] {
        if !packages.iter().any(|one| one == package) {
            packages.push(package.to_owned());
        }
    }
    Ok(packages)
}

fn works(browser: &Path, environment: &str) -> Result<()> {
    run(Command::new("env").arg(environment).arg(browser).arg("--version"))
}
