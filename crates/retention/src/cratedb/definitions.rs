//! What is defined by name: rollups, materialised tables and statements, as rows of the governed cluster.

use ostler_api::tables::{Defined, Definition, DefinitionKind};
use ostler_vocabulary::Failure;
use serde_json::{Value, json};

use super::CrateDb;
use super::audit::Change;

impl CrateDb {
    pub(super) async fn read_definitions(&self, kind: DefinitionKind) -> Result<Vec<Defined>, Failure> {
        let there = include_str!("queries/definitions_there.sql");
        let answer = self.client.execute(there, &[self.schema.as_str().into()]).await?;
        if answer.rows.first().and_then(|row| row.first()?.as_i64()) != Some(1) {
            return Ok(Vec::new());
        }
        self.own(include_str!("queries/refresh_definitions.sql"), &[])
            .await?;
        let statement = include_str!("queries/definitions.sql");
        let answer = self.own(statement, &[kind.as_str().into()]).await?;
        let rows = answer.rows.into_iter().map(|row| {
            let [Value::String(name), definition] = row.as_slice() else {
                return Err(self.client.unexpected(statement, "no name").into());
            };
            let definition = serde_json::from_value(definition.clone()).map_err(|error| {
                let reason = format!("definition {name}, which is none: {error}");
                self.client.unexpected(statement, reason)
            })?;
            Ok(Defined {
                name: name.clone(),
                definition,
                levels: Vec::new(),
            })
        });
        let mut all: Vec<Defined> = rows.collect::<Result<_, Failure>>()?;
        if kind == DefinitionKind::Rollup && !all.is_empty() {
            for (rollup, state) in self.rollup_states().await? {
                let of = all.iter_mut().filter(|defined| defined.name == rollup);
                of.for_each(|defined| defined.levels.push(state.clone()));
            }
        }
        Ok(all)
    }

    pub(super) async fn make_definition(&self, defined: &Defined) -> Result<Vec<String>, Failure> {
        let definition = match &defined.definition {
            Definition::Rollup(it) => {
                Definition::Rollup(self.resolved_rollup(&defined.name, it.clone()).await?)
            }
            Definition::Materialized(it) => {
                Self::valid_materialized(&defined.name, it)?;
                Definition::Materialized(it.clone())
            }
            // What its parameters are, is known when it is run.
            Definition::Query(it) => Definition::Query(it.clone()),
        };
        self.make_tables().await?;
        self.own(include_str!("queries/make_definitions.sql"), &[])
            .await?;
        if matches!(definition, Definition::Rollup(_)) {
            self.prepare_rollups().await?;
        }
        let text = json!(definition);
        let add = async {
            let kind = defined.definition.kind().as_str();
            let args = [kind.into(), defined.name.as_str().into(), text.clone()];
            match self.own(include_str!("queries/add_definition.sql"), &args).await {
                Err(error) if error.is_duplicate_key() => Err(Failure::from(crate::Error::Defined {
                    what: kind,
                    name: defined.name.clone(),
                    database: self.client.name(),
                })),
                added => Ok(added.map(drop)?),
            }?;
            let made = match &definition {
                Definition::Rollup(it) => self.make_rollup(&defined.name, it).await,
                Definition::Materialized(it) => self.make_materialized(it).await,
                Definition::Query(_) => Ok(Vec::new()),
            };
            if made.as_ref().is_err_and(|failure| !failure.kind().is_transient()) {
                self.remove_definition(defined).await?;
            }
            made
        };
        self.noted(&self.change_of(defined, "added", (None, Some(&text))).await?, add)
            .await
    }

    pub(super) async fn unmake_definition(
        &self,
        defined: &Defined,
        with_data: bool,
    ) -> Result<Vec<String>, Failure> {
        let text = json!(defined.definition);
        let remove = async {
            let gone = match &defined.definition {
                Definition::Rollup(it) => self.unmake_rollup(&defined.name, it, with_data).await?,
                Definition::Materialized(it) if with_data => self.unmake_materialized(it).await?,
                _ => Vec::new(),
            };
            self.remove_definition(defined).await?;
            Ok(gone)
        };
        self.noted(
            &self.change_of(defined, "removed", (Some(&text), None)).await?,
            remove,
        )
        .await
    }

    async fn remove_definition(&self, defined: &Defined) -> Result<(), Failure> {
        let kind = defined.definition.kind().as_str();
        let args = [kind.into(), defined.name.as_str().into()];
        self.own(include_str!("queries/remove_definition.sql"), &args)
            .await?;
        Ok(())
    }

    /// What the audit says of it. A name may come and go: how often it did tells one entry from another.
    async fn change_of(
        &self,
        defined: &Defined,
        action: &str,
        (before, after): (Option<&Value>, Option<&Value>),
    ) -> Result<Change, Failure> {
        let kind = defined.definition.kind().as_str();
        self.own(include_str!("queries/refresh_audit.sql"), &[]).await?;
        let args = [
            defined.name.as_str().into(),
            format!("{kind} added").into(),
            format!("{kind} removed").into(),
        ];
        let statement = include_str!("queries/count_changes.sql");
        let answer = self.own(statement, &args).await?;
        let Some(count) = answer.rows.first().and_then(|row| row.first()?.as_i64()) else {
            let unexpected = self.client.unexpected(statement, "no number");
            return Err(unexpected.into());
        };
        Ok(Change {
            entry: format!("{kind} {action} {} {count}", defined.name),
            action: format!("{kind} {action}"),
            name: defined.name.clone(),
            before: before.cloned().unwrap_or_default(),
            after: after.cloned().unwrap_or_default(),
        })
    }
}
