//! What a ring is asked when it is backed up, and again when a drill has started it: rows of tables by ranges of tokens, and
//! the user's own checks.

use std::collections::{BTreeMap, BTreeSet};

use super::Cassandra;
use super::cql::{Cql, Row};
use super::ring::Ring;
use super::settings::Questions;
use super::statement::{quote, table};
use crate::Error;

/// Ranges of a table at most.
const RANGES: usize = 16;
/// Characters of an answer that is kept as it is; of a longer one it is a digest.
const LONGEST: usize = 500;

/// A statement, with what it is called where its answer is told.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Question {
    name: String,
    statement: String,
}

impl Cassandra {
    /// The answers of a ring that lives. What it does not answer is left out: a backup does not fail for that.
    pub(super) async fn facts(&self, ring: &Ring) -> BTreeMap<String, String> {
        let Some(name) = ring.nodes.keys().next() else {
            return BTreeMap::new();
        };
        let address = self.settings.address(name);
        let (facts, failed) = answers(&*self.cql, address, ring, &self.settings.questions).await;
        for (question, error) in failed {
            let error = ostler_vocabulary::Failure::from(error);
            tracing::warn!(question, %error, "a drill of this backup has nothing to compare with");
        }
        facts
    }
}

/// Answers by question, and questions that were not answered.
pub(super) type Answers = (BTreeMap<String, String>, Vec<(String, Error)>);

/// Asks a ring.
pub(super) async fn answers(cql: &dyn Cql, address: &str, ring: &Ring, questions: &Questions) -> Answers {
    let (mut facts, mut failed) = (BTreeMap::new(), Vec::new());
    let mut all = Vec::new();
    for (keyspace, name) in &questions.count {
        match key(cql, address, keyspace, name).await {
            Ok(key) => all.extend(counts(keyspace, name, &key, &tokens(ring))),
            Err(error) => failed.push((format!("rows of {keyspace}.{name}"), error)),
        }
    }
    all.extend(questions.checks.iter().map(|(name, statement)| Question {
        name: format!("check {name}"),
        statement: statement.clone(),
    }));
    for Question { name, statement } in all {
        match cql.ask_patiently(address, &statement).await {
            Ok(rows) => {
                facts.insert(name, told(&rows));
            }
            Err(error) => failed.push((name, error)),
        }
    }
    (facts, failed)
}

/// The columns of a table's partition key, in order.
async fn key(cql: &dyn Cql, address: &str, keyspace: &str, name: &str) -> Result<Vec<String>, Error> {
    let literal = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let statement = format!(
        "SELECT column_name, kind, position FROM system_schema.columns WHERE keyspace_name = {} AND table_name = {}",
        literal(keyspace),
        literal(name)
    );
    let rows = cql.ask(address, &statement).await?;
    let mut key: Vec<(i32, String)> = rows
        .iter()
        .filter(|row| row.get("kind").is_some_and(|kind| kind == "partition_key"))
        .filter_map(|row| {
            Some((
                row.get("position")?.parse().ok()?,
                row.get("column_name")?.clone(),
            ))
        })
        .collect();
    key.sort();
    match key.is_empty() {
        true => Err(Error::Load {
            what: format!("table `{keyspace}.{name}`"),
            reason: "is not there".to_owned(),
            hint: "the option `count` in [cluster.NAME.driver.options] names it",
        }),
        false => Ok(key.into_iter().map(|(_, column)| column).collect()),
    }
}

/// The tokens of all nodes, where they are numbers.
fn tokens(ring: &Ring) -> BTreeSet<i128> {
    let all = ring.nodes.values().flat_map(|node| &node.tokens);
    let numbers: Option<BTreeSet<i128>> = all.map(|token| token.parse().ok()).collect();
    numbers.unwrap_or_default()
}

/// One question for each range of tokens; neighbours are taken together where there are many.
fn counts(keyspace: &str, name: &str, key: &[String], tokens: &BTreeSet<i128>) -> Vec<Question> {
    let each = tokens.len().div_ceil(RANGES - 1).max(1);
    let borders: Vec<i128> = tokens.iter().copied().step_by(each).collect();
    let columns: Vec<String> = key.iter().map(|column| quote(column)).collect();
    let token = format!("token({})", columns.join(", "));
    let above = |border: i128| format!("{token} > {border}");
    let upto = |border: i128| format!("{token} <= {border}");
    let mut ranges = Vec::new();
    if let (Some(first), Some(last)) = (borders.first(), borders.last()) {
        ranges.push((format!(" up to {first}"), upto(*first)));
        for (low, high) in borders.iter().zip(borders.iter().skip(1)) {
            ranges.push((
                format!(" after {low} up to {high}"),
                format!("{} AND {}", above(*low), upto(*high)),
            ));
        }
        ranges.push((format!(" after {last}"), above(*last)));
    }
    let select = format!("SELECT count(*) FROM {}", table(keyspace, name));
    let question = |which: String, restriction: String| Question {
        name: format!("rows of {keyspace}.{name}{which}"),
        statement: format!("{select}{restriction}"),
    };
    match ranges.is_empty() {
        true => vec![question(String::new(), String::new())],
        false => ranges
            .into_iter()
            .map(|(which, range)| question(format!(", tokens{which}"), format!(" WHERE {range}")))
            .collect(),
    }
}

/// Rows as text.
fn told(rows: &[Row]) -> String {
    let row = |row: &Row| match row.iter().collect::<Vec<_>>().as_slice() {
        [(_, value)] => (*value).clone(),
        columns => {
            let columns: Vec<String> = columns
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            columns.join(" ")
        }
    };
    let text = match rows {
        [] => "no rows".to_owned(),
        rows => rows.iter().map(row).collect::<Vec<_>>().join("; "),
    };
    match text.chars().count() > LONGEST {
        true => format!(
            "{} rows, {}",
            rows.len(),
            &blake3::hash(text.as_bytes()).to_hex()[..32]
        ),
        false => text,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test's way to fail")]
mod tests {
    use std::collections::BTreeSet;

    use super::{Question, RANGES, counts, told};
    use crate::cassandra::cql::Row;

    #[test]
    fn every_token_is_in_one_range() {
        let key = ["a".to_owned(), "B".to_owned()];
        let asked = counts("ks", "t", &key, &BTreeSet::from([-5, 9]));
        let statements: Vec<&str> = asked.iter().map(|one| one.statement.as_str()).collect();
        assert_eq!(
            statements,
            [
                "SELECT count(*) FROM \"ks\".\"t\" WHERE token(\"a\", \"B\") <= -5",
                "SELECT count(*) FROM \"ks\".\"t\" WHERE token(\"a\", \"B\") > -5 AND token(\"a\", \"B\") <= 9",
                "SELECT count(*) FROM \"ks\".\"t\" WHERE token(\"a\", \"B\") > 9",
            ]
        );
        assert_eq!(
            counts("ks", "t", &key, &BTreeSet::new()),
            [Question {
                name: "rows of ks.t".into(),
                statement: "SELECT count(*) FROM \"ks\".\"t\"".into()
            }]
        );
        let many = counts("ks", "t", &key, &(0..1000).collect());
        assert!((RANGES / 2..=RANGES).contains(&many.len()), "{}", many.len());
    }

    #[test]
    fn answers_are_told_as_they_are_unless_they_are_long() {
        let row = |columns: &[(&str, &str)]| -> Row {
            let columns = columns.iter();
            columns
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect()
        };
        assert_eq!(told(&[]), "no rows");
        assert_eq!(told(&[row(&[("count", "7")])]), "7");
        assert_eq!(
            told(&[row(&[("a", "1"), ("b", "x")]), row(&[("a", "2")])]),
            "a=1 b=x; 2"
        );
        let long = vec![row(&[("a", &"x".repeat(400))]); 3];
        assert!(told(&long).starts_with("3 rows, "), "{}", told(&long));
        assert!(told(&long).len() < 60);
    }
}
