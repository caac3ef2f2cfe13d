//! From a form to a request.

use std::collections::BTreeMap;
use std::path::PathBuf;

use axum::extract::{Extension, State};
use axum::response::Response;
use maud::{Markup, html};
use ostler_api::Request;
use ostler_api::document::VaultList;
use ostler_api::request::{CreateBackup, Delete, Drill, Filter, Overwrite, Prune, Restore, Verify};
use ostler_vocabulary::{ErrorKind, Failure};

use super::Page;
use super::backup::selector;
use super::fault::explained;
use super::form::Typed;
use super::frame::{form_token, page};
use super::{clusters, keep, retention};
use crate::access::Identity;
use crate::serve::Web;
use crate::v1::Pairs;

/// What a form asks for.
pub(super) fn of_form(form: &Pairs) -> Result<Request, Failure> {
    let text = |name| Ok::<_, Failure>(form.one(name)?.map(str::to_owned));
    let backup = || {
        let named = (form.one("vault")?, form.one("backup")?);
        match named {
            (Some(vault), Some(backup)) => Ok(selector(vault, backup)),
            _ => Err(invalid("no backup is named")),
        }
    };
    Ok(match form.one("action")? {
        Some("create_backup") => {
            let paths: Vec<PathBuf> = form.all("path").flat_map(lines).map(PathBuf::from).collect();
            let cluster = text("cluster")?;
            if paths.is_empty() && cluster.is_none() {
                return Err(invalid("name at least one path"));
            }
            if let (Some(path), None) = (paths.iter().find(|path| !path.is_absolute()), &cluster) {
                let message = format!("`{}` does not begin with a slash", path.display());
                return Err(invalid(&message).with_hint("paths are those of the server's machine, in full"));
            }
            Request::CreateBackup(CreateBackup {
                vault: text("vault")?,
                paths,
                name: text("name")?,
                tags: BTreeMap::new(),
                cluster,
                exclude: form.all("exclude").flat_map(lines).map(str::to_owned).collect(),
                ..CreateBackup::default()
            })
        }
        Some("verify") => verify(backup()?, false),
        Some("verify_data") => verify(backup()?, true),
        Some("drill") => Request::Drill(Drill {
            backup: backup()?,
            scratch: None,
            check: None,
            start: form.is_on("start")?,
        }),
        Some("delete") => Request::Delete(Delete {
            vault: text("vault")?,
            backups: vec![backup()?.backup],
            filter: Filter::default(),
            min_keep: None,
            below_floors: false,
        }),
        Some("restore") => {
            let to = form
                .path("to")?
                .ok_or_else(|| invalid("name the directory to restore to"))?;
            if !to.is_absolute() {
                return Err(invalid(&format!(
                    "`{}` does not begin with a slash",
                    to.display()
                )));
            }
            Request::Restore(Restore {
                backup: backup()?,
                to: Some(to),
                include: form.all("include").flat_map(lines).map(PathBuf::from).collect(),
                overwrite: Overwrite::Never,
                delete_extra: false,
                allow_incomplete: false,
                onto: None,
            })
        }
        Some("restore_onto") => Request::Restore(Restore {
            backup: backup()?,
            to: None,
            include: Vec::new(),
            overwrite: Overwrite::Never,
            delete_extra: false,
            allow_incomplete: false,
            onto: Some(clusters::onto(form)?),
        }),
        Some("prune") => {
            let mut typed = Typed::of(form.clone());
            let keep = keep::wished(&mut typed);
            typed.checked()?;
            Request::Prune(Prune {
                vault: text("vault")?,
                keep,
                ..Prune::default()
            })
        }
        Some("retention") => retention::wish(form)?,
        _ => return Err(invalid("the form asks for nothing that is known")),
    })
}

fn verify(backup: ostler_api::request::Selector, read_data: bool) -> Request {
    Request::Verify(Verify {
        backup,
        read_data,
        part: None,
        include: Vec::new(),
    })
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

fn invalid(message: &str) -> Failure {
    Failure::new(ErrorKind::Invalid, message)
}

pub(super) async fn new_backup(State(web): State<Web>, Extension(identity): Extension<Identity>) -> Page {
    ask(&web, &identity, &Pairs::default(), None).await
}

/// The form of a new backup, with what was typed, and what was wrong with it.
pub(super) async fn ask(web: &Web, identity: &Identity, typed: &Pairs, wrong: Option<&Failure>) -> Page {
    let vaults = web.client(identity).vaults().await?;
    Ok(form(identity, &vaults, typed, wrong))
}

fn form(identity: &Identity, vaults: &VaultList, typed: &Pairs, wrong: Option<&Failure>) -> Response {
    let value = |name| typed.all(name).collect::<Vec<_>>().join("\n");
    let body: Markup = html! {
        @if let Some(failure) = wrong { (explained(failure)) }
        form.narrow method="post" action="/plans" {
            (form_token(identity))
            input type="hidden" name="action" value="create_backup";
            label for="path" { "Paths on the server's machine, one a line" }
            textarea #path name="path" rows="3" required aria-describedby="path-help"
                aria-invalid=[wrong.map(|_| "true")] { (value("path")) }
            p.help #path-help { "In full, such as " code { "/srv/data" } "." }
            label for="name" { "Name (optional)" }
            input #name name="name" type="text" value=(value("name")) placeholder="nightly";
            label for="exclude" { "Leave out, one pattern a line (optional)" }
            textarea #exclude name="exclude" rows="2" { (value("exclude")) }
            @if vaults.vaults.len() > 1 {
                label for="vault" { "Vault" }
                select #vault name="vault" {
                    @for vault in &vaults.vaults {
                        option value=(vault.name) selected[vault.default] { (vault.name) }
                    }
                }
            }
            button type="submit" { "Show the plan" }
        }
    };
    page(identity, "/backups", "New backup", body)
}
