//! Who may do what: every route there is, for every role and scope, against a real server.

use std::collections::BTreeMap;

use ostler_testkit::binary::Ostler;
use ostler_web::{Guarded, Reach, Role, guarded};

use crate::people::{Answer, send, sign_in};
use crate::served::{self, Served};

use Reach::{Clusters, Everything};
use Role::{Admin, Operator, Viewer};

/// A rule as it is meant: the least role and the reach, or anybody. With what is sent, so that whoever may gets past the
/// guard: an answer that is neither 401 nor 403.
type Rule = (&'static str, Needed, &'static str);
type Needed = Option<(Role, Reach)>;

const NOBODY_MADE: &str = r#"{"digest": "0123456789abcdef"}"#;

/// A route that is not here fails the test: whoever adds one says here who may use it.
const RULES: &[Rule] = &[
    ("GET /v1/openapi.json", Some((Viewer, Clusters)), ""),
    ("GET /v1/vaults", Some((Viewer, Everything)), ""),
    ("POST /v1/vaults", Some((Admin, Everything)), r#"{"name": "a/b"}"#),
    ("GET /v1/vaults/{vault}", Some((Viewer, Everything)), ""),
    ("GET /v1/vaults/{vault}/keys", Some((Viewer, Everything)), ""),
    ("GET /v1/clusters", Some((Viewer, Clusters)), ""),
    ("GET /v1/clusters/{cluster}", Some((Viewer, Clusters)), ""),
    ("GET /v1/clusters/{cluster}/status", Some((Viewer, Clusters)), ""),
    (
        "GET /v1/clusters/{cluster}/exploration",
        Some((Viewer, Clusters)),
        "",
    ),
    ("GET /v1/connections", Some((Operator, Everything)), ""),
    ("GET /v1/databases", Some((Operator, Everything)), ""),
    ("GET /v1/backups", Some((Viewer, Clusters)), ""),
    ("GET /v1/backups/{backup}", Some((Viewer, Clusters)), ""),
    ("GET /v1/backups/{backup}/files", Some((Viewer, Clusters)), ""),
    ("GET /v1/backups/{backup}/content", Some((Operator, Clusters)), ""),
    (
        "POST /v1/backups/{backup}/marks",
        Some((Operator, Clusters)),
        r#"{"mark": "release"}"#,
    ),
    (
        "POST /v1/diff",
        Some((Viewer, Clusters)),
        r#"{"from": {"vault": null, "backup": "aaaaaaaa"}, "to": {"vault": null, "backup": "bbbbbbbb"}}"#,
    ),
    (
        "POST /v1/plans",
        Some((Operator, Clusters)),
        r#"{"kind": "verify", "backup": {"vault": null, "backup": "aaaaaaaa"}}"#,
    ),
    ("POST /v1/operations", Some((Operator, Clusters)), NOBODY_MADE),
    ("GET /v1/operations", Some((Viewer, Clusters)), ""),
    ("GET /v1/operations/{operation}", Some((Viewer, Clusters)), ""),
    (
        "GET /v1/operations/{operation}/events",
        Some((Viewer, Clusters)),
        "",
    ),
    (
        "POST /v1/operations/{operation}/cancel",
        Some((Operator, Clusters)),
        "",
    ),
    (
        "POST /v1/operations/{operation}/resume",
        Some((Operator, Clusters)),
        "",
    ),
    (
        "POST /v1/operations/{operation}/limits",
        Some((Operator, Clusters)),
        "{}",
    ),
    ("GET /v1/history", Some((Viewer, Everything)), ""),
    (
        "POST /v1/queues",
        Some((Operator, Everything)),
        r#"{"database": {"name": "nowhere"}, "call": {"call": "status"}}"#,
    ),
    (
        "POST /v1/schedules",
        Some((Operator, Clusters)),
        r#"{"call": "list"}"#,
    ),
    (
        "POST /v1/webhooks",
        Some((Operator, Everything)),
        r#"{"call": "list"}"#,
    ),
    ("GET /v1/audit", Some((Admin, Everything)), ""),
    ("GET /v1/metrics", Some((Viewer, Everything)), ""),
    ("POST /v1/metrics/refresh", Some((Operator, Everything)), ""),
    ("GET /metrics", Some((Viewer, Everything)), ""),
    (
        "POST /v1/retention",
        Some((Operator, Everything)),
        r#"{"place": {"database": {"name": "nowhere"}, "schema": "ext"}, "call": {"call": "tags"}}"#,
    ),
    ("GET /sign-in", None, ""),
    ("POST /sign-in", None, "token=wrong"),
    ("GET /enter/{link}", None, ""),
    ("POST /enter/{link}", None, ""),
    ("GET /assets/{name}", None, ""),
    ("GET /", Some((Viewer, Clusters)), ""),
    ("GET /backups", Some((Viewer, Clusters)), ""),
    ("GET /backups/new", Some((Operator, Everything)), ""),
    ("GET /backups/{vault}/{backup}", Some((Viewer, Clusters)), ""),
    (
        "GET /backups/{vault}/{backup}/files",
        Some((Viewer, Clusters)),
        "",
    ),
    (
        "GET /backups/{vault}/{backup}/file",
        Some((Operator, Clusters)),
        "",
    ),
    (
        "POST /backups/{vault}/{backup}/hold",
        Some((Operator, Clusters)),
        "held=true",
    ),
    (
        "POST /plans",
        Some((Operator, Clusters)),
        "action=verify&vault=default&backup=aaaaaaaa",
    ),
    ("GET /clusters", Some((Viewer, Clusters)), ""),
    ("GET /clusters/{cluster}", Some((Viewer, Clusters)), ""),
    (
        "GET /clusters/{cluster}/exploration",
        Some((Viewer, Clusters)),
        "",
    ),
    ("GET /operations", Some((Viewer, Clusters)), ""),
    (
        "POST /operations",
        Some((Operator, Clusters)),
        "digest=0123456789abcdef",
    ),
    ("GET /operations/{operation}", Some((Viewer, Clusters)), ""),
    (
        "POST /operations/{operation}/cancel",
        Some((Operator, Clusters)),
        "",
    ),
    (
        "POST /operations/{operation}/resume",
        Some((Operator, Clusters)),
        "",
    ),
    ("GET /schedules", Some((Viewer, Clusters)), ""),
    ("POST /schedules", Some((Operator, Clusters)), "work=cluster"),
    ("GET /schedules/new", Some((Operator, Clusters)), ""),
    ("GET /schedules/{schedule}/{verb}", Some((Viewer, Clusters)), ""),
    (
        "POST /schedules/{schedule}/{verb}",
        Some((Operator, Clusters)),
        "",
    ),
    ("GET /retention", Some((Operator, Everything)), ""),
    ("GET /retention/{database}", Some((Operator, Everything)), ""),
    (
        "POST /retention/{database}",
        Some((Operator, Everything)),
        "table=public.events&keep=1d",
    ),
    ("GET /retention/{database}/new", Some((Operator, Everything)), ""),
    (
        "GET /retention/{database}/{policy}/{verb}",
        Some((Operator, Everything)),
        "",
    ),
    (
        "POST /retention/{database}/{policy}/{verb}",
        Some((Operator, Everything)),
        "",
    ),
    ("GET /webhooks", Some((Operator, Everything)), ""),
    ("POST /webhooks", Some((Admin, Everything)), "name=pager"),
    ("POST /webhooks/{webhook}/{verb}", Some((Admin, Everything)), ""),
    ("GET /audit", Some((Admin, Everything)), ""),
    ("GET /vaults", Some((Viewer, Everything)), ""),
    ("POST /vaults", Some((Admin, Everything)), "name="),
    ("GET /vaults/new", Some((Admin, Everything)), ""),
    ("GET /vaults/{vault}", Some((Viewer, Everything)), ""),
    ("GET /settings", Some((Viewer, Everything)), ""),
    ("POST /sign-out", Some((Viewer, Clusters)), ""),
];

/// What is at parameters of paths: nothing that is there.
fn address(method: &str, path: &str) -> String {
    let parts = path.split('/').map(|part| match part {
        "{vault}" => "default",
        "{cluster}" => "shop",
        "{backup}" => "aaaaaaaa",
        "{operation}" => "3f2a9c010405060708090a0b0c0d0e0f",
        "{link}" => "ostler_wrong",
        "{name}" => "style.css",
        "{schedule}" | "{webhook}" => "nightly",
        "{database}" | "{policy}" => "nowhere",
        "{verb}" if path.starts_with("/webhooks") => "test",
        "{verb}" if path.starts_with("/retention") => "remove",
        "{verb}" if method == "GET" => "show",
        "{verb}" => "pause",
        other if other.starts_with('{') => panic!("what is at {other} of {path}?"),
        other => other,
    });
    let parts: Vec<&str> = parts.collect();
    match parts.join("/") {
        path if path.ends_with("/content") || path.ends_with("/file") => format!("{path}?path=%2Fx"),
        path => path,
    }
}

fn name(route: &Guarded) -> String {
    format!("{} {}", route.method, route.path)
}

fn rules() -> BTreeMap<&'static str, (Needed, &'static str)> {
    RULES
        .iter()
        .map(|(route, needed, body)| (*route, (*needed, *body)))
        .collect()
}

fn ask(port: u16, route: &Guarded, body: &str, credentials: (&str, &str)) -> Answer {
    let kind = match route.is_page {
        true => "application/x-www-form-urlencoded",
        false => "application/json",
    };
    let headers = [credentials, ("content-type", kind)];
    // Events of what is not there end at once, those of nothing else are asked for.
    send(
        port,
        route.method,
        &address(route.method, route.path),
        &headers,
        body,
    )
}

/// A home with a vault, and tokens for each role with each scope.
fn home() -> (Ostler, Vec<(Role, Reach, String)>) {
    let home = served::home();
    let letter = home.home().join("letter");
    std::fs::write(&letter, "Dear reader").unwrap();
    home.ok(["backup", "create", "letter"]);
    let mut tokens = Vec::new();
    for role in Role::ALL {
        for (reach, more) in [(Everything, &[][..]), (Clusters, &["--cluster", "shop"])] {
            let name = format!("{role}-{reach:?}");
            let add = ["token", "add", name.as_str(), "--role", role.as_str()];
            let token = home.ok(add.iter().chain(more));
            tokens.push((role, reach, token.trim().to_owned()));
        }
    }
    (home, tokens)
}

#[test]
fn every_route_has_the_rule_that_is_meant() {
    let rules = rules();
    assert_eq!(rules.len(), RULES.len(), "a route has two rules");
    for route in guarded() {
        let Some((needed, _)) = rules.get(name(&route).as_str()) else {
            panic!("{} has no rule: say above who may use it", name(&route));
        };
        assert_eq!(route.needed, *needed, "{}", name(&route));
    }
    assert_eq!(guarded().len(), rules.len(), "a rule is about no route");
}

#[test]
fn every_route_lets_in_who_may_and_nobody_else() {
    let (home, tokens) = home();
    let server = Served::start(&home, &[]);
    let port = server.port();
    let rules = rules();
    let mut asked = 0;
    for route in guarded() {
        let (needed, body) = rules[name(&route).as_str()];
        let nobody = ask(port, &route, body, ("x-nobody", "asks"));
        let Some((role, reach)) = needed else {
            // They look at secrets themselves: these are wrong, and nobody is sent away.
            let expected = match (route.method, route.path) {
                ("POST", "/sign-in") => 401,
                ("POST", _) => 403,
                _ => 200,
            };
            assert_eq!(nobody.status, expected, "{}", name(&route));
            continue;
        };
        match route.is_page {
            true => {
                assert_eq!(nobody.status, 303, "{}", name(&route));
                assert_eq!(nobody.headers["location"], "/sign-in", "{}", name(&route));
            }
            false => assert_eq!(nobody.status, 401, "{}", name(&route)),
        }
        for (of, scope, token) in &tokens {
            let may = *of >= role && (*scope == Everything || reach == Clusters);
            let answer = ask(port, &route, body, ("authorization", &format!("Bearer {token}")));
            let refused = matches!(answer.status, 401 | 403);
            assert_eq!(
                refused,
                !may,
                "{} by a {of} of {scope:?}: {} {}",
                name(&route),
                answer.status,
                answer.body
            );
            asked += 1;
        }
    }
    assert!(asked > 200, "{asked}");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_browser_changes_nothing_without_the_form_s_token() {
    let (home, _) = home();
    let password = home.json(["user", "add", "ada", "--role", "admin"])["password"].clone();
    let server = Served::start(&home, &[]);
    let port = server.port();
    let entered = sign_in(port, "ada", password.as_str().unwrap());
    let cookie = entered.cookie();
    // That they were refused is written down, and nothing else is.
    let changes = || {
        let mut list = home.json(["audit", "list", "--limit", "100000"]);
        let changes = list["changes"].as_array_mut().unwrap();
        changes.retain(|change| change["action"] != "request");
        list
    };
    let before = changes();
    for route in guarded() {
        let (needed, body) = rules()[name(&route).as_str()];
        if route.method != "POST" || needed.is_none() {
            continue;
        }
        let guessed = match route.is_page {
            true => format!("{body}&form_token=guessed"),
            false => body.to_owned(),
        };
        for body in [body, &guessed] {
            let answer = ask(port, &route, body, ("cookie", &cookie));
            assert_eq!(answer.status, 403, "{}", name(&route));
        }
    }
    assert_eq!(changes(), before, "something was changed");
    assert_eq!(server.stop(), Some(0));
}
