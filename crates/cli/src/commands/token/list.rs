//! `ostler token list`

use clap::Args;
use ostler_vocabulary::Failure;
use ostler_web::TokenSummary;
use serde::Serialize;

use super::shown;
use crate::output::{Column, Table, Tone, ago, schema};
use crate::session::Session;

/// List the tokens of the server of this state directory, without their secrets
#[derive(Debug, Args)]
pub(crate) struct List {}

#[derive(Debug, Serialize)]
struct TokenList {
    tokens: Vec<TokenSummary>,
}

impl List {
    pub fn run(self, session: &Session) -> Result<(), Failure> {
        let list = TokenList {
            tokens: session.backend.access()?.tokens()?,
        };
        if list.tokens.is_empty() {
            session
                .output
                .note("there are no tokens; make one with `ostler token add NAME`");
        }
        let now = session.now();
        session.output.document(schema::TOKEN_LIST, &list, |page| {
            if list.tokens.is_empty() {
                return;
            }
            let mut table = Table::new([
                Column::flexible("NAME"),
                Column::left("ROLE"),
                Column::left("MADE"),
            ]);
            for token in &list.tokens {
                table.row([
                    (token.name.clone(), Tone::Plain),
                    (shown(token.role, token.clusters.as_ref()), Tone::Plain),
                    (ago(now, token.created), Tone::Plain),
                ]);
            }
            page.table(&table);
        })
    }
}
