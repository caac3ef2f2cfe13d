//! Random tables, triggers and statements, as SQL that any PgQ understands.

use ostler_testkit::random::Random;

use crate::trigger_values::{KEY_TYPES, MAGIC, NAMES, PLAIN, VALUES};

/// How triggers are made on our side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// By the functions that PgQ has.
    Generic,
    /// Generated, for each row.
    Each,
    /// Generated, over whole statements.
    Bulk,
}

/// A table with its trigger.
pub struct Case {
    pub random: Random,
    pub style: Style,
    /// Name and type.
    columns: Vec<(String, &'static str)>,
    keys: Vec<String>,
    pub table: String,
    pub kind: &'static str,
    pub arguments: Vec<String>,
    before: bool,
}

impl Case {
    pub fn new(seed: u64, style: Style) -> Self {
        let mut random = Random::new(seed);
        let mut names: Vec<&str> = NAMES.to_vec();
        let mut columns = Vec::new();
        let mut keys = Vec::new();
        let wanted_keys = [0, 1, 1, 1, 2][pick(&mut random, 5)];
        for n in 0..=random.below(8) {
            let name = names.swap_remove(pick(&mut random, names.len()));
            let key = (n as usize) < wanted_keys;
            let kind = match key {
                true => one(&mut random, KEY_TYPES),
                false => VALUES[pick(&mut random, VALUES.len())].0,
            };
            if key {
                keys.push(name.to_owned());
            }
            columns.insert(pick(&mut random, columns.len() + 1), (name.to_owned(), kind));
        }
        if random.below(7) == 0 {
            columns.push((one(&mut random, MAGIC).to_owned(), "text"));
        }
        let schema = one(&mut random, &["public", "\"my schema\""]);
        let name = one(&mut random, &["t", "\"Tab le\"", "\"t\"\"q\""]);
        let mut this = Self {
            style,
            columns,
            keys,
            table: format!("{schema}.{name}"),
            kind: one(&mut random, &["logutriga", "jsontriga", "sqltriga"]),
            arguments: vec!["q".to_owned()],
            before: style != Style::Bulk && random.below(4) == 0,
            random,
        };
        this.choose_arguments();
        this
    }

    fn choose_arguments(&mut self) {
        let random = &mut self.random;
        let mut add = |argument: String| self.arguments.push(argument);
        if self.before && (self.style == Style::Each || random.below(2) == 0) {
            add("SKIP".to_owned());
        }
        if random.below(3) == 0 {
            let ignored: Vec<&str> = (0..random.below(3))
                .map(|_| self.columns[pick(random, self.columns.len())].0.as_str())
                .collect();
            add(format!("ignore={}", ignored.join(one(random, &[",", ", "]))));
        }
        let column = &self.columns[pick(random, self.columns.len())];
        if random.below(6) == 0 && KEY_TYPES.contains(&column.1) {
            add(format!("pkey={}", column.0));
        }
        if random.below(3) == 0 {
            add("backup".to_owned());
        }
        if random.below(30) == 0 {
            add("deny".to_owned());
        }
        if self.style == Style::Generic && random.below(40) == 0 {
            add("bogus".to_owned());
        }
        let Some((name, _)) = self
            .columns
            .iter()
            .find(|(name, _)| PLAIN.contains(&name.as_str()))
        else {
            return;
        };
        for field in [
            "ev_type",
            "ev_data",
            "ev_extra1",
            "ev_extra2",
            "ev_extra3",
            "ev_extra4",
        ] {
            if random.below(12) == 0 {
                let value = match random.below(9) {
                    0 => format!("{name} is null"),
                    1 => "'lit''eral'".to_owned(),
                    2 => format!("coalesce({name}::text, 'no value')"),
                    3 => format!("/* {name} */ {name} -- {name}"),
                    4 => format!("case when {name} is not null then 1.50 end"),
                    5 => "null::text".to_owned(),
                    6 => format!("(select length({name}::text) + 1 from pg_class limit 1)"),
                    7 => "$$dollar$$ || E'\\'x'".to_owned(),
                    _ => name.clone(),
                };
                add(format!("{field}={value}"));
            }
        }
        if random.below(8) == 0 {
            let condition = match random.below(5) {
                0 => format!("{name} is null"),
                1 => "null::bool".to_owned(),
                2 => "1".to_owned(),
                3 => "'yes'".to_owned(),
                _ => format!("{name} is not null"),
            };
            add(format!("when={condition}"));
        }
    }

    pub fn create_table(&self) -> String {
        let mut parts = vec!["dropped int".to_owned()];
        parts.extend(
            self.columns
                .iter()
                .map(|(name, kind)| format!("{} {kind}", quoted(name))),
        );
        if !self.keys.is_empty() {
            let keys: Vec<String> = self.keys.iter().map(|name| quoted(name)).collect();
            parts.push(format!("primary key ({})", keys.join(", ")));
        }
        format!(
            "create table {0} ({1}); alter table {0} drop dropped",
            self.table,
            parts.join(", ")
        )
    }

    /// For the extension, and for our generic functions.
    pub fn create_trigger(&self) -> String {
        let arguments: Vec<String> = self.arguments.iter().map(|it| literal(it)).collect();
        format!(
            "create trigger x {} insert or update or delete on {} for each row execute function pgq.{}({})",
            if self.before { "before" } else { "after" },
            self.table,
            self.kind,
            arguments.join(", ")
        )
    }

    /// Gives the statements that make the generated one.
    pub fn plan_trigger(&self) -> String {
        let arguments: Vec<String> = self.arguments.iter().map(|it| literal(it)).collect();
        format!(
            "select s from pgq.ostler_trigger_plan({}, 'x', '{}', array[{}], '{}') s",
            literal(&self.table),
            self.kind,
            arguments.join(", "),
            if self.style == Style::Each { "each" } else { "bulk" }
        )
    }

    pub fn statement(&mut self) -> String {
        match self.random.below(20) {
            0..10 => {
                let names: Vec<String> = self.columns.iter().map(|(name, _)| quoted(name)).collect();
                let rows: Vec<String> = (0..[1, 1, 3][pick(&mut self.random, 3)])
                    .map(|_| self.row())
                    .collect();
                format!(
                    "insert into {} ({}) values {} on conflict do nothing",
                    self.table,
                    names.join(", "),
                    rows.join(", ")
                )
            }
            10..16 => {
                let start = pick(&mut self.random, self.columns.len());
                let chosen: Vec<(String, &'static str)> = self.columns[start..].to_vec();
                let careful = self.random.below(4) != 0;
                let mut sets = Vec::new();
                for (name, kind) in chosen {
                    if !(careful && self.keys.contains(&name)) {
                        let value = if self.random.below(3) == 0 {
                            quoted(&name)
                        } else {
                            self.value(kind, true)
                        };
                        sets.push(format!("{} = {value}", quoted(&name)));
                    }
                }
                if sets.is_empty() {
                    return "select 1".to_owned();
                }
                format!("update {} set {}", self.table, sets.join(", "))
            }
            16 => format!("delete from {}", self.table),
            17 => format!(
                "alter table {} add column c{} {}",
                self.table,
                self.random.below(99),
                VALUES[pick(&mut self.random, VALUES.len())].0
            ),
            18 => format!(
                "set session_replication_role = '{}'",
                one(&mut self.random, &["local", "replica", "origin", "origin"])
            ),
            _ => one(
                &mut self.random,
                &[
                    "set datestyle = 'SQL'",
                    "set datestyle = 'Postgres, DMY'",
                    "set datestyle = 'German'",
                    "set datestyle = 'ISO'",
                    "set intervalstyle = 'postgres_verbose'",
                    "set intervalstyle = 'iso_8601'",
                    "set timezone = 'Asia/Kolkata'",
                    "set timezone = 'America/New_York'",
                    "set bytea_output = 'escape'",
                    "set extra_float_digits = -3",
                ],
            )
            .to_owned(),
        }
    }

    fn row(&mut self) -> String {
        let columns = self.columns.clone();
        let values: Vec<String> = columns
            .iter()
            .map(|(name, kind)| self.value(kind, !self.keys.contains(name)))
            .collect();
        format!("({})", values.join(", "))
    }

    fn value(&mut self, kind: &str, may_be_null: bool) -> String {
        if may_be_null && self.random.below(5) == 0 {
            return "null".to_owned();
        }
        let (_, values) = VALUES
            .iter()
            .find(|(name, _)| *name == kind)
            .expect("a type with values");
        let value = one(&mut self.random, values);
        if value.contains("::") {
            value.to_owned()
        } else {
            format!("({value})::{kind}")
        }
    }
}

fn pick(random: &mut Random, limit: usize) -> usize {
    usize::try_from(random.below(limit as u64)).expect("small")
}

fn one<'a>(random: &mut Random, values: &[&'a str]) -> &'a str {
    values[pick(random, values.len())]
}

pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
