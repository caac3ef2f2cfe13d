//! Types and values that random tables are made of.

/// What the tables are made of, besides built-in types. For both databases.
pub const TYPES: &str = "
create extension hstore; create extension citext;
create type mood as enum ('sad', 'so happy');
create domain dom_int as int; create domain dom_bool as bool; create domain dom_text as text; create domain dom_arr as int[];
create domain dom_mood as mood; create domain dom_ts as timestamptz;
create type comp as (x int, y text); create type compj as (x int, y json);
create schema \"my schema\";";

pub const TEXTS: &[&str] = &[
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
pub const VALUES: &[(&str, &[&str])] = &[
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
pub const KEY_TYPES: &[&str] = &[
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
pub const NAMES: &[&str] = &[
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
pub const PLAIN: &[&str] = &[
    "id", "a", "b", "name", "data", "user_id", "key1", "key2", "val", "pgq", "v_name",
];
pub const MAGIC: &[&str] = &[
    "_pgq_ev_type",
    "_pgq_ev_data",
    "_pgq_ev_extra1",
    "_pgq_ev_extra2",
    "_pgq_ev_extra3",
    "_pgq_ev_extra4",
];
