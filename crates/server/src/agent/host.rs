//! What an agent answers with: the node of this machine, over the vault of its own configuration.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ostler_agent::{Bounds, Confined};
use ostler_api::Node;
use ostler_api::metrics::{Family, FamilyKind, Sample};
use ostler_store::{Count, Memory, Verb};
use ostler_vault::{InitOptions, Vault};
use ostler_vocabulary::{ErrorKind, Failure, SystemClock};
use ostler_wire::{Ask, Caller, Host};

use super::Kept;
use crate::runtime::Runtime;

/// How long the store of the vault may take to answer when a coordinator asks for the agent's state.
const VAULT_ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// The node beside this agent.
#[derive(Debug)]
pub(super) struct Beside {
    runtime: Runtime,
    bounds: Arc<Bounds>,
    /// A request may be the second attempt of one that was cut off: what that left is used.
    kept: Kept,
    /// For what has nothing to do with a vault: an empty one in memory.
    nothing: Arc<Vault>,
}

impl Beside {
    pub(super) async fn new(runtime: Runtime, bounds: Arc<Bounds>, kept: Kept) -> Result<Self, Failure> {
        let options = InitOptions {
            protect: Vec::new(),
            clock: Arc::new(SystemClock::default()),
        };
        let nothing = Vault::init(Arc::new(Memory::new()), options).await?.vault;
        Ok(Self {
            runtime,
            bounds,
            kept,
            nothing: Arc::new(nothing),
        })
    }

    /// Why the vault of the configuration cannot be opened, if so.
    async fn vault_problem(&self) -> Option<String> {
        let name = self.runtime.settings().file.agent.vault.clone();
        let opening = self.runtime.opened_anew(name.as_deref());
        match tokio::time::timeout(VAULT_ANSWERS_WITHIN, opening).await {
            Ok(Ok(_)) => None,
            Ok(Err(failure)) => Some(failure.messages().join(": ")),
            Err(_) => Some(format!(
                "its vault does not answer within {} s",
                VAULT_ANSWERS_WITHIN.as_secs()
            )),
        }
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
        let node = self.over(vault);
        Ok(Arc::new(match ask {
            Ask::Info => node.with_vault_problem(self.vault_problem().await),
            _ => node,
        }))
    }

    async fn families(&self) -> Vec<Family> {
        let mut families = vec![Family::of(
            "ostler_build_info",
            FamilyKind::Gauge,
            "1; the version that answers and its node are its labels.",
            vec![Sample::of(
                &[
                    ("version", env!("CARGO_PKG_VERSION")),
                    ("node", &self.bounds.node),
                ],
                1.0,
            )],
        )];
        // Without a look at the roots there is still the rest.
        let roots = self.over(Arc::clone(&self.nothing)).info().await;
        let roots = roots.map_or_else(|_| Vec::new(), |info| info.roots);
        let free = roots
            .iter()
            .map(|root| Sample::of(&[("root", &root.name)], root.free as f64));
        families.push(Family::of(
            "ostler_agent_root_free_bytes",
            FamilyKind::Gauge,
            "Bytes that are free where a root is.",
            free.collect(),
        ));
        families.extend(self.store_families());
        families
    }
}

impl Beside {
    fn over(&self, vault: Arc<Vault>) -> Confined {
        let node = self.runtime.node_of_agent(vault, self.kept.clone());
        Confined::new(node, Arc::clone(&self.bounds))
    }

    /// What was asked of the store of the vault.
    fn store_families(&self) -> Vec<Family> {
        let vault = self.runtime.settings().file.agent.vault.as_deref();
        let counters = self.runtime.meters(&self.runtime.present_vault(vault)).counters;
        let by_verb = |value: &dyn Fn(Count) -> f64| {
            let verbs = VERBS.iter();
            verbs
                .map(|(name, verb)| Sample::of(&[("verb", name)], value(counters.of(*verb))))
                .collect::<Vec<_>>()
        };
        let counter = FamilyKind::Counter;
        vec![
            Family::of(
                "ostler_agent_store_requests_total",
                counter,
                "Requests to the store of the vault, each try on its own.",
                by_verb(&|count| count.requests as f64),
            ),
            Family::of(
                "ostler_agent_store_failed_total",
                counter,
                "Those that were not answered as they should.",
                by_verb(&|count| count.failed as f64),
            ),
            Family::of(
                "ostler_agent_store_bytes_total",
                counter,
                "Bytes of objects sent to the store and received from it.",
                by_verb(&|count| count.bytes as f64),
            ),
        ]
    }
}

const VERBS: [(&str, Verb); 6] = [
    ("create", Verb::Create),
    ("get", Verb::Get),
    ("get_range", Verb::GetRange),
    ("head", Verb::Head),
    ("list", Verb::List),
    ("delete", Verb::Delete),
];
