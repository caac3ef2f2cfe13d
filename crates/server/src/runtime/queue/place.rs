//! Which database, and a session there.

use ostler_api::queue::DatabaseChoice;
use ostler_postgres::{Connection, Dsn, Options, Target};
use ostler_vocabulary::{ErrorKind, Failure};

use crate::Error;
use crate::settings::Settings;

/// Variables that say by themselves which server or database is meant.
const TELLING: &[&str] = &["PGHOST", "PGHOSTADDR", "PGDATABASE"];

/// How to get to the database that is meant.
pub(crate) fn target(settings: &Settings, choice: &DatabaseChoice) -> Result<Target, Failure> {
    let environment = |name: &str| settings.environment.get(name).map(str::to_owned);
    if let Some(text) = &choice.dsn {
        let dsn = Dsn::parse(text)?;
        refuse_password(&dsn)?;
        return Ok(Target::resolve(&dsn, &environment)?);
    }
    let names: Vec<&String> = settings.file.database.keys().collect();
    let name = match (&choice.name, names.as_slice()) {
        (Some(name), _) => name,
        (None, [only]) => *only,
        (None, _) if names_a_server(settings) => {
            return Ok(Target::resolve(&Dsn::default(), &environment)?);
        }
        (None, []) => {
            return Err(request(
                "no database is named",
                "say `--dsn postgresql://user@host/database`, set PGHOST or PGDATABASE, or add [database.NAME] to the configuration",
            ));
        }
        (None, _) => {
            let known: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
            return Err(request(
                "several databases are configured, and none is named",
                &format!("say `--database NAME`; there are: {}", known.join(", ")),
            ));
        }
    };
    configured(settings, name)
}

/// Whether the environment says which server of PostgreSQL is meant.
pub(crate) fn names_a_server(settings: &Settings) -> bool {
    TELLING
        .iter()
        .any(|name| settings.environment.get(name).is_some())
}

/// A database of the configuration.
pub(crate) fn configured(settings: &Settings, name: &str) -> Result<Target, Failure> {
    let Some(database) = settings.file.database.get(name) else {
        let known: Vec<&str> = settings.file.database.keys().map(String::as_str).collect();
        let hint = match known.as_slice() {
            [] => format!("add [database.{name}] to {}", settings.config_file.display()),
            known => format!("there are: {}", known.join(", ")),
        };
        return Err(Error::Request {
            message: format!("no database is called `{name}`"),
            kind: ErrorKind::NotFound,
            hint: Some(hint),
        }
        .into());
    };
    let mut dsn = Dsn::parse(&database.dsn)?;
    if let Some(reference) = &database.password {
        let what = format!("the password of database `{name}`");
        let secret = reference.resolve(&what, settings.base(), &settings.environment)?;
        dsn = dsn.with_password(secret);
    }
    let environment = |name: &str| settings.environment.get(name).map(str::to_owned);
    Ok(Target::resolve(&dsn, &environment)?.called(name))
}

/// Everybody can read a command line.
fn refuse_password(dsn: &Dsn) -> Result<(), Failure> {
    match dsn.password() {
        None => Ok(()),
        Some(_) => Err(request(
            "there is a password in the connection string, where everybody can read it",
            "leave it out: PGPASSWORD, ~/.pgpass, or [database.NAME] with `password = { file = \"…\" }` have it",
        )),
    }
}

fn request(message: &str, hint: &str) -> Failure {
    Error::Request {
        message: message.to_owned(),
        kind: ErrorKind::Invalid,
        hint: Some(hint.to_owned()),
    }
    .into()
}

/// A session there.
pub(super) async fn open(target: &Target) -> Result<Connection, Failure> {
    let options = Options {
        application_name: Some("ostler".to_owned()),
        statement_timeout: None,
    };
    Ok(Connection::open(target, &options).await?)
}
