//! The table of pages: where they are, and who may see and use them.

use axum::routing::{MethodRouter, get, post};

use super::{
    assets, audit, backup, backups, clusters, exploration, files, operations, overview, plan, request,
    retention, schedules, settings, sign_in, vaults, webhooks,
};
use crate::access::{Reach, Role};
use crate::serve::Web;
use crate::v1::Method;

/// A page, or what its forms are sent to.
pub(crate) struct Route {
    pub method: Method,
    pub path: &'static str,
    /// The least role and the reach; `None` for anybody.
    pub needed: Option<(Role, Reach)>,
    pub handler: fn() -> MethodRouter<Web>,
}

macro_rules! page {
    ($method:ident $path:literal $role:ident $reach:ident, $handler:expr) => {
        Route {
            method: Method::$method,
            path: $path,
            needed: Some((Role::$role, Reach::$reach)),
            handler: $handler,
        }
    };
    ($method:ident $path:literal, $handler:expr) => {
        Route {
            method: Method::$method,
            path: $path,
            needed: None,
            handler: $handler,
        }
    };
}

/// Every page, and nothing else. Those without a role are for anybody. Whatever is sent is checked for the session's form
/// token by its handler.
#[rustfmt::skip]
pub(crate) fn routes() -> &'static [Route] {
    const ROUTES: &[Route] = &[
        page!(Get "/sign-in", || get(sign_in::ask)),
        page!(Post "/sign-in", || post(sign_in::by_secret)),
        page!(Get "/enter/{link}", || get(sign_in::offer)),
        page!(Post "/enter/{link}", || post(sign_in::by_link)),
        page!(Get "/assets/{name}", || get(assets::show)),
        page!(Get "/" Viewer Clusters, || get(overview::show)),
        page!(Get "/backups" Viewer Clusters, || get(backups::show)),
        page!(Get "/backups/new" Operator Everything, || get(request::new_backup)),
        page!(Get "/backups/{vault}/{backup}" Viewer Clusters, || get(backup::show)),
        page!(Get "/backups/{vault}/{backup}/files" Viewer Clusters, || get(files::show)),
        page!(Get "/backups/{vault}/{backup}/file" Operator Clusters, || get(files::download)),
        page!(Post "/backups/{vault}/{backup}/hold" Operator Clusters, || post(backup::hold)),
        page!(Post "/plans" Operator Clusters, || post(plan::show)),
        page!(Get "/clusters" Viewer Clusters, || get(clusters::list)),
        page!(Get "/clusters/{cluster}" Viewer Clusters, || get(clusters::show)),
        page!(Get "/clusters/{cluster}/exploration" Viewer Clusters, || get(exploration::show)),
        page!(Get "/operations" Viewer Clusters, || get(operations::list)),
        page!(Post "/operations" Operator Clusters, || post(operations::start)),
        page!(Get "/operations/{operation}" Viewer Clusters, || get(operations::show)),
        page!(Post "/operations/{operation}/cancel" Operator Clusters, || post(operations::cancel)),
        page!(Post "/operations/{operation}/resume" Operator Clusters, || post(operations::resume)),
        page!(Get "/schedules" Viewer Clusters, || get(schedules::list)),
        page!(Post "/schedules" Operator Clusters, || post(schedules::add)),
        page!(Get "/schedules/new" Operator Clusters, || get(schedules::new)),
        page!(Get "/schedules/{schedule}/{verb}" Viewer Clusters, || get(schedules::show)),
        page!(Post "/schedules/{schedule}/{verb}" Operator Clusters, || post(schedules::change)),
        page!(Get "/retention" Operator Everything, || get(retention::show)),
        page!(Get "/retention/{database}" Operator Everything, || get(retention::policies)),
        page!(Post "/retention/{database}" Operator Everything, || post(retention::add)),
        page!(Get "/retention/{database}/new" Operator Everything, || get(retention::new)),
        page!(Get "/retention/{database}/{policy}/{verb}" Operator Everything, || get(retention::one)),
        page!(Post "/retention/{database}/{policy}/{verb}" Operator Everything, || post(retention::change)),
        page!(Get "/webhooks" Operator Everything, || get(webhooks::show)),
        page!(Post "/webhooks" Admin Everything, || post(webhooks::add)),
        page!(Post "/webhooks/{webhook}/{verb}" Admin Everything, || post(webhooks::change)),
        page!(Get "/audit" Admin Everything, || get(audit::show)),
        page!(Get "/vaults" Viewer Everything, || get(vaults::list)),
        page!(Post "/vaults" Admin Everything, || post(vaults::new::make)),
        page!(Get "/vaults/new" Admin Everything, || get(vaults::new::ask)),
        page!(Get "/vaults/{vault}" Viewer Everything, || get(vaults::show)),
        page!(Get "/settings" Viewer Everything, || get(settings::show)),
        page!(Post "/sign-out" Viewer Clusters, || post(sign_in::leave)),
    ];
    ROUTES
}
