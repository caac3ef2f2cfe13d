//! What would go of tables, and what went.

use maud::{Markup, html};
use ostler_api::document::{RetentionItem, RetentionReport, RetentionVerdict};
use ostler_api::retention::RetentionWork;
use ostler_vocabulary::Timestamp;
use ostler_vocabulary::humane::{count, moment, plural, size};

use super::super::fault::code;
use super::super::frame::facts;
use super::super::table::{Column, table};

/// Items that are shown.
const SHOWN: usize = 200;
const COLUMNS: &[Column] = &[
    Column("Table", false),
    Column("What is done", false),
    Column("Rows", true),
    Column("From and to", false),
    Column("Why", false),
];

/// The plan of a run.
pub(in crate::pages) fn work(work: &RetentionWork) -> Markup {
    let rows: Vec<Vec<Markup>> = work.items.iter().take(SHOWN).map(item).collect();
    html! {
        (facts(&[
            ("Database", html! { (work.database) }),
            ("Counted back from", html! { (moment(work.cutoff)) }),
        ]))
        h2 { "By policy" }
        ul.problems { @for verdict in &work.policies { li { (by_policy(verdict)) } } }
        h2 { "Goes" }
        @if rows.is_empty() { p { "Nothing." } } @else { (table("What goes", COLUMNS, &rows)) }
        @if work.items.len() > SHOWN { p.muted { "and " (work.items.len() - SHOWN) " more" } }
    }
}

/// What the button of such a plan says; nothing is to be agreed to where nothing goes.
pub(in crate::pages) fn words(work: &RetentionWork) -> String {
    format!("Do it: {}", plural(work.items.len() as u64, "item"))
}

fn by_policy(verdict: &RetentionVerdict) -> Markup {
    let until = |moment_of: Timestamp| moment(moment_of);
    html! {
        strong { (verdict.policy) } " (" code { (verdict.table) } "): "
        @match &verdict.problem {
            Some(problem) => { (code(&problem.reason)) }
            None => {
                (plural(verdict.items, "item"))
                @match verdict.threshold {
                    Some(threshold) => { ", what is older than " (until(threshold)) }
                    None => ", everything is kept for ever",
                }
            }
        }
        @for note in &verdict.notes { p.reason { (code(note)) } }
    }
}

fn item(item: &RetentionItem) -> Vec<Markup> {
    vec![
        html! { code { (item.table) } p.reason { (item.policy) } },
        html! {
            (item.action)
            details {
                summary aria-label={ "Statements for " (item.table) } { "Statements" }
                @for statement in &item.statements { pre tabindex="0" aria-label="Statement" { (statement) } }
            }
        },
        html! {
            @match item.rows { Some(rows) => { @if item.estimated { "about " } (count(rows)) } None => "–" }
            @if let Some(bytes) = item.bytes { p.reason { (size(bytes)) } }
        },
        html! {
            @match (&item.oldest, &item.newest) {
                (Some(oldest), Some(newest)) => { (oldest) " – " (newest) }
                (Some(one), None) | (None, Some(one)) => { (one) }
                (None, None) => "–",
            }
        },
        html! { (code(&item.reason)) },
    ]
}

/// What a run did.
pub(in crate::pages) fn report(report: &RetentionReport) -> Markup {
    let rows: Vec<Vec<Markup>> = report
        .items
        .iter()
        .take(SHOWN)
        .map(|item| {
            vec![
                html! { code { (item.table) } p.reason { (item.policy) } },
                html! { (item.action) },
                html! { (count(item.removed)) },
                html! { (count(item.after)) },
                html! {
                    @match &item.problem { Some(problem) => (code(&problem.reason)), None => "none" }
                    @if let Some(note) = &item.note { p.reason { (code(note)) } }
                },
            ]
        })
        .collect();
    let columns = [
        Column("Table", false),
        Column("What was done", false),
        Column("Rows removed", true),
        Column("Old rows left", true),
        Column("Problem", false),
    ];
    html! {
        p { (plural(report.rows_removed, "row")) " of " (report.database) " went." }
        @for one in &report.refused { p.reason { (one.policy) ": " (code(&one.text)) } }
        @if !rows.is_empty() { (table("What was done", &columns, &rows)) }
    }
}
