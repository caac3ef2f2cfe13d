//! Apache Cassandra, as Maven has it, and the JDK that runs it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{cache, once, run};

const COPY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";

/// A release that is supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// 4.1, the oldest.
    Four,
    /// 5.0, the newest.
    Five,
}

impl Release {
    /// Its exact version.
    #[must_use]
    pub fn version(self) -> &'static str {
        match self {
            Self::Four => "4.1.10",
            Self::Five => "5.0.9",
        }
    }

    /// Its name in `OSTLER_REQUIRE`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Four => "cassandra-4.1",
            Self::Five => "cassandra-5.0",
        }
    }

    /// The directory with its jars.
    ///
    /// # Errors
    /// When Maven or a package cannot be had.
    pub fn jars(self) -> Result<PathBuf> {
        java()?;
        let package = format!("org.apache.cassandra:cassandra-all:{}", self.version());
        once(&cache()?, self.name(), &[&package, COPY], |partial| {
            std::fs::create_dir_all(partial)?;
            let pom = partial.join("pom.xml");
            std::fs::write(
                &pom,
                format!(
                    "<project><modelVersion>4.0.0</modelVersion><groupId>tests</groupId><artifactId>cassandra</artifactId>\
                     <version>1</version><packaging>pom</packaging><dependencies><dependency>\
                     <groupId>org.apache.cassandra</groupId><artifactId>cassandra-all</artifactId>\
                     <version>{}</version></dependency></dependencies></project>",
                    self.version()
                ),
            )?;
            run(Command::new("mvn")
                .args(["--batch-mode", "--quiet", "-f"])
                .arg(&pom)
                .args([COPY, "-DincludeScope=runtime"])
                .arg(format!("-DoutputDirectory={}", partial.display())))
        })
    }
}

/// The `java` of a JDK 17: later ones have not what Cassandra needs.
///
/// # Errors
/// When there is none.
pub fn java() -> Result<PathBuf> {
    let named = std::env::var_os("JAVA17").map(PathBuf::from);
    let found = std::fs::read_dir("/usr/lib/jvm").ok().and_then(|homes| {
        let homes = homes.flatten().map(|home| home.path());
        let is_17 = |home: &PathBuf| {
            let name = home.file_name().map(|name| name.to_string_lossy().into_owned());
            name.is_some_and(|name| name.contains("17")) && java_of(home).is_file()
        };
        homes.filter(is_17).min()
    });
    match named.or(found) {
        Some(home) if java_of(&home).is_file() => Ok(java_of(&home)),
        _ => bail!("there is no JDK 17 in /usr/lib/jvm, and JAVA17 names none"),
    }
}

fn java_of(home: &Path) -> PathBuf {
    home.join("bin/java")
}

/// The agent for memory that Cassandra loads, which is among its jars.
///
/// # Errors
/// When it is not there.
pub fn jamm(jars: &Path) -> Result<PathBuf> {
    let jars = std::fs::read_dir(jars)?.flatten().map(|jar| jar.path());
    let is_it = |jar: &PathBuf| {
        let name = jar.file_name().map(|name| name.to_string_lossy().into_owned());
        name.is_some_and(|name| name.starts_with("jamm-"))
    };
    jars.into_iter().find(is_it).context("Cassandra's jars lack jamm")
}
