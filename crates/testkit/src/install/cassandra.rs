//! Apache Cassandra, as Maven has it, and the JDK that runs it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::{cache, debian, once, run};

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

    /// What `sstableloader` needs besides, and the release does not say.
    fn more(self) -> &'static str {
        match self {
            Self::Four => {
                "<dependency><groupId>com.datastax.cassandra</groupId><artifactId>cassandra-driver-core</artifactId>\
                 <version>3.11.5</version><classifier>shaded</classifier><exclusions><exclusion><groupId>*</groupId>\
                 <artifactId>*</artifactId></exclusion></exclusions></dependency>"
            }
            Self::Five => "",
        }
    }

    /// The directory with its jars.
    ///
    /// # Errors
    /// When Maven or a package cannot be had.
    pub fn jars(self) -> Result<PathBuf> {
        java()?;
        let package = format!("org.apache.cassandra:cassandra-all:{}", self.version());
        once(
            &cache()?,
            self.name(),
            &[&package, self.more(), COPY],
            |partial| {
                std::fs::create_dir_all(partial)?;
                let pom = partial.join("pom.xml");
                std::fs::write(
                    &pom,
                    format!(
                        "<project><modelVersion>4.0.0</modelVersion><groupId>tests</groupId><artifactId>cassandra</artifactId>\
                     <version>1</version><packaging>pom</packaging><dependencies><dependency>\
                     <groupId>org.apache.cassandra</groupId><artifactId>cassandra-all</artifactId>\
                     <version>{}</version></dependency>{}</dependencies></project>",
                        self.version(),
                        self.more()
                    ),
                )?;
                run(Command::new("mvn")
                    .args(["--batch-mode", "--quiet", "-f"])
                    .arg(&pom)
                    .args([COPY, "-DincludeScope=runtime"])
                    .arg(format!("-DoutputDirectory={}", partial.display())))
            },
        )
    }
}

/// The `java` of release 17, which Cassandra wants and no later one: the one of `JAVA17`, of this machine, or of Debian's package,
/// unpacked.
///
/// # Errors
/// When `JAVA17` names none, or the package cannot be had.
pub fn java() -> Result<PathBuf> {
    if let Some(home) = std::env::var_os("JAVA17").map(PathBuf::from) {
        ensure!(
            java_of(&home).is_file(),
            "JAVA17 is {}, where there is no bin/java",
            home.display()
        );
        return Ok(java_of(&home));
    }
    let homes = Path::new("/usr/lib/jvm");
    if let Some(java) = java_17(homes) {
        return Ok(java);
    }
    let unpacked = debian("jre-17", &["openjdk-17-jre-headless"])?;
    java_17(&unpacked.join("usr/lib/jvm")).context("Debian's package of Java 17 has none")
}

/// The first Java 17 of a directory of homes.
fn java_17(homes: &Path) -> Option<PathBuf> {
    let homes = std::fs::read_dir(homes).ok()?.flatten();
    homes
        .filter(|home| home.file_name().to_string_lossy().contains("17"))
        .map(|home| java_of(&home.path()))
        .filter(|java| java.is_file())
        .min()
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
