//! What the table of keys is made into: the file that `config init` prints, and the reference page.

use std::fmt::Write as _;

use super::keys::{all, is_named};

/// What a table is about, as a comment above it.
fn about(table: &str) -> &'static str {
    match table {
        "defaults" => "What is meant where the command line says nothing",
        "backup" => "What every backup does",
        "backup.hooks" => "Commands around every backup, to quiesce a service",
        "keep" => {
            "What `backup prune` keeps. A backup is kept when any rule keeps it; with no rule at all, everything is kept"
        }
        "history" => "The history of operations",
        "vault.NAME" => {
            "A vault. Without any, a vault named `default` is in the state directory, opened by a key file beside it"
        }
        "ticker" => "The ticker of queues: `queue ticker`",
        "class.NAME" => {
            "A class of storage, by whose name policies say where data are kept. At least one of `location`, `tablespace`, `attribute` and `repository`"
        }
        "agent" => "What `ostler agent` works with, beside a node of a cluster",
        "cluster.NAME" => "A cluster, for whoever makes and restores its backups; `cluster init` writes it",
        "cluster.NAME.node.NODE" => "A node of that cluster",
        "database.NAME" => "A PostgreSQL database, or a server of them",
        "outgoing" => {
            "Which addresses that users give may be called. Link-local ones and metadata services never are"
        }
        "state" => {
            "Where Ostler keeps its own state: schedules, operations, users, audit log. Another place needs a restart"
        }
        "metrics" => "What Prometheus is told: `ostler serve --roles metrics`, `ostler metrics`",
        "cache" => "What is kept of vaults in the user's cache directory; it may be deleted at any time",
        "prices.NAME" => {
            "A price list, for estimates of cost. There are no prices but those that are written here"
        }
        "vault.NAME.limits" => {
            "What that vault's requests wait for, in each process; `operation limit` changes it for one that runs"
        }
        "vault.NAME.retry" => "How that vault's requests are made again, where it is no local directory",
        "vault.NAME.s3" => "How that vault's S3 service is reached",
        "vault.NAME.azure" => "How that vault's Azure storage account is reached",
        "vault.NAME.gcs" => "How Google Cloud Storage is reached for that vault",
        "vault.NAME.sftp" => {
            "How that vault's host is reached by SSH: the command ssh is used, with its configuration"
        }
        _ => "Configuration of Ostler. Every key with its default; keys without one are commented out",
    }
}

/// A configuration file with every key, its default and a comment. It means the same as no file.
#[must_use]
pub fn template() -> String {
    let mut text = String::new();
    let mut table = "nothing yet";
    for key in all() {
        let is_named_table = is_named(key.table);
        if key.table != table {
            table = key.table;
            let blank = if text.is_empty() { "" } else { "\n" };
            let _ = writeln!(text, "{blank}# {}.", about(table));
            if !table.is_empty() {
                let _ = writeln!(text, "{}[{table}]", if is_named_table { "#" } else { "" });
            }
        }
        let off = if is_named_table || key.default.is_none() {
            "#"
        } else {
            ""
        };
        let _ = writeln!(text, "# {}.", key.meaning);
        let _ = writeln!(text, "{off}{} = {}", key.name, key.default.unwrap_or(key.example));
    }
    text
}

/// The page `docs/reference/configuration.md`.
#[must_use]
pub fn reference() -> String {
    let mut text = String::from(
        "# Configuration\n\n\
         Generated from the settings table; do not edit.\n\n\
         One TOML file: `--config`, else `$OSTLER_CONFIG`, else `$XDG_CONFIG_HOME/ostler/config.toml`, else\n\
         `~/.config/ostler/config.toml`. It is optional; `ostler config init` prints it with every key. Unknown keys are\n\
         refused. Defaults are overruled by the file, the file by the environment, the environment by flags.\n\
         Durations are written `90s`, `15m`, `12h`, `7d`, `4w`, `6mo`, `1y`. Secrets are never in the file: it says where\n\
         they come from, `{ file = \"…\" }` (relative to the file, `~` is the home directory), `{ env = \"…\" }`, or\n\
         `{ keyring = \"…\" }` (asked by `secret-tool` or `keyctl`, where one is installed; see\n\
         [keys](../guides/keys.md)).\n",
    );
    let mut table = "nothing yet";
    for key in all() {
        if key.table != table {
            table = key.table;
            let title = if table.is_empty() {
                "Top".to_owned()
            } else {
                format!("`[{table}]`")
            };
            let _ = write!(
                text,
                "\n## {title}\n\n{}.\n\n| Key | Default | Meaning |\n|---|---|---|\n",
                about(table)
            );
        }
        let default = key
            .default
            .map_or_else(|| "none".to_owned(), |d| format!("`{d}`"));
        let _ = writeln!(
            text,
            "| `{}` | {default} | {} |",
            key.name,
            key.meaning.replace('|', "\\|")
        );
    }
    text.push_str(
        "\n## Environment\n\nA file `.env` in the working directory is read too: `NAME=value` lines, `#` comments, quotes; nothing is\n\
         expanded. What the process's environment has wins over it. It sets variables of this table, and those that\n\
         `{ env = \"…\" }` of the configuration refers to, for Ostler alone: no hook or other child process gets them. It never\n\
         sets `OSTLER_CONFIG`, `OSTLER_STATE_DIR`, `OSTLER_VAULT`, `OSTLER_SERVER_CA`, `NOTIFY_SOCKET`, `HOME`,\n\
         `XDG_CONFIG_HOME`, `XDG_DATA_HOME` or a proxy. A file that belongs to another user, or that others can write to, is\n\
         ignored with a warning.\n\n| Variable | Meaning |\n|---|---|\n",
    );
    for variable in super::environment::VARIABLES {
        let _ = writeln!(text, "| `{}` | {} |", variable.name, variable.meaning);
    }
    text
}
