//! The only place that knows `ostler_server`.

use std::sync::Arc;

use async_trait::async_trait;
use ostler_api::Client;
use ostler_api::document::VaultInfo;
use ostler_vocabulary::{ErrorKind, Failure};

use crate::backend::{AddVault, Backend, ConfigCheck, ConfigShow, InitVault, Options, Variable};

/// The backend of this process: the server's runtime without HTTP.
pub(crate) fn connect(options: Options) -> Arc<dyn Backend> {
    Arc::new(InProcess { options })
}

#[derive(Debug)]
struct InProcess {
    options: Options,
}

fn not_wired(options: &Options) -> Failure {
    Failure::new(ErrorKind::Unsupported, format!("the runtime is not wired yet ({options:?})"))
}

#[async_trait]
impl Backend for InProcess {
    async fn client(&self) -> Result<Arc<dyn Client>, Failure> {
        Err(not_wired(&self.options))
    }

    async fn init_vault(&self, _: InitVault) -> Result<VaultInfo, Failure> {
        Err(not_wired(&self.options))
    }

    async fn add_vault(&self, _: AddVault) -> Result<VaultInfo, Failure> {
        Err(not_wired(&self.options))
    }

    fn check_config(&self) -> Result<ConfigCheck, Failure> {
        Err(not_wired(&self.options))
    }

    fn show_config(&self) -> Result<ConfigShow, Failure> {
        Err(not_wired(&self.options))
    }

    fn config_template(&self) -> String {
        String::new()
    }

    fn variables(&self) -> Vec<Variable> {
        Vec::new()
    }
}
