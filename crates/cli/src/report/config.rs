//! The configuration.

use ostler_api::document::ConnectionList;

use crate::backend::{ConfigCheck, ConfigShow, Variable};
use crate::output::{Column, Page, Table, Tone, count};

pub(crate) fn check(page: &mut Page, check: &ConfigCheck) {
    let file = check.file.display();
    if check.exists {
        page.line(format!("{file} is right"));
    } else {
        page.line(format!("{file} does not exist; the defaults hold"));
    }
    page.fields("vaults", &check.vaults);
    for warning in &check.warnings {
        page.line(format!("warning: {warning}"));
    }
}

pub(crate) fn connections(page: &mut Page, list: &ConnectionList) {
    let mut table = Table::new([
        Column::left("WHAT"),
        Column::flexible("NAME"),
        Column::left("STATE"),
        Column::right("TOOK"),
        Column::flexible("WHERE"),
    ]);
    for one in &list.connections {
        let (word, tone) = match one.ok {
            true => ("answers", Tone::Good),
            false => ("wrong", Tone::Bad),
        };
        table.row([
            (one.kind.as_str().to_owned(), Tone::Faint),
            (one.name.clone(), Tone::Plain),
            (word.to_owned(), tone),
            (format!("{} ms", count(one.took_ms)), Tone::Plain),
            (one.at.clone(), Tone::Plain),
        ]);
    }
    page.table(&table);
    for one in list.connections.iter().filter(|one| !one.ok) {
        page.line(format!(
            "{} {}: {}",
            one.kind.as_str(),
            one.name,
            one.said.join(": ")
        ));
        if let Some(hint) = &one.hint {
            page.line(format!("  {hint}"));
        }
    }
}

pub(crate) fn show(page: &mut Page, show: &ConfigShow) {
    let mut table = Table::new([
        Column::flexible("KEY"),
        Column::left("FROM"),
        Column::left("VALUE"),
    ]);
    for setting in &show.settings {
        table.row([
            (setting.key.clone(), Tone::Plain),
            (setting.source.clone(), Tone::Faint),
            (setting.value.clone(), Tone::Plain),
        ]);
    }
    page.table(&table);
}

pub(crate) fn variables(page: &mut Page, variables: &[Variable]) {
    let mut table = Table::new([
        Column::left("VARIABLE"),
        Column::left("SET"),
        Column::left("MEANING"),
    ]);
    for variable in variables {
        table.row([
            (variable.name.clone(), Tone::Plain),
            (if variable.set { "yes" } else { "no" }.to_owned(), Tone::Plain),
            (variable.meaning.clone(), Tone::Plain),
        ]);
    }
    page.table(&table);
}
