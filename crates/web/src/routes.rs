//! Every route there is, with who may use it.

use crate::access::{Reach, Role};
use crate::v1::Method;
use crate::{pages, v1};

/// A route and its rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guarded {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The path, with parameters in braces.
    pub path: &'static str,
    /// The least role and the reach; `None` for anybody.
    pub needed: Option<(Role, Reach)>,
    /// Whether it is a page, rather than of the API.
    pub is_page: bool,
}

/// All routes of API and dashboard. The routers are made from the same tables.
#[must_use]
pub fn guarded() -> Vec<Guarded> {
    let api = v1::routes().iter().map(|route| Guarded {
        method: word(route.method),
        path: route.path,
        needed: Some((route.role, route.reach)),
        is_page: false,
    });
    let pages = pages::routes().iter().map(|route| Guarded {
        method: word(route.method),
        path: route.path,
        needed: route.needed,
        is_page: true,
    });
    api.chain(pages).collect()
}

fn word(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
    }
}
