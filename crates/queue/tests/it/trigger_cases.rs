//! Random tables, triggers and statements, as SQL that any PgQ understands.

use ostler_testkit::random::Random;

/// What the tables are made of, besides built-in types. For both databases.
pub const TYPES: &str = "
create extension hstore; create extension citext;
create type mood as enum ('sad', 'so happy');
create domain dom_int as int; create domain dom_bool as bool; create domain dom_text as text; create domain dom_arr as int[];
create domain dom_mood as mood; create domain dom_ts as timestamptz;
create type comp as (x int, y text); create type compj as (x int, y json);
create schema \"my schema\";";

const TEXTS: &[&str] = &[
    "''",
    "'a'",
    "'hello world'",
    "'x&y=z%25+'",
    r#"E'quote \' and " and \\ back'"#,
    r"E'new\nline\ttab\r\x01\x7f'",
    "'ünïcödé ☃ 日本語 😀'",
    "'NULL'",
    "'a,b;c/d:e?f@g'",
    "'{\"json\": [1,2]}'",
    "'  trailing  '",
    r"'\x41'",
    "repeat('a', 300) || ' é'",
];

/// Types with values.
const VALUES: &[(&str, &[&str])] = &[
    ("int", &["-5", "0", "7"]),
    ("smallint", &["-5", "7"]),
    ("bigint", &["-1152921504606846976", "7"]),
    ("text", TEXTS),
    ("varchar(400)", TEXTS),
    ("char(12)", &["'a'", "'b c  '", "'é'"]),
    ("\"char\"", &["'a'", "'%'", "' '"]),
    ("name", &["'a'", "'b c'"]),
    (
        "numeric",
        &[
            "1",
            "1.0",
            "1.00",
            "-2.50",
            "'NaN'",
            "123456789012345678901234567890.123",
        ],
    ),
    (
        "float8",
        &["1", "-0.0", "0", "'Infinity'", "1e300", "1.1", "1e-7", "'NaN'"],
    ),
    ("real", &["1", "1e20", "0.1"]),
    ("bool", &["true", "false"]),
    (
        "timestamptz",
        &[
            "'2024-02-29 12:34:56.789+03'",
            "'infinity'",
            "'0044-03-15 00:00 BC'",
            "'20000-01-01 00:00:00+00'",
        ],
    ),
    (
        "timestamp",
        &[
            "'2024-02-29 12:34:56.789'",
            "'-infinity'",
            "'0044-03-15 00:00 BC'",
        ],
    ),
    ("date", &["'2024-02-29'", "'infinity'", "'0044-03-15 BC'"]),
    ("time", &["'12:34:56.7'"]),
    ("timetz", &["'12:34:56+05:30'"]),
    (
        "interval",
        &[
            "'1 day 02:03:04.5'",
            "'-1 mon'",
            "'1 year 2 days ago'",
            "'24:00'",
            "'1 day'",
        ],
    ),
    ("uuid", &["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"]),
    ("bytea", &[r"'\x00ff41'", r"'\x'", r"'\x5c27'"]),
    ("json", &["'{\"a\": 1,   \"b\":[1,2]}'", "'null'"]),
    ("jsonb", &["'{\"a\": 1,   \"b\":[1,2]}'", "'1.0'", "'1.00'"]),
    (
        "int[]",
        &["'{1,2}'", "'{}'", "'{{1,2},{3,NULL}}'", "'[0:1]={1,2}'"],
    ),
    ("text[]", &["'{a,\"b c\",NULL,\"NULL\"}'", "'{}'"]),
    ("numeric[]", &["'{1.0}'", "'{1.00}'"]),
    ("inet", &["'10.0.0.1'", "'10.0.0.0/8'", "'::1'"]),
    ("cidr", &["'10.0.0.0/8'", "'10.1.2.3/32'"]),
    ("point", &["'(1,2)'", "'(0.5,-1)'"]),
    ("box", &["'(1,1),(0,0)'", "'(2,0.5),(0,0)'"]),
    ("money", &["'1.50'", "'-1234.5'"]),
    ("bit(4)", &["B'1010'", "B'0000'"]),
    (
        "xml",
        &[
            "'<a>x &amp; y</a>'",
            "'<?xml version=\"1.0\" encoding=\"utf-8\"?><b/>'",
        ],
    ),
    ("tsvector", &["'a fat cat'"]),
    ("int4range", &["'[1,5)'", "'empty'", "'[1,4]'"]),
    ("int4multirange", &["'{[1,2),[5,7)}'"]),
    ("oid", &["42"]),
    ("regclass", &["'pg_class'"]),
    ("xid", &["'7'"]),
    ("mood", &["'sad'", "'so happy'"]),
    ("dom_int", &["1", "2"]),
    ("dom_bool", &["true", "false"]),
    ("dom_text", TEXTS),
    ("dom_arr", &["'{1,2}'"]),
    ("dom_mood", &["'sad'", "'so happy'"]),
    ("dom_ts", &["'2020-01-01 10:00'"]),
    (
        "comp",
        &[
            "row(1,'a b')::comp",
            "row(null,null)::comp",
            "row(1,'a\"b')::comp",
        ],
    ),
    ("compj", &["row(1,'{\"a\":1}')::compj", "row(null,null)::compj"]),
    ("comp[]", &["array[row(1,'x')::comp]"]),
    ("hstore", &["'a=>1,\"b c\"=>NULL'", "''"]),
    ("citext", &["'AbC'", "'abc'", "'x y'"]),
];
const KEY_TYPES: &[&str] = &[
    "int",
    "text",
    "bigint",
    "numeric",
    "uuid",
    "varchar(400)",
    "timestamptz",
    "dom_int",
    "mood",
    "citext",
    "char(12)",
];
const NAMES: &[&str] = &[
    "id",
    "a",
    "b",
    "name",
    "data",
    "Weird Na&me",
    "quo\"te",
    "ünï",
    "user_id",
    "key1",
    "key2",
    "val",
    "by",
    "loop",
    "CamelCase",
    "end",
    "x-y",
    "type",
    "op",
    "n",
    "o",
    "pgq",
    "new",
    "old",
    "v_name",
    "TG_OP",
];
/// Names that may stand in an expression as they are, also in PgQ's eyes.
const PLAIN: &[&str] = &[
    "id", "a", "b", "name", "data", "user_id", "key1", "key2", "val", "pgq", "v_name",
];
const MAGIC: &[&str] = &[
    "_pgq_ev_type",
    "_pgq_ev_data",
    "_pgq_ev_extra1",
    "_pgq_ev_extra2",
    "_pgq_ev_extra3",
    "_pgq_ev_extra4",
];

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
