//! What a configuration file may not say.

use std::path::Path;

use super::file::File;
use super::{cluster, is_location, refuse_password, state};
use crate::Error;

/// Refuses what cannot be meant.
pub(super) fn check(file: &File, path: &Path) -> Result<(), Error> {
    let wrong = |key: &str, reason: &str, cure: &str| {
        Err(Error::Setting {
            file: path.display().to_string(),
            key: key.to_owned(),
            reason: reason.to_owned(),
            cure: cure.to_owned(),
        })
    };
    if file.version != 1 {
        return wrong(
            "version",
            "this version of Ostler reads version 1 only",
            "write `version = 1`, or use a newer Ostler",
        );
    }
    if file.metrics.refresh.0.is_zero() {
        return wrong(
            "metrics.refresh",
            "vaults would be looked at without a pause",
            "write how often, such as \"5m\"",
        );
    }
    if file.serve.certificate.is_some() != file.serve.key.is_some() {
        return wrong(
            "serve.certificate",
            "a certificate and its key are needed together",
            "write both `serve.certificate` and `serve.key`, or neither",
        );
    }
    for (name, vault) in &file.vault {
        let key = format!("vault.{name}.location");
        let is_letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || !name.chars().all(is_letter) {
            return wrong(
                &format!("vault.{name}"),
                "a vault's name has letters, digits, `-`, `_` and `.` only",
                "rename it",
            );
        }
        if vault.location.is_empty() {
            return wrong(
                &key,
                "it is empty",
                "write a directory, or an address such as s3://bucket/prefix",
            );
        }
        refuse_password(&vault.location, path, &key)?;
        if vault.limits.has_zero() {
            return wrong(
                &format!("vault.{name}.limits"),
                "a limit of 0 lets nothing pass",
                "leave it out for no limit",
            );
        }
        if let Some(list) = &vault.prices
            && !file.prices.contains_key(list)
        {
            return wrong(
                &format!("vault.{name}.prices"),
                &format!("no [prices.{list}] is configured"),
                "write that price list, or name another",
            );
        }
        if vault.retry.attempts == 0 {
            return wrong(
                &format!("vault.{name}.retry.attempts"),
                "it is 0",
                "write 1 for one try and no other",
            );
        }
        for (service, endpoint) in [
            ("s3", &vault.s3.endpoint),
            ("azure", &vault.azure.endpoint),
            ("gcs", &vault.gcs.endpoint),
        ] {
            if let Some(endpoint) = endpoint {
                refuse_password(endpoint, path, &format!("vault.{name}.{service}.endpoint"))?;
            }
        }
    }
    for (name, prices) in &file.prices {
        if !prices.is_sound() {
            return wrong(
                &format!("prices.{name}"),
                "a price is negative or no number",
                "write what a thousand requests or a gigabyte cost",
            );
        }
    }
    for (name, database) in &file.database {
        let key = format!("database.{name}.dsn");
        let parsed = match database.is_cratedb() {
            true => ostler_cratedb::Address::parse(&database.dsn)
                .map(|address| address.password().is_some())
                .map_err(|error| error.to_string()),
            false => ostler_postgres::Dsn::parse(&database.dsn)
                .map(|dsn| dsn.password().is_some())
                .map_err(|error| error.to_string()),
        };
        match parsed {
            Err(error) => {
                return wrong(
                    &key,
                    &error,
                    "write `postgresql://user@host/database` or `crate://user@host:4200`",
                );
            }
            Ok(true) => {
                return wrong(
                    &key,
                    "there is a password in it",
                    "take it out and refer to it: password = { env = \"NAME\" } or { file = \"…\" }",
                );
            }
            Ok(false) => {}
        }
    }
    for (name, class) in &file.class {
        let said = [
            (
                "location",
                &class.location,
                "write a directory, or an address such as s3://bucket/prefix",
            ),
            ("tablespace", &class.tablespace, "write the name of a tablespace"),
            (
                "attribute",
                &class.attribute,
                "write what nodes have: \"storage=warm\"",
            ),
            ("repository", &class.repository, "write the name of a repository"),
        ];
        if said.iter().all(|(_, text, _)| text.is_none()) {
            return wrong(
                &format!("class.{name}"),
                "it says nothing",
                "say one of location, tablespace, attribute, repository",
            );
        }
        for (key, text, cure) in said {
            let of_form = |text: &str| match key {
                "attribute" => text
                    .split_once('=')
                    .is_some_and(|(a, b)| !a.is_empty() && !b.is_empty()),
                _ => !text.trim().is_empty(),
            };
            if text.as_ref().is_some_and(|text| !of_form(text)) {
                return wrong(&format!("class.{name}.{key}"), "that is none", cure);
            }
        }
        if let Some(location) = &class.location {
            refuse_password(location, path, &format!("class.{name}.location"))?;
        }
        if let Some(vault) = &class.reached_as
            && !file.vault.contains_key(vault)
        {
            return wrong(
                &format!("class.{name}.as"),
                &format!("no [vault.{vault}] is configured"),
                "name one that is",
            );
        }
    }
    cluster::check(file, &wrong)?;
    state::check(file, &wrong)?;
    if file.ticker.wakeup_lag.0.is_zero() {
        return wrong("ticker.wakeup_lag", "it is 0", "write at least `1ms`");
    }
    let vault = &file.defaults.vault;
    if vault != "default" && !is_location(vault) && !file.vault.contains_key(vault) {
        return wrong(
            "defaults.vault",
            &format!("no [vault.{vault}] is configured"),
            "name one that is, or add it: `ostler vault add`",
        );
    }
    Ok(())
}
