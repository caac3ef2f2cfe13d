//! The files of `examples/config` are what people copy: each is a configuration.

use std::path::PathBuf;

use ostler_server::settings::environment::Environment;
use ostler_server::settings::{Flags, Settings};

#[test]
fn every_example_is_a_configuration_without_fault() {
    let examples = examples();
    assert!(examples.len() >= 3, "only {examples:?}");
    let state = tempfile::tempdir().unwrap();
    for example in examples {
        let flags = Flags {
            config: Some(example.clone()),
            state_directory: Some(state.path().to_path_buf()),
            ..Flags::default()
        };
        let settings = Settings::resolve(&flags, Environment::default())
            .unwrap_or_else(|fault| panic!("{}: {fault}", example.display()));
        assert!(settings.text.is_some(), "{} was not read", example.display());
        for name in settings.vault_names() {
            settings
                .vault(&name)
                .unwrap_or_else(|fault| panic!("{}: vault {name}: {fault}", example.display()));
        }
        settings
            .vault(&settings.file.defaults.vault)
            .unwrap_or_else(|fault| panic!("{}: the default vault: {fault}", example.display()));
    }
}

fn examples() -> Vec<PathBuf> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/config");
    let mut found: Vec<PathBuf> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "toml"))
        .collect();
    found.sort();
    found
}
