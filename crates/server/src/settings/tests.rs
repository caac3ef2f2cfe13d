//! The configuration file, its template and how it is resolved.

use std::collections::BTreeSet;
use std::path::Path;

use ostler_vocabulary::{Classified as _, ErrorKind};

use super::edit::{References, VaultEntry};
use super::environment::{Environment, VARIABLES};
use super::file::File;
use super::keys::all;
use super::pages::template;
use super::reference::Reference;
use super::{Flags, Settings, parse};
use crate::Error;

fn environment(home: &Path, more: &[(&str, &str)]) -> Environment {
    let home = ("HOME".to_owned(), home.display().to_string());
    Environment::of(
        more.iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .chain([home]),
    )
}

fn read(text: &str) -> Result<File, Error> {
    let file = parse(text, Path::new("/c.toml"))?;
    super::check::check(&file, Path::new("/c.toml"))?;
    Ok(file)
}

#[test]
fn what_config_init_prints_means_the_defaults() {
    assert_eq!(read(&template()).unwrap(), File::default());
}

#[test]
fn every_key_of_the_template_can_be_set() {
    let mut all = String::new();
    for line in template().lines() {
        let code = line.strip_prefix('#').unwrap_or(line);
        if !code.starts_with(' ') {
            let named = code
                .replace("[vault.NAME", "[vault.main")
                .replace("as = \"NAME\"", "as = \"main\"")
                .replace("[cluster.NAME", "[cluster.shop")
                .replace(".node.NODE]", ".node.a]")
                .replace("quorum = 2", "quorum = 1");
            all.push_str(&named);
            all.push('\n');
        }
    }
    let file = read(&all).unwrap_or_else(|e| panic!("{e}\n{all}"));
    assert_eq!(file.keep.daily, Some(14));
    assert!(file.vault["main"].s3.secret_key.is_some());
    assert!(file.vault["main"].sftp.config_file.is_some());
}

#[test]
fn every_key_that_is_read_is_in_the_table() {
    for (table, start) in [
        ("", ""),
        ("defaults", "[defaults]\n"),
        ("backup", "[backup]\n"),
        ("backup.hooks", "[backup.hooks]\n"),
        ("keep", "[keep]\n"),
        ("history", "[history]\n"),
        ("vault.NAME", "[vault.x]\nlocation='/v'\n"),
        ("vault.NAME.s3", "[vault.x]\nlocation='/v'\n[vault.x.s3]\n"),
        ("vault.NAME.azure", "[vault.x]\nlocation='/v'\n[vault.x.azure]\n"),
        ("vault.NAME.gcs", "[vault.x]\nlocation='/v'\n[vault.x.gcs]\n"),
        ("vault.NAME.sftp", "[vault.x]\nlocation='/v'\n[vault.x.sftp]\n"),
        (
            "vault.NAME.limits",
            "[vault.x]\nlocation='/v'\n[vault.x.limits]\n",
        ),
        ("vault.NAME.retry", "[vault.x]\nlocation='/v'\n[vault.x.retry]\n"),
        ("cache", "[cache]\n"),
        ("prices.NAME", "[prices.x]\n"),
        ("database.NAME", "[database.x]\ndsn='host=h'\n"),
        ("class.NAME", "[class.x]\nlocation='/v'\n"),
        ("ticker", "[ticker]\n"),
        ("audit", "[audit]\n"),
        ("serve", "[serve]\n"),
        ("outgoing", "[outgoing]\n"),
        ("metrics", "[metrics]\n"),
        ("state", "[state]\n"),
        ("agent", "[agent]\n"),
        ("cluster.NAME", "[cluster.x]\n"),
        ("cluster.NAME.driver", "[cluster.x.driver]\n"),
        ("cluster.NAME.node.NODE", "[cluster.x.node.a]\naddress='h:1'\n"),
    ] {
        let version = if table.is_empty() { "" } else { "version = 1\n" };
        let error = read(&format!("{version}{start}zzz = 1\n"))
            .unwrap_err()
            .to_string();
        let (_, expected) = error.split_once("expected ").unwrap_or_else(|| panic!("{error}"));
        let read: BTreeSet<&str> = expected.split('`').skip(1).step_by(2).collect();
        let tables = [
            "defaults", "backup", "keep", "history", "vault", "hooks", "s3", "azure", "gcs", "sftp",
            "database", "ticker", "outgoing", "metrics", "cache", "prices", "class", "limits", "retry",
            "agent", "cluster", "node", "driver", "audit", "serve", "state",
        ];
        let known: BTreeSet<&str> = all().filter(|k| k.table == table).map(|k| k.name).collect();
        let read: BTreeSet<&str> = read
            .into_iter()
            .filter(|name| known.contains(name) || !tables.contains(name))
            .collect();
        assert_eq!(read, known, "[{table}]");
    }
}

#[test]
fn errors_name_file_key_and_cure() {
    for (text, key, reason) in [
        ("", "line 1", "missing field `version`"),
        ("version = 2", "version", "version 1 only"),
        ("version = 1\n[kep]\n", "line 2", "unknown field `kep`"),
        ("version = 1\n[keep]\nlast = \"x\"\n", "line 3", "invalid type"),
        (
            "version = 1\n[history]\nkeep = \"5 parsecs\"\n",
            "line 3",
            "not a length of time",
        ),
        (
            "version = 1\n[state]\ndsn = \"postgresql://o:hunter2@h/o\"\n",
            "state.dsn",
            "password",
        ),
        (
            "version = 1\n[state]\ndsn = \"mysql://h/o\"\n",
            "state.dsn",
            "something else",
        ),
        (
            "version = 1\n[state]\npassword = { env = \"X\" }\n",
            "state.password",
            "no `state.dsn`",
        ),
        (
            "version = 1\n[state]\nschema = \"a-b\"\n",
            "state.schema",
            "cannot be",
        ),
        (
            "version = 1\n[vault.a]\nlocation = \"\"\n",
            "vault.a.location",
            "empty",
        ),
        (
            "version = 1\n[vault.a]\nlocation = \"s3://k:hunter2@b/p\"\n",
            "vault.a.location",
            "password",
        ),
        (
            "version = 1\n[vault.a]\nlocation = \"s3://b\"\n[vault.a.s3]\nendpoint = \"https://k:hunter2@b\"\n",
            "vault.a.s3.endpoint",
            "password",
        ),
        (
            "version = 1\n[vault.a]\nlocation = \"/v\"\nkey = \"hunter2\"\n",
            "line 4",
            "",
        ),
        (
            "version = 1\n[vault.\"a b\"]\nlocation = \"/v\"\n",
            "vault.a b",
            "letters",
        ),
        (
            "version = 1\n[defaults]\nvault = \"other\"\n",
            "defaults.vault",
            "no [vault.other]",
        ),
    ] {
        let error = read(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{text}");
        let message = error.to_string();
        assert!(message.starts_with("/c.toml: "), "{message}");
        assert!(message.contains(key) && message.contains(reason), "{message}");
        assert!(error.hint().is_some(), "{message}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
}

#[test]
fn flags_win_over_environment_over_file_over_defaults() {
    let home = tempfile::tempdir().unwrap();
    let none = Settings::resolve(&Flags::default(), environment(home.path(), &[])).unwrap();
    assert_eq!(none.config_file, home.path().join(".config/ostler/config.toml"));
    assert_eq!(none.state_directory, home.path().join(".local/share/ostler"));
    assert_eq!(none.vault_names(), ["default"]);
    assert_eq!(
        none.vault("default").unwrap().location,
        home.path().join(".local/share/ostler/vault").to_string_lossy()
    );

    std::fs::create_dir_all(none.base()).unwrap();
    let text = "version = 1\n[defaults]\nvault = \"a\"\n[vault.a]\nlocation = \"/a\"\n[vault.b]\nlocation = \"/b\"\n";
    std::fs::write(&none.config_file, text).unwrap();
    let filed = Settings::resolve(&Flags::default(), environment(home.path(), &[])).unwrap();
    assert_eq!(filed.file.defaults.vault, "a");
    let variables = [
        ("OSTLER_VAULT", "b"),
        ("OSTLER_STATE_DIR", "/s"),
        ("XDG_DATA_HOME", "/x"),
    ];
    let environed = Settings::resolve(&Flags::default(), environment(home.path(), &variables)).unwrap();
    assert_eq!(environed.file.defaults.vault, "b");
    assert_eq!(environed.state_directory, Path::new("/s"));
    let flags = Flags {
        config: None,
        state_directory: Some("/flag".into()),
        ..Flags::default()
    };
    let flagged = Settings::resolve(&flags, environment(home.path(), &variables)).unwrap();
    assert_eq!(flagged.state_directory, Path::new("/flag"));
    let shown: Vec<String> = flagged
        .show()
        .iter()
        .map(|s| format!("{} = {} ({})", s.key, s.value, s.source))
        .collect();
    for line in [
        "state directory = \"/flag\" (flag)",
        "defaults.vault = \"b\" (environment)",
        "vault.a.location = \"/a\" (file)",
        "history.keep = \"90d\" (default)",
    ] {
        assert!(shown.contains(&line.to_owned()), "{line} in {shown:#?}");
    }
    assert_eq!(flagged.vault("c").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(flagged.vault("./c").unwrap().location, "./c");
}

#[test]
fn a_named_file_that_is_missing_is_an_error() {
    let home = tempfile::tempdir().unwrap();
    let variables = [("OSTLER_CONFIG", "/nonexistent/config.toml")];
    let error = Settings::resolve(&Flags::default(), environment(home.path(), &variables)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn an_added_vault_is_read_back_and_the_rest_stays() {
    let home = tempfile::tempdir().unwrap();
    let vault = VaultEntry {
        name: "off-site".into(),
        location: "s3://bucket/a \"b\"".into(),
        opened_by: References {
            key: Some(Reference::File("/k".into())),
            ..References::default()
        },
    };
    let settings = Settings::resolve(&Flags::default(), environment(home.path(), &[])).unwrap();
    settings.with_vault(&vault).unwrap().apply().unwrap();
    let settings = Settings::resolve(&Flags::default(), environment(home.path(), &[])).unwrap();
    assert_eq!(settings.file.vault["off-site"].location, vault.location);
    assert_eq!(settings.file.vault["off-site"].key, vault.opened_by.key);
    assert_eq!(
        settings.with_vault(&vault).unwrap_err().kind(),
        ErrorKind::Invalid
    );
    let commented = format!("# mine\n{}# end", settings.text.as_deref().unwrap());
    std::fs::write(&settings.config_file, &commented).unwrap();
    let settings = Settings::resolve(&Flags::default(), environment(home.path(), &[])).unwrap();
    let other = VaultEntry {
        name: "b.c".into(),
        ..vault
    };
    settings.with_vault(&other).unwrap().apply().unwrap();
    let text = std::fs::read_to_string(&settings.config_file).unwrap();
    assert!(text.starts_with(&commented), "{text}");
    assert!(read(&text).unwrap().vault.contains_key("b.c"));
}

#[test]
fn a_file_that_somebody_else_changed_is_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let resolve = || Settings::resolve(&Flags::default(), environment(home.path(), &[])).unwrap();
    let settings = resolve();
    let file = settings.config_file.clone();
    settings.append("[vault.a]\nlocation = \"/a\"\n").unwrap();
    let changed = settings.append("[vault.b]\nlocation = \"/b\"\n").unwrap_err();
    assert_eq!(changed.kind(), ErrorKind::Conflict, "{changed:?}");

    let entry = VaultEntry {
        name: "c".into(),
        location: "/c".into(),
        opened_by: References::default(),
    };
    let prepared = resolve().with_vault(&entry).unwrap();
    drop(resolve().with_vault(&entry).unwrap());
    std::fs::write(&file, "version = 1 # mine\n").unwrap();
    assert_eq!(prepared.apply().unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "version = 1 # mine\n");
    let beside = std::fs::read_dir(file.parent().unwrap()).unwrap();
    assert_eq!(beside.count(), 1, "what is not put in force is gone");
}

#[test]
fn a_vault_that_is_configured_gets_what_opens_it_and_nothing_else_changes() {
    let home = tempfile::tempdir().unwrap();
    let resolve = || Settings::resolve(&Flags::default(), environment(home.path(), &[])).unwrap();
    let config = resolve().config_file;
    std::fs::create_dir_all(config.parent().unwrap()).unwrap();
    let text = "version = 1\n[vault.a] # by hand\nlocation = \"s3://bucket/a\"\n\n[vault.a.s3]\nregion = \"x\"\n                [vault.b]\nlocation = \"/b\"\n";
    std::fs::write(&config, text).unwrap();
    let mut vault = VaultEntry {
        name: "a".into(),
        location: "s3://bucket/a".into(),
        opened_by: References {
            age_identity: Some(Reference::File("/id".into())),
            ..References::default()
        },
    };
    resolve().with_vault(&vault).unwrap().apply().unwrap();
    let changed = std::fs::read_to_string(&config).unwrap();
    assert_eq!(
        changed,
        text.replace("# by hand\n", "# by hand\nage_identity = { file = \"/id\" }\n")
    );
    assert_eq!(resolve().file.vault["a"].s3.region.as_deref(), Some("x"));
    let again = resolve().with_vault(&vault).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Invalid, "what opens it is not replaced");
    vault.name = "b".into();
    assert!(resolve().with_vault(&vault).is_err(), "it is another vault");
    std::fs::write(
        &config,
        "version = 1\nvault = { a = { location = \"s3://bucket/a\" } }\n",
    )
    .unwrap();
    vault.name = "a".into();
    let error = resolve().with_vault(&vault).unwrap_err();
    assert!(
        error
            .hint()
            .unwrap()
            .contains("age_identity = { file = \"/id\" }"),
        "{error:?}"
    );
}

#[test]
fn secrets_come_by_reference_and_are_never_shown() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("k"), "hunter2\n").unwrap();
    let variables = environment(home.path(), &[("PASS", "hunter2")]);
    for reference in [
        Reference::File("k".into()),
        Reference::File("~/k".into()),
        Reference::Env("PASS".into()),
    ] {
        let secret = reference.resolve("the key", home.path(), &variables).unwrap();
        assert_eq!(secret.reveal(), "hunter2");
        assert!(!format!("{secret:?} {variables:?}").contains("hunter2"));
    }
    let missing = Reference::Env("MISSING".into()).resolve("the key", home.path(), &variables);
    assert_eq!(
        missing.unwrap_err().to_string(),
        "the key from { env = \"MISSING\" }: the variable MISSING is not set"
    );
}

#[test]
fn variables_are_declared_once() {
    let names: BTreeSet<&str> = VARIABLES.iter().map(|v| v.name).collect();
    assert_eq!(names.len(), VARIABLES.len());
}

#[test]
fn a_change_overrules_lifts_or_leaves_each_limit() {
    use ostler_api::client::LimitChange;
    use ostler_store::Rates;
    use ostler_vocabulary::ByteSize;

    use super::changed;

    let rates = Rates {
        upload: Some(ByteSize(10)),
        download: Some(ByteSize(20)),
        requests: None,
    };
    assert_eq!(changed(rates, LimitChange::default()), rates);
    let change = LimitChange {
        upload: Some(ByteSize(0)),
        download: Some(ByteSize(5)),
        requests: Some(7),
        ..LimitChange::default()
    };
    let now = Rates {
        upload: None,
        download: Some(ByteSize(5)),
        requests: Some(7),
    };
    assert_eq!(changed(rates, change), now);
}
