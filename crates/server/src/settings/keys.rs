//! Every key of the configuration file with its default and what it does: the source of `config init`, `config show`
//! and the reference page.

mod class;
mod cluster;
mod serve;
mod state;

/// One key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Its table, `""` for the top; `vault.NAME` stands for every vault.
    pub table: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its default as TOML; `None` when there is none and the key may be left out.
    pub default: Option<&'static str>,
    /// A value as TOML, where there is no default to show.
    pub example: &'static str,
    /// What it does.
    pub meaning: &'static str,
}

const fn key(table: &'static str, name: &'static str, default: &'static str, meaning: &'static str) -> Key {
    Key {
        table,
        name,
        default: Some(default),
        example: default,
        meaning,
    }
}

const fn optional(
    table: &'static str,
    name: &'static str,
    example: &'static str,
    meaning: &'static str,
) -> Key {
    Key {
        table,
        name,
        default: None,
        example,
        meaning,
    }
}

const fn vault(name: &'static str, example: &'static str, meaning: &'static str) -> Key {
    optional("vault.NAME", name, example, meaning)
}

const fn price(name: &'static str, meaning: &'static str) -> Key {
    key("prices.NAME", name, "0.0", meaning)
}

const KEYS: &[Key] = &[
    key("", "version", "1", "The version of this file's format"),
    key(
        "defaults",
        "vault",
        "\"default\"",
        "The vault that new backups go to, and that verbs about one vault use without --vault",
    ),
    key(
        "defaults",
        "lease_wait",
        "\"2m\"",
        "How long to wait for another prune or deletion of the vault before giving up as busy",
    ),
    key(
        "backup",
        "exclude",
        "[]",
        "Globs of what every backup leaves out, beside those of --exclude",
    ),
    key(
        "backup",
        "one_file_system",
        "false",
        "Whether every backup stays on the file systems its paths are on",
    ),
    key(
        "backup",
        "presence_max_age",
        "\"0s\"",
        "How long an earlier look at a pack in the store counts for later backups, as long as no space was freed since; 0s looks every pack up before each commit. Vaults on this machine are looked at each time",
    ),
    optional(
        "backup.hooks",
        "before",
        "\"systemctl stop shop\"",
        "A command run by sh -c before the first file is read",
    ),
    optional(
        "backup.hooks",
        "after",
        "\"systemctl start shop\"",
        "A command run after the last file was read, also when reading failed or was cancelled",
    ),
    key(
        "backup.hooks",
        "on_failure",
        "\"fail\"",
        "What a failing hook means: fail, partial or ignore",
    ),
    optional(
        "keep",
        "last",
        "7",
        "Keep the newest so many good backups of each source",
    ),
    optional(
        "keep",
        "hourly",
        "24",
        "Keep the newest of each of the newest so many hours (UTC) that have one",
    ),
    optional("keep", "daily", "14", "The same by day"),
    optional("keep", "weekly", "8", "The same by ISO week"),
    optional("keep", "monthly", "12", "The same by month"),
    optional("keep", "yearly", "3", "The same by year"),
    optional(
        "keep",
        "within",
        "\"7d\"",
        "Keep all that are younger than this, counted from the newest",
    ),
    key(
        "keep",
        "tags",
        "{}",
        "Keep all that have any of these tags, such as { keep = \"forever\" }",
    ),
    optional(
        "keep",
        "min_keep",
        "1",
        "Floor: the newest so many good backups of each source always stay; 1 when left out",
    ),
    optional(
        "keep",
        "max_delete_ratio",
        "0.5",
        "Floor: refuse to delete more than this share of the good backups at once",
    ),
    key(
        "history",
        "keep",
        "\"90d\"",
        "How long operations that are over stay in the history",
    ),
    key(
        "history",
        "minimum",
        "100",
        "So many of the newest operations stay all the same",
    ),
    key(
        "ticker",
        "wakeup_lag",
        "\"10ms\"",
        "How old new events become before a tick, where producers wake the ticker",
    ),
    key(
        "ticker",
        "maintenance",
        "\"2m\"",
        "How often rotation and other maintenance look for work",
    ),
    key(
        "ticker",
        "discovery",
        "\"1m\"",
        "How often new databases, and queues in those without, are looked for",
    ),
    key(
        "cache",
        "size",
        "\"1GiB\"",
        "The most that copies of small objects take on this machine's disk, in $XDG_CACHE_HOME/ostler; 0 for none",
    ),
    key(
        "prices.NAME",
        "currency",
        "\"\"",
        "What the numbers below are in, for people",
    ),
    price("create", "A thousand requests that create an object"),
    price("read", "A thousand requests that read an object or look it up"),
    price("list", "A thousand pages of a listing, each of 1,000 objects"),
    price("delete", "A thousand requests that delete an object"),
    price("upload", "A gigabyte (10⁹ bytes) that is sent"),
    price("download", "A gigabyte that is received"),
    price("storage", "A gigabyte that is stored for a month"),
    vault(
        "location",
        "\"/srv/vault\"",
        "A directory, s3://bucket/prefix, azure://container/prefix, gs://bucket/prefix or sftp://user@host/directory; required",
    ),
    vault(
        "key",
        "{ file = \"/etc/ostler/NAME.key\" }",
        "Where the key file's text comes from: { file = … }, { env = … } or { keyring = … }",
    ),
    vault(
        "passphrase",
        "{ env = \"NAME_PASSPHRASE\" }",
        "Where the passphrase comes from, for vaults that are protected by one",
    ),
    vault(
        "age_identity",
        "{ file = \"~/.config/age/keys.txt\" }",
        "Where the age identity comes from, for vaults that are protected by age recipients",
    ),
    vault(
        "encryption",
        "\"none\"",
        "Write \"none\" for a vault that is unencrypted on purpose: keys of the environment are not for it. `vault init --unencrypted` writes it",
    ),
    vault(
        "lock",
        "\"30d\"",
        "Lock what is stored against deletion for so long, and longer while a backup needs it; for S3 with object lock",
    ),
    vault(
        "prices",
        "\"NAME\"",
        "The price list by which the cost of each run is estimated: the name of a [prices.NAME]",
    ),
    vault(
        "timeout",
        "\"5m\"",
        "The longest that a request may take, its body included; five minutes when left out, and two without any byte",
    ),
    optional(
        "vault.NAME.limits",
        "upload",
        "\"10MiB\"",
        "The most bytes that are sent in a second; --limit-upload overrules it",
    ),
    optional(
        "vault.NAME.limits",
        "download",
        "\"10MiB\"",
        "The most bytes that are received in a second; --limit-download overrules it",
    ),
    optional(
        "vault.NAME.limits",
        "requests",
        "100",
        "The most requests in a second; --limit-requests overrules it",
    ),
    key(
        "vault.NAME.retry",
        "attempts",
        "6",
        "So often a request is made that fails in a way that may pass, the first time included",
    ),
    key(
        "vault.NAME.retry",
        "first_wait",
        "\"1s\"",
        "The longest wait before it is made again; doubled each time",
    ),
    key(
        "vault.NAME.retry",
        "longest_wait",
        "\"20s\"",
        "The longest wait at all",
    ),
    optional(
        "vault.NAME.s3",
        "endpoint",
        "\"https://s3.example.com\"",
        "The S3 service; Amazon's when left out",
    ),
    optional("vault.NAME.s3", "region", "\"eu-central-1\"", "Its region"),
    key(
        "vault.NAME.s3",
        "style",
        "\"path\"",
        "Where the bucket's name goes in requests: path or virtual",
    ),
    optional(
        "vault.NAME.s3",
        "access_key",
        "{ env = \"NAME_ACCESS_KEY\" }",
        "Where the access key's id comes from; AWS_ACCESS_KEY_ID when left out",
    ),
    optional(
        "vault.NAME.s3",
        "secret_key",
        "{ file = \"/etc/ostler/NAME.secret\" }",
        "Where its secret comes from; AWS_SECRET_ACCESS_KEY when left out",
    ),
    optional(
        "vault.NAME.s3",
        "session_token",
        "{ env = \"NAME_TOKEN\" }",
        "Where the token of temporary credentials comes from",
    ),
    optional(
        "vault.NAME.azure",
        "account",
        "\"backups\"",
        "The storage account; AZURE_STORAGE_ACCOUNT_NAME when left out",
    ),
    optional(
        "vault.NAME.azure",
        "endpoint",
        "\"https://backups.blob.core.windows.net\"",
        "The service with the account in it; Azure's public one when left out",
    ),
    optional(
        "vault.NAME.azure",
        "access_key",
        "{ env = \"NAME_ACCESS_KEY\" }",
        "Where the account's key comes from; AZURE_STORAGE_ACCOUNT_KEY, or the machine's identity, when left out",
    ),
    optional(
        "vault.NAME.azure",
        "sas_token",
        "{ file = \"/etc/ostler/NAME.sas\" }",
        "Where a shared access signature comes from, in place of the key; AZURE_STORAGE_SAS_TOKEN when left out",
    ),
    optional(
        "vault.NAME.gcs",
        "endpoint",
        "\"https://storage.googleapis.com\"",
        "The service; Google's when left out",
    ),
    optional(
        "vault.NAME.gcs",
        "service_account",
        "{ file = \"/etc/ostler/NAME.json\" }",
        "Where a service account's JSON key comes from; GOOGLE_APPLICATION_CREDENTIALS, or the machine's identity, when left out",
    ),
    key(
        "vault.NAME.gcs",
        "anonymous",
        "false",
        "Whether requests are sent without credentials",
    ),
    optional(
        "vault.NAME.sftp",
        "identity_file",
        "\"~/.ssh/id_ed25519\"",
        "The private key; what the SSH client's configuration and agent offer when left out",
    ),
    optional(
        "vault.NAME.sftp",
        "known_hosts_file",
        "\"~/.ssh/known_hosts\"",
        "The keys of trusted hosts; those that the SSH client's configuration names when left out",
    ),
    optional(
        "vault.NAME.sftp",
        "config_file",
        "\"~/.ssh/config\"",
        "The SSH client's configuration; the usual ones when left out",
    ),
    optional(
        "database.NAME",
        "dsn",
        "\"postgresql://user@host/database\"",
        "A connection string without a password, `host=… dbname=…`, or `crate://user@host:4200` for CrateDB; required. PG… or CRATEDB_… variables and ~/.pgpass complete it",
    ),
    optional(
        "database.NAME",
        "password",
        "{ env = \"NAME_PASSWORD\" }",
        "Where the password comes from: { file = … }, { env = … } or { keyring = … }; ~/.pgpass when left out",
    ),
    key(
        "database.NAME",
        "databases",
        "[]",
        "Which databases of that server the ticker looks after: none named is the one above, [\"*\"] all that have queues",
    ),
];

/// All keys, in the order of the file that `config init` prints.
pub fn all() -> impl Iterator<Item = &'static Key> {
    KEYS.iter()
        .chain(serve::KEYS)
        .chain(state::KEYS)
        .chain(class::KEYS)
        .chain(cluster::KEYS)
}

/// Whether a table stands for any number of them, each with a name of its own.
#[must_use]
pub fn is_named(table: &str) -> bool {
    ["vault.", "database.", "prices.", "class.", "cluster."]
        .iter()
        .any(|named| table.starts_with(named))
}
