//! The backend over a fake client.

use std::sync::Arc;

use ostler::reference::samples;
use ostler::{
    AddVault, Backend, ConfigCheck, ConfigShow, Control, InitVault, KeySheet, ServeRequest, Signal,
    TickerRequest, Variable,
};
use ostler_api::Client;
use ostler_api::document::VaultInfo;
use ostler_vocabulary::Failure;
use tokio::sync::mpsc;

use super::Fake;

#[derive(Debug)]
pub struct FakeBackend(pub Arc<Fake>);

#[async_trait::async_trait]
impl Backend for FakeBackend {
    async fn client(&self) -> Result<Arc<dyn Client>, Failure> {
        Ok(self.0.clone())
    }

    async fn init_vault(&self, request: InitVault) -> Result<VaultInfo, Failure> {
        self.0.ask(request)?;
        Ok(samples::vault_info())
    }

    async fn add_vault(&self, request: AddVault) -> Result<VaultInfo, Failure> {
        self.0.ask(request)?;
        Ok(samples::vault_info())
    }

    async fn probe_vault(&self, vault: Option<&str>) -> Result<VaultInfo, Failure> {
        self.0.ask(format!("probe {vault:?}"))?;
        Ok(samples::vault_info())
    }

    async fn key_sheet(
        &self,
        vault: Option<&str>,
        key_file: Option<std::path::PathBuf>,
    ) -> Result<KeySheet, Failure> {
        self.0.ask((vault, key_file))?;
        Ok(samples::key_sheet())
    }

    async fn run_ticker(&self, request: TickerRequest, _: mpsc::Receiver<Control>) -> Result<(), Failure> {
        self.0.ask(request)
    }

    async fn serve(&self, request: ServeRequest, _: mpsc::Receiver<Control>) -> Result<(), Failure> {
        self.0
            .ask(format_args!("ServeRequest {{ roles: {:?} }}", request.roles))
    }

    fn signal_ticker(&self, signal: Signal) -> Result<u32, Failure> {
        self.0.ask(signal)?;
        Ok(4711)
    }

    fn running_ticker(&self) -> Result<Option<u32>, Failure> {
        Ok(None)
    }

    fn ticker_log(&self) -> Result<std::path::PathBuf, Failure> {
        Ok("/state/ticker.log".into())
    }

    fn queue_schema(&self, roles: bool) -> String {
        format!("-- the schema, roles: {roles}\n")
    }

    fn check_config(&self) -> Result<ConfigCheck, Failure> {
        self.0.ask("check")?;
        Ok(samples::config_check())
    }

    fn show_config(&self) -> Result<ConfigShow, Failure> {
        self.0.ask("show")?;
        Ok(samples::config_show())
    }

    fn config_template(&self) -> String {
        "# Every key with its default.\nversion = 1\n".into()
    }

    fn variables(&self) -> Vec<Variable> {
        samples::variables()
    }
}
