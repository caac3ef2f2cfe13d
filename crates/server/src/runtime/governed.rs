//! Which database has the tables that are aged, and a session there: PostgreSQL, or CrateDB.

use ostler_api::retention::PolicyPlace;
use ostler_cratedb::Address;
use ostler_retention::Database;
use ostler_retention::cratedb::CrateDb;
use ostler_retention::postgres::Postgres;
use ostler_vocabulary::{ErrorKind, Failure};

use super::queue::{names_a_server, target};
use crate::Error;
use crate::settings::Settings;

/// A database with its policies, not yet connected to.
#[derive(Debug, Clone)]
pub(super) struct Governed {
    system: System,
    schema: String,
}

#[derive(Debug, Clone)]
enum System {
    Postgres(Box<ostler_postgres::Target>),
    CrateDb(Box<ostler_cratedb::Target>),
}

impl Governed {
    /// The one that is meant.
    ///
    /// # Errors
    /// When none is named, or it is not known.
    pub fn of(settings: &Settings, place: &PolicyPlace) -> Result<Self, Failure> {
        let system = match cratedb(settings, place)? {
            Some(target) => System::CrateDb(Box::new(target)),
            None => System::Postgres(Box::new(target(settings, &place.database)?)),
        };
        Ok(Self {
            system,
            schema: place.schema.clone(),
        })
    }

    /// A session there.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn open(&self) -> Result<Box<dyn Database>, Failure> {
        Ok(match &self.system {
            System::Postgres(target) => Box::new(Postgres::open(target, &self.schema).await?),
            System::CrateDb(target) => Box::new(CrateDb::open(target, &self.schema)?),
        })
    }
}

/// How to get to CrateDB, if that is what is meant.
fn cratedb(settings: &Settings, place: &PolicyPlace) -> Result<Option<ostler_cratedb::Target>, Failure> {
    let choice = &place.database;
    let environment = |name: &str| settings.environment.get(name).map(str::to_owned);
    let resolve = |address: &Address| ostler_cratedb::Target::resolve(address, &environment);
    if let Some(text) = choice.dsn.as_ref().filter(|text| Address::is_meant(text)) {
        let address = Address::parse(text)?;
        if address.password().is_some() {
            return Err(Error::Request {
                message: "there is a password in the address, where everybody can read it".to_owned(),
                kind: ErrorKind::Invalid,
                hint: Some(
                    "leave it out: CRATEDB_PASSWORD, or [database.NAME] with `password = { file = \"…\" }` have it"
                        .to_owned(),
                ),
            }
            .into());
        }
        return Ok(Some(resolve(&address)?));
    }
    if choice.dsn.is_some() {
        return Ok(None);
    }
    let databases = &settings.file.database;
    let only = || (databases.len() == 1).then(|| databases.keys().next()).flatten();
    let Some(name) = choice.name.as_ref().or_else(only) else {
        // Nothing is configured, or nothing is chosen: what the environment says, if PostgreSQL's says nothing.
        return match ostler_cratedb::Target::named_by(&environment)? {
            Some(address) if databases.is_empty() && !names_a_server(settings) => {
                Ok(Some(resolve(&address)?))
            }
            _ => Ok(None),
        };
    };
    let Some(database) = databases.get(name).filter(|database| database.is_cratedb()) else {
        return Ok(None);
    };
    let mut address = Address::parse(&database.dsn)?;
    if let Some(reference) = &database.password {
        let what = format!("the password of database `{name}`");
        address = address.with_password(reference.resolve(&what, settings.base(), &settings.environment)?);
    }
    Ok(Some(resolve(&address)?.called(name)))
}
