//! What an agent answers with: the node of this machine, over the vault of its own configuration.

use std::sync::Arc;

use async_trait::async_trait;
use ostler_agent::{Bounds, Confined};
use ostler_api::Node;
use ostler_store::Memory;
use ostler_vault::{InitOptions, Vault};
use ostler_vocabulary::{ErrorKind, Failure, SystemClock};
use ostler_wire::{Ask, Caller, Host};

use super::unfinished::Unfinished;
use crate::runtime::Runtime;

/// The node beside this agent.
#[derive(Debug)]
pub(super) struct Beside {
    runtime: Runtime,
    bounds: Arc<Bounds>,
    /// A request may be the second attempt of one that was cut off: what that left is used.
    unfinished: Arc<Unfinished>,
    /// For what has nothing to do with a vault: an empty one in memory.
    nothing: Arc<Vault>,
}

impl Beside {
    pub(super) async fn new(
        runtime: Runtime,
        bounds: Arc<Bounds>,
        unfinished: Arc<Unfinished>,
    ) -> Result<Self, Failure> {
        let options = InitOptions {
            protect: Vec::new(),
            clock: Arc::new(SystemClock::default()),
        };
        let nothing = Vault::init(Arc::new(Memory::new()), options).await?.vault;
        Ok(Self {
            runtime,
            bounds,
            unfinished,
            nothing: Arc::new(nothing),
        })
    }

    /// The vault of the configuration, opened now: keys may have changed since the last request.
    async fn vault(&self, caller: &Caller) -> Result<Arc<Vault>, Failure> {
        let name = self.runtime.settings().file.agent.vault.clone();
        let (name, vault) = self.runtime.opened_anew(name.as_deref()).await?;
        match caller.vault {
            Some(meant) if meant == vault.id() => Ok(vault),
            _ => Err(Failure::new(
                ErrorKind::Conflict,
                format!("this agent's vault `{name}` is not the one that is meant"),
            )
            .with_hint("[agent] vault has to be the vault that the cluster's backups go to")),
        }
    }
}

#[async_trait]
impl Host for Beside {
    async fn node(&self, caller: &Caller, ask: &Ask) -> Result<Arc<dyn Node>, Failure> {
        let vault = match ask.needs_vault() {
            true => self.vault(caller).await?,
            false => Arc::clone(&self.nothing),
        };
        let node = self.runtime.node_of_agent(vault, Arc::clone(&self.unfinished));
        Ok(Arc::new(Confined::new(node, Arc::clone(&self.bounds))))
    }
}
