//! `ostler state import`

use std::io::Read as _;
use std::path::PathBuf;

use clap::Args;
use ostler_server::state::{self, Action, Imported, Item, State};
use ostler_vocabulary::{ErrorKind, Failure};

use crate::arguments::path;
use crate::output::{Column, Page, Table, Tone, schema};
use crate::session::Session;

/// Take over what another server knew, from the file that `ostler state export` wrote there
///
/// Without `--yes` what would be taken over is printed, and nothing is (exit code 4). What is here already stays as it is: another schedule, user, token
/// or webhook of a name is named as a conflict (exit code 3 when the rest was taken over). Can be repeated.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The file
    #[arg(value_name = "FILE", value_parser = path())]
    file: PathBuf,

    /// Take it over
    #[arg(long, short = 'y')]
    yes: bool,
}

impl Import {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let there = self.read(session)?;
        let access = session.backend.access()?;
        let client = session.client().await?;
        let here = state::export(client.as_ref(), &access, session.now()).await?;
        let items = state::plan(&here, &there);
        for why in &there.left_out {
            session.output.note(&format!("not in the file: {why}"));
        }
        let new = items.iter().filter(|item| item.action == Action::Add).count();
        if !self.yes && new > 0 {
            let planned = Imported {
                items,
                secrets: Vec::new(),
            };
            print(session, &planned)?;
            return Err(Failure::new(ErrorKind::Refused, "nothing was taken over yet")
                .with_hint("look at what would be, and say `--yes`"));
        }
        let object = format!("the state of {}", there.exported);
        let after = serde_json::to_value(&items).ok();
        let conflicts = items
            .iter()
            .filter(|item| item.action == Action::Conflict)
            .count();
        // Schedules and webhooks write themselves down; this is about users and tokens too.
        let imported = match session.backend.audited().await? {
            Some(audited) => {
                let named = ("state import".to_owned(), object);
                let work = state::import(client.as_ref(), &access, &there, items);
                audited.change(named, None, work, |_| after).await?
            }
            None => state::import(client.as_ref(), &access, &there, items).await?,
        };
        print(session, &imported)?;
        match conflicts {
            0 => Ok(()),
            conflicts => Err(Failure::new(
                ErrorKind::Partial,
                format!("{conflicts} were left as they are here"),
            )
            .with_hint("remove or rename what is here, and import again")),
        }
    }

    fn read(&self, session: &Session) -> Result<State, Failure> {
        let file = session.directory.join(&self.file);
        let mut text = String::new();
        std::fs::File::open(&file)
            .and_then(|opened| opened.take(state::LONGEST as u64).read_to_string(&mut text))
            .map_err(|error| {
                let kind = match error.kind() {
                    std::io::ErrorKind::NotFound => ErrorKind::NotFound,
                    std::io::ErrorKind::PermissionDenied => ErrorKind::Denied,
                    _ => ErrorKind::Invalid,
                };
                Failure::new(kind, error.to_string())
            })
            .and_then(|_| State::read(&text))
            .map_err(|failure| failure.context(format!("cannot read {}", file.display())))
    }
}

fn print(session: &Session, imported: &Imported) -> Result<(), Failure> {
    session.output.document(schema::STATE_IMPORT, imported, |page| {
        rows(page, &imported.items);
        for (name, secret) in &imported.secrets {
            page.line(format!("webhook {name} signs with {}", secret.reveal()));
        }
    })
}

fn rows(page: &mut Page, items: &[Item]) {
    let mut table = Table::new([
        Column::left("KIND"),
        Column::flexible("NAME"),
        Column::left("ACTION"),
        Column::flexible("REASON"),
    ]);
    for item in items {
        let tone = match item.action {
            Action::Add => Tone::Good,
            Action::Same => Tone::Plain,
            Action::Conflict => Tone::Bad,
        };
        table.row([
            (item.kind.to_string(), Tone::Plain),
            (item.name.clone(), Tone::Plain),
            (item.action.as_str().to_owned(), tone),
            (item.reason.clone().unwrap_or_default(), Tone::Plain),
        ]);
    }
    page.table(&table);
}
