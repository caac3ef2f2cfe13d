//! Tables, which become lists of cards on narrow screens. The roles are written out because that change of display would
//! take them from who does not see it.

use maud::{Markup, html};

/// A column: its heading, and whether it holds numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column(pub &'static str, pub bool);

/// A table with this name. The first cell of each row names the row.
pub(super) fn table(name: &str, columns: &[Column], rows: &[Vec<Markup>]) -> Markup {
    html! {
        table role="table" aria-label=(name) {
            thead role="rowgroup" {
                tr role="row" {
                    @for Column(heading, numeric) in columns {
                        th role="columnheader" scope="col" class=[numeric.then_some("number")] { (heading) }
                    }
                }
            }
            tbody role="rowgroup" {
                @for row in rows {
                    tr role="row" {
                        @for (index, (cell, Column(heading, numeric))) in row.iter().zip(columns).enumerate() {
                            @if index == 0 {
                                th role="rowheader" scope="row" { (cell) }
                            } @else {
                                td role="cell" data-label=(heading) class=[numeric.then_some("number")] { div { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
