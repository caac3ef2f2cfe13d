//! `ostler retention policy import`

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use ostler_api::document::PolicyList;
use ostler_api::retention::RetentionCall;
use ostler_vocabulary::{ErrorKind, Failure};

use super::ask;
use crate::arguments::{PlaceArguments, path};
use crate::session::Session;

/// Add the policies of a file, all or none
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// What `export` printed; - is standard input
    #[arg(value_name = "FILE", value_parser = path())]
    file: PathBuf,

    /// Replace policies of the same names
    #[arg(long)]
    replace: bool,

    #[command(flatten)]
    place: PlaceArguments,
}

impl Import {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let text = read(&session.directory.join(&self.file), &self.file)?;
        let list: PolicyList = serde_json::from_str(&text).map_err(|error| {
            Failure::new(ErrorKind::Invalid, error.to_string())
                .context(format!("`{}` does not hold policies", self.file.display()))
        })?;
        if list.policies.is_empty() {
            let message = format!("`{}` holds no policy", self.file.display());
            return Err(Failure::new(ErrorKind::Invalid, message));
        }
        let call = RetentionCall::Import {
            policies: list.policies,
            replace: self.replace,
        };
        ask(session, self.place, call).await
    }
}

fn read(path: &Path, shown: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let done = if shown == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).map(drop)
    } else {
        std::fs::read_to_string(path).map(|read| text = read)
    };
    done.map(|()| text).map_err(|error| {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => ErrorKind::NotFound,
            std::io::ErrorKind::PermissionDenied => ErrorKind::Denied,
            _ => ErrorKind::Invalid,
        };
        Failure::new(kind, error.to_string()).context(format!("could not read `{}`", shown.display()))
    })
}
