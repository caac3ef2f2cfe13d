//! Vaults.

use axum::Json;
use axum::extract::{Path, State};
use ostler_api::document::{KeyList, VaultInfo, VaultList};

use crate::problem::Problem;
use crate::serve::Web;

/// Stands for the default vault in a path.
pub(crate) const DEFAULT: &str = "-";

pub(super) async fn list(State(web): State<Web>) -> Result<Json<VaultList>, Problem> {
    Ok(Json(web.client().vaults().await?))
}

pub(super) async fn show(
    State(web): State<Web>,
    Path(vault): Path<String>,
) -> Result<Json<VaultInfo>, Problem> {
    Ok(Json(web.client().vault(named(&vault)).await?))
}

pub(super) async fn keys(
    State(web): State<Web>,
    Path(vault): Path<String>,
) -> Result<Json<KeyList>, Problem> {
    Ok(Json(web.client().keys(named(&vault)).await?))
}

fn named(vault: &str) -> Option<&str> {
    (vault != DEFAULT).then_some(vault)
}
