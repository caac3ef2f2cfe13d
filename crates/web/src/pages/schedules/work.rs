//! What a schedule does: from a form to the request, and to the words of the command that asks for the same.

use std::path::PathBuf;

use maud::{Markup, html};
use ostler_api::reach::host_of_cluster;
use ostler_api::request::{CheckVault, CreateBackup, Drill, Filter, Request, Retention, Selector, Verify};
use ostler_api::retention::{DEFAULT_SCHEMA, Floors, Pace, PolicyChoice, PolicyPlace};

use super::super::form::{Typed, field, needed};
use super::super::retention::{ONLY, place};

/// What the page can schedule. The command line can schedule more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Files,
    Cluster,
    Verify,
    Drill,
    Check,
    Tables,
}

impl Kind {
    pub const ALL: [Self; 6] = [
        Self::Files,
        Self::Cluster,
        Self::Verify,
        Self::Drill,
        Self::Check,
        Self::Tables,
    ];

    /// Its word in addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Cluster => "cluster",
            Self::Verify => "verify",
            Self::Drill => "drill",
            Self::Check => "check",
            Self::Tables => "tables",
        }
    }

    /// What it is, for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Files => "Back up files",
            Self::Cluster => "Back up a cluster",
            Self::Verify => "Read the newest backup back",
            Self::Drill => "Drill a restore",
            Self::Check => "Check a vault",
            Self::Tables => "Remove old rows of tables",
        }
    }

    /// By its word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Whether somebody may have it who is for some clusters only.
    pub fn is_of_a_cluster(self) -> bool {
        matches!(self, Self::Cluster | Self::Verify | Self::Drill)
    }

    pub fn makes_backups(self) -> bool {
        matches!(self, Self::Files | Self::Cluster)
    }
}

/// The fields that tell what is done.
pub(super) fn fields(kind: Kind, typed: &Typed) -> Markup {
    let vault = field("vault", "Vault", "Its name; the default one if empty.");
    let name = field(
        "backup_name",
        "Name of the backups (optional)",
        "Such as `nightly`.",
    );
    html! {
        @match kind {
            Kind::Files => {
                (typed.area(needed("path", "Paths on the server's machine, one a line", "In full, such as `/srv/data`.")))
                (typed.area(field("exclude", "Leave out, one pattern a line (optional)", "")))
                div.fields { (typed.line(name)) (typed.line(vault)) }
            }
            Kind::Cluster => {
                (typed.line(needed("cluster", "Cluster", "Its name in the configuration.")))
                div.fields { (typed.line(name)) (typed.line(vault)) }
            }
            Kind::Verify | Kind::Drill => {
                div.fields {
                    (typed.line(field("cluster", "Cluster", "Only its backups; those of any source if empty.")))
                    (typed.line(field("backup_name", "Name of the backups (optional)", "Only those with this name.")))
                    (typed.line(field("vault", "Vault", "Its name; any if empty.")))
                }
            }
            Kind::Check => {
                (typed.line(vault))
                (typed.several("read_data", "How", &[("true", "Read, decrypt and check every byte, not only presence and size")]))
            }
            Kind::Tables => {
                div.fields {
                    (typed.line(field("database", "Database", "Its name in the configuration; the only one if empty.")))
                    (typed.line(field("policy", "Policies", "Their names, with commas between; all if empty.")))
                    (typed.line(field("tags", "Tags", "Only policies with all of these.")))
                }
            }
        }
    }
}

/// The words of the command, and its request.
pub(super) fn read(kind: Kind, typed: &mut Typed) -> (Vec<String>, Request) {
    match kind {
        Kind::Files | Kind::Cluster => backup(kind, typed),
        Kind::Verify | Kind::Drill => newest(kind, typed),
        Kind::Check => {
            let check = CheckVault {
                vault: typed.text("vault"),
                read_data: typed.is_ticked("read_data", "true"),
            };
            let mut words = spoken(["vault", "check"]);
            words.extend(check.read_data.then(|| "--read-data".to_owned()));
            if let Some(vault) = &check.vault {
                words.extend(["--".to_owned(), vault.clone()]);
            }
            (words, Request::CheckVault(check))
        }
        Kind::Tables => tables(typed),
    }
}

fn backup(kind: Kind, typed: &mut Typed) -> (Vec<String>, Request) {
    let mut create = CreateBackup {
        vault: typed.text("vault"),
        name: typed.text("backup_name"),
        ..CreateBackup::default()
    };
    match kind {
        Kind::Cluster => create.cluster = Some(typed.needed("cluster")),
        _ => {
            create.exclude = typed.lines("exclude");
            create.paths = typed.lines("path").into_iter().map(PathBuf::from).collect();
            // As the command line does: their order means nothing.
            create.paths.sort();
            create.paths.dedup();
            if create.paths.is_empty() {
                typed.wrong("path", "name at least one path");
            }
            if let Some(path) = create.paths.iter().find(|path| !path.is_absolute()) {
                let message = format!("`{}` does not begin with a slash", path.display());
                typed.wrong("path", message);
            }
        }
    }
    let mut words = spoken(["backup", "create"]);
    words.extend(option("cluster", create.cluster.as_ref()));
    words.extend(option("name", create.name.as_ref()));
    words.extend(option("vault", create.vault.as_ref()));
    words.extend(create.exclude.iter().map(|glob| format!("--exclude={glob}")));
    words.extend(create.paths.iter().map(|path| path.display().to_string()));
    (words, Request::CreateBackup(create))
}

fn newest(kind: Kind, typed: &Typed) -> (Vec<String>, Request) {
    let backup = Selector {
        vault: typed.text("vault"),
        backup: "latest".to_owned(),
        filter: Filter {
            host: typed.text("cluster").map(|cluster| host_of_cluster(&cluster)),
            name: typed.text("backup_name"),
            ..Filter::default()
        },
    };
    let narrowed = [
        option("vault", backup.vault.as_ref()),
        option("host", backup.filter.host.as_ref()),
        option("name", backup.filter.name.as_ref()),
    ];
    let (mut words, request) = match kind {
        Kind::Drill => (
            spoken(["backup", "drill", "latest"]),
            Request::Drill(Drill {
                backup,
                scratch: None,
                check: None,
                start: false,
            }),
        ),
        _ => (
            spoken(["backup", "verify", "latest", "--read-data"]),
            Request::Verify(Verify {
                backup,
                read_data: true,
                part: None,
                include: Vec::new(),
            }),
        ),
    };
    words.extend(narrowed.into_iter().flatten());
    (words, request)
}

fn tables(typed: &Typed) -> (Vec<String>, Request) {
    let choice = PolicyChoice {
        names: typed.list("policy"),
        tags: typed.list("tags").into_iter().collect(),
    };
    let database = typed.text("database");
    let mut words = spoken(["retention", "run"]);
    let place = place(database.as_deref().unwrap_or(ONLY));
    words.extend(option("database", place.database.name.as_ref()));
    let schema = Some(&place.schema).filter(|schema| *schema != DEFAULT_SCHEMA);
    words.extend(option("schema", schema));
    words.extend(choice.names.iter().map(|name| format!("--policy={name}")));
    words.extend(choice.tags.iter().map(|tag| format!("--tags={tag}")));
    (words, Request::Retention(by_policy(place, choice)))
}

/// What policies say, with nothing said instead.
pub(in crate::pages) fn by_policy(place: PolicyPlace, choice: PolicyChoice) -> Retention {
    Retention {
        place,
        choice,
        strategy: None,
        cutoff: None,
        time_zone: None,
        partition_rule: None,
        floors: Floors::default(),
        estimate: false,
        explain: false,
        pace: Pace::default(),
    }
}

fn spoken<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}

fn option(name: &str, value: Option<&String>) -> Option<String> {
    value.map(|value| format!("--{name}={value}"))
}
