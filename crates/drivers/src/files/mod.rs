//! Plain files: no database is asked to hold still. Agents hold files still themselves, as far as they can; what runs on them is
//! the user's business.

mod settings;
mod status;

use std::sync::Arc;

use async_trait::async_trait;
use ostler_api::document::{Problem, SystemStatus};
use ostler_api::node::Hold;
use ostler_backup::cluster::Member;
use ostler_backup::driver::{Driver, FILES, Look, Take};
use ostler_vault::ExternalRecord;
use ostler_vocabulary::{BackupId, Failure};
use tokio_util::sync::CancellationToken;

use crate::{Entry, Error, Wanted};

const NAME: &str = FILES;

/// The driver of plain files.
pub const ENTRY: Entry = Entry {
    name: NAME,
    commands: &[],
    demands: |_| std::collections::BTreeMap::new(),
    open,
};

#[derive(Debug)]
struct Files {
    hold: Option<Hold>,
}

fn open(wanted: Wanted) -> Result<Arc<dyn Driver>, Error> {
    Ok(Arc::new(Files {
        hold: settings::hold(&wanted)?,
    }))
}

#[async_trait]
impl Driver for Files {
    fn name(&self) -> &'static str {
        NAME
    }

    fn take(&self) -> Take {
        Take {
            hold: self.hold.clone(),
            ..Take::default()
        }
    }

    async fn look(&self, _: &[Member]) -> Result<Look, Failure> {
        Ok(Look::default())
    }

    async fn freeze(&self, _: &[Member], _: &CancellationToken) -> Result<Vec<(String, Failure)>, Failure> {
        Ok(Vec::new())
    }

    async fn release(&self, _: &[Member]) -> Result<(), Failure> {
        Ok(())
    }

    async fn store(&self, _: BackupId, _: &CancellationToken) -> Result<Vec<ExternalRecord>, Failure> {
        Ok(Vec::new())
    }

    async fn abandon(&self, _: BackupId) -> Result<(), Failure> {
        Ok(())
    }

    async fn check(&self, _: &[ExternalRecord]) -> Result<Vec<Problem>, Failure> {
        Ok(Vec::new())
    }

    async fn forget(&self, _: &[ExternalRecord]) -> Result<(), Failure> {
        Ok(())
    }

    async fn ready(&self, _: &[Member]) -> Result<(), Failure> {
        Ok(())
    }

    async fn recover(&self, _: &[ExternalRecord]) -> Result<(), Failure> {
        Ok(())
    }

    async fn status(&self, _: &[Member]) -> Result<SystemStatus, Failure> {
        Ok(status::of())
    }

    async fn act(&self, action: &str, _: &[Member]) -> Result<(), Failure> {
        Err(Error::Action {
            driver: NAME,
            action: action.to_owned(),
        }
        .into())
    }
}
