//! Vaults and databases of the configuration, and whether what it names answers.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use ostler_api::document::{ConnectionList, DatabaseList, KeyList, VaultInfo, VaultList};
use ostler_api::vault::NewVault;

use super::json;
use crate::access::Identity;
use crate::problem::Problem;
use crate::serve::Web;

/// Stands for the default vault in a path.
pub(crate) const DEFAULT: &str = "-";

pub(super) async fn list(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
) -> Result<Json<VaultList>, Problem> {
    Ok(Json(web.client(&identity).vaults().await?))
}

pub(super) async fn make(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    body: Bytes,
) -> Result<Json<VaultInfo>, Problem> {
    let vault: NewVault = json(&body)?;
    Ok(Json(web.client(&identity).make_vault(vault).await?))
}

pub(super) async fn show(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Path(vault): Path<String>,
) -> Result<Json<VaultInfo>, Problem> {
    Ok(Json(web.client(&identity).vault(named(&vault)).await?))
}

pub(super) async fn keys(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Path(vault): Path<String>,
) -> Result<Json<KeyList>, Problem> {
    Ok(Json(web.client(&identity).keys(named(&vault)).await?))
}

pub(super) async fn databases(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
) -> Result<Json<DatabaseList>, Problem> {
    Ok(Json(web.client(&identity).databases().await?))
}

pub(super) async fn connections(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
) -> Result<Json<ConnectionList>, Problem> {
    Ok(Json(web.client(&identity).connections().await?))
}

fn named(vault: &str) -> Option<&str> {
    (vault != DEFAULT).then_some(vault)
}
