//! Frees what no backup needs.
#![allow(missing_docs, clippy::todo, unused_variables, reason = "skeleton; to go")]

use std::sync::Arc;

use ostler_vocabulary::BackupId;
use serde::{Deserialize, Serialize};

use crate::{Error, Lease, Vault};

impl Vault {
    /// Works out what nothing would need if `gone` were deleted: packs to delete, packs to repack.
    pub async fn collect_plan(&self, gone: &[BackupId]) -> Result<CollectPlan, Error> {
        todo!()
    }
    /// Repacks, then writes new index segments, then deletes superseded segments and packs. Repeatable after a kill.
    pub async fn collect(
        self: &Arc<Self>,
        guard: &Lease,
        progress: &ostler_vocabulary::Progress,
        cancel: &tokio_util::sync::CancellationToken,
    ) -> Result<Collected, Error> {
        todo!()
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CollectPlan {
    pub free_packs: u64,
    pub free_bytes: u64,
    pub repack_packs: u64,
    pub repack_bytes: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collected {
    pub packs_deleted: u64,
    pub packs_rewritten: u64,
    pub bytes_freed: u64,
    pub objects_deleted: u64,
}
