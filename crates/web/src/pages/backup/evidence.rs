//! What was demanded of a backup, looked up and remembered before the commit.

use maud::{Markup, html};
use ostler_api::document::BackupDetail;
use ostler_vocabulary::Timestamp;
use ostler_vocabulary::humane::{count, plural, size};

use crate::pages::frame::{facts, when};

pub(super) fn section(detail: &BackupDetail, now: Timestamp) -> Markup {
    let Some(evidence) = &detail.evidence else {
        return html! {};
    };
    html! {
        section aria-labelledby="evidence" {
            h2 #evidence { "Evidence" }
            (facts(&[
                ("Looked up", html! { (plural(evidence.looked_up, "pack")) ", " (when(now, evidence.looked_at)) }),
                ("Remembered", html! {
                    @if evidence.remembered == 0 { "none" } @else {
                        (plural(evidence.remembered, "pack"))
                        @if let Some(since) = evidence.remembered_since { ", seen " (when(now, since)) }
                    }
                }),
                ("Excluded", html! {
                    @for glob in &evidence.excluded { code { (glob) } " " }
                    @if evidence.excluded.is_empty() { "nothing" }
                }),
            ]))
            @for member in &evidence.members {
                p {
                    strong { (member.node) }
                    @if !member.directories.is_empty() { " keeps data in " (member.directories.join(", ")) }
                    @for part in &member.parts {
                        "; " (part.root) ": " (plural(part.files, "file")) ", " (size(part.bytes))
                        @if let (Some(files), Some(at)) = (part.demanded_files, part.demanded_at) {
                            " of " (count(files)) " in the snapshot, counted " (when(now, at))
                        }
                    }
                }
            }
        }
    }
}
