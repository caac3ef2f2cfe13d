//! Clusters of the configuration.

use axum::Json;
use axum::extract::{Extension, Path, State};
use ostler_api::document::{ClusterExploration, ClusterInfo, ClusterList, ClusterStatus};

use crate::access::Identity;
use crate::problem::Problem;
use crate::serve::Web;

pub(super) async fn list(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
) -> Result<Json<ClusterList>, Problem> {
    Ok(Json(web.client(&identity).clusters().await?))
}

pub(super) async fn show(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Path(cluster): Path<String>,
) -> Result<Json<ClusterInfo>, Problem> {
    Ok(Json(web.client(&identity).cluster(&cluster).await?))
}

pub(super) async fn status(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Path(cluster): Path<String>,
) -> Result<Json<ClusterStatus>, Problem> {
    Ok(Json(web.client(&identity).cluster_status(&cluster).await?))
}

pub(super) async fn exploration(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Path(cluster): Path<String>,
) -> Result<Json<ClusterExploration>, Problem> {
    Ok(Json(web.client(&identity).cluster_exploration(&cluster).await?))
}
