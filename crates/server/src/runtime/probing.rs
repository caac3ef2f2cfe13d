//! What a vault's store can do: tried before a vault is made, and when somebody asks.

use std::sync::Arc;

use ostler_api::document::{StoreAbility, StoreProbe, VaultInfo};
use ostler_store::Store;
use ostler_store::probe::{Answer, Capabilities, Decision, Verdict, probe};
use ostler_vault::{ProbeRecord, Vault, Writers, scratch};
use ostler_vocabulary::{ErrorKind, Failure};

use super::Runtime;

/// What was found, and for how many writers a vault may be made; an error where none may.
pub(super) async fn look(store: &Arc<dyn Store>, locks: bool) -> Result<(Capabilities, Writers), Failure> {
    let found = probe(store, &scratch()).await?;
    let decision = found.decide(locks);
    let writers = match decision.verdict {
        Verdict::Fit => Writers::Many,
        Verdict::SingleWriter => Writers::One,
        Verdict::Refused => {
            let message = format!("the store cannot keep a vault: {}", decision.reasons.join("; "));
            return Err(Failure::new(ErrorKind::Unsupported, message)
                .with_hint("docs/guides/stores.md says what a store must be able to do, and which can"));
        }
    };
    Ok((found, writers))
}

impl Runtime {
    /// Tries what the store of a vault can do, and keeps the answer in the vault.
    ///
    /// # Errors
    /// When vault or store cannot be reached, or the store refuses to create objects.
    pub async fn probe_vault(&self, name: Option<&str>) -> Result<VaultInfo, Failure> {
        let opened = self.opened(name).await?;
        opened.vault.probe().await.map_err(|error| {
            Failure::from(error).context(format!("vault `{}`: cannot try its store", opened.name))
        })?;
        self.vault_info(&opened, None).await
    }
}

/// What is to be known of a vault's store, and warned of.
pub(super) fn described(vault: &Vault, probe: Option<&ProbeRecord>) -> (Option<StoreProbe>, Vec<String>) {
    let decision = probe.map(|probe| probe.capabilities.decide(vault.lock_span().is_some()));
    let mut warnings = Vec::new();
    let because = |decision: &Decision| decision.reasons.join("; ");
    match (vault.writers(), &decision) {
        (Writers::One, Some(decision)) if decision.verdict == Verdict::Fit => warnings.push(
            "this vault was made for one writer at a time and stays so, though its store needs that no longer".to_owned(),
        ),
        (Writers::One, Some(decision)) => warnings.push(format!(
            "this vault has one writer at a time, whoever else wants to write waits: {}",
            because(decision)
        )),
        (Writers::One, None) => warnings.push("this vault has one writer at a time".to_owned()),
        (Writers::Many, Some(decision)) if decision.verdict != Verdict::Fit => warnings.push(format!(
            "the store can do less than when this vault was made, and backups are in danger: {}",
            because(decision)
        )),
        (Writers::Many, _) => {}
    }
    warnings.extend(decision.iter().flat_map(|decision| decision.remarks.clone()));
    warnings.extend(vault.tampering().iter().map(|one| {
        let read = match one.is_readable {
            true => "what was written first is read",
            false => "no version of it is authentic",
        };
        format!("somebody overwrote or deleted `{}`: {read}", one.key)
    }));
    let document = probe.map(|probe| StoreProbe {
        at: probe.at,
        single_writer: vault.writers() == Writers::One,
        abilities: probe
            .capabilities
            .findings
            .iter()
            .map(|finding| StoreAbility {
                ability: finding.ability.to_string(),
                answer: match finding.answer {
                    Answer::Yes => "yes",
                    Answer::No => "no",
                    Answer::Unknown => "unknown",
                }
                .to_owned(),
                evidence: finding.evidence.clone(),
            })
            .collect(),
    });
    (document, warnings)
}
