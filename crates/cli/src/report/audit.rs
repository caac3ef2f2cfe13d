//! The audit log.

use ostler_api::audit::{AuditList, AuditState, AuditedChange};
use ostler_vocabulary::Failure;

use crate::output::{Column, Table, Tone, ago, schema};
use crate::session::Session;

pub(crate) fn list(session: &Session, list: &AuditList) -> Result<(), Failure> {
    if list.changes.is_empty() {
        session.output.note("nobody changed anything that is asked for");
    }
    let now = session.now();
    session.output.document(schema::AUDIT_LIST, list, |page| {
        if list.changes.is_empty() {
            return;
        }
        let mut table = Table::new([
            Column::right("NUMBER"),
            Column::left("WHEN"),
            Column::flexible("WHO"),
            Column::flexible("WHAT"),
            Column::flexible("OBJECT"),
            Column::left("STATE"),
        ]);
        for change in &list.changes {
            let tone = match change.state {
                AuditState::Done => Tone::Plain,
                AuditState::Asked => Tone::Doubtful,
                AuditState::Refused => Tone::Bad,
            };
            table.row([
                (change.number.to_string(), Tone::Plain),
                (ago(now, change.at), Tone::Plain),
                (who(change), Tone::Plain),
                (change.action.clone(), Tone::Plain),
                (change.object.clone(), Tone::Plain),
                (change.state.as_str().to_owned(), tone),
            ]);
        }
        page.table(&table);
    })
}

fn who(change: &AuditedChange) -> String {
    let by = &change.by;
    match by.address {
        Some(address) => format!("{} ({} from {address})", by.who, by.by.as_str()),
        None => format!("{} ({})", by.who, by.by.as_str()),
    }
}
