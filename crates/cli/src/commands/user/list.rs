//! `ostler user list`

use clap::Args;
use ostler_vocabulary::Failure;
use ostler_web::UserSummary;
use serde::Serialize;

use crate::commands::token::shown;
use crate::output::{Column, Table, Tone, ago, schema};
use crate::session::Session;

/// List who signs in to the server of this state directory with a password
#[derive(Debug, Args)]
pub(crate) struct List {}

#[derive(Debug, Serialize)]
struct UserList {
    users: Vec<UserSummary>,
}

impl List {
    pub fn run(self, session: &Session) -> Result<(), Failure> {
        let list = UserList {
            users: session.backend.access()?.users()?,
        };
        if list.users.is_empty() {
            session
                .output
                .note("there are no users; add one with `ostler user add NAME`");
        }
        let now = session.now();
        session.output.document(schema::USER_LIST, &list, |page| {
            if list.users.is_empty() {
                return;
            }
            let mut table = Table::new([
                Column::flexible("NAME"),
                Column::left("ROLE"),
                Column::left("ADDED"),
                Column::left("PASSWORD CHANGED"),
            ]);
            for user in &list.users {
                table.row([
                    (user.name.clone(), Tone::Plain),
                    (shown(user.role, user.clusters.as_ref()), Tone::Plain),
                    (ago(now, user.created), Tone::Plain),
                    (ago(now, user.password_changed), Tone::Plain),
                ]);
            }
            page.table(&table);
        })
    }
}
