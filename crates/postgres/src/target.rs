//! What a connection string means here: with the environment, defaults and the password file.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ostler_vocabulary::Secret;
use tokio_postgres::config::{ChannelBinding, TargetSessionAttrs};

use crate::dsn::{self, Dsn, KEYS};
use crate::passfile::{self, Entry};
use crate::{Error, TlsMode};

const PORT: u16 = 5432;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// After what silence a session that lives long asks whether the server is still there.
const ASKS_AFTER: Duration = Duration::from_secs(30);
/// How long it waits for a word of the server's machine.
const GIVES_UP_AFTER: Duration = Duration::from_secs(60);
/// Where servers keep their sockets.
const SOCKETS: &[&str] = &["/var/run/postgresql", "/run/postgresql", "/tmp"];

/// One server that may be the right one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// A name, an address, or the directory of a socket.
    pub host: String,
    /// Where the name is, without asking.
    pub address: Option<IpAddr>,
    /// The port.
    pub port: u16,
}

impl Endpoint {
    /// Whether it is the directory of a socket.
    #[must_use]
    pub fn is_socket(&self) -> bool {
        self.host.starts_with('/')
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]", self.host)?;
        } else {
            f.write_str(&self.host)?;
        }
        if self.port == PORT {
            Ok(())
        } else {
            write!(f, ":{}", self.port)
        }
    }
}

/// Everything that is needed to connect.
#[derive(Debug, Clone)]
pub struct Target {
    /// The servers, in the order they are tried.
    pub endpoints: Vec<Endpoint>,
    /// The role.
    pub user: String,
    /// The database.
    pub database: String,
    /// How the server is trusted.
    pub tls: TlsMode,
    /// How long one server is waited for.
    pub connect_timeout: Duration,
    /// What the server shows as the name of the program.
    pub application_name: Option<String>,
    pub(crate) alias: Option<String>,
    pub(crate) password: Option<Secret>,
    pub(crate) passfile: Option<PathBuf>,
    pub(crate) root: Option<PathBuf>,
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    pub(crate) options: Option<String>,
    pub(crate) session: TargetSessionAttrs,
    pub(crate) binding: ChannelBinding,
    pub(crate) keepalives_idle: Option<Duration>,
    pub(crate) tcp_user_timeout: Option<Duration>,
}

impl Target {
    /// Completes a connection string by the environment of this process.
    ///
    /// # Errors
    /// When a value is none of its key, or no user is named anywhere.
    pub fn from_environment(dsn: &Dsn) -> Result<Self, Error> {
        Self::resolve(dsn, &|name| std::env::var(name).ok())
    }

    /// Completes a connection string by some environment.
    ///
    /// # Errors
    /// When a value is none of its key, or no user is named anywhere.
    pub fn resolve(dsn: &Dsn, environment: &dyn Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let lookup = |name: &str| environment(name).filter(|value| !value.is_empty());
        let get = |key: &str| {
            let variable = KEYS.iter().find(|(known, _)| *known == key)?.1;
            let written = dsn.get(key).map(str::to_owned);
            written
                .or_else(|| lookup(variable?))
                .filter(|value| !value.is_empty())
        };
        let home = lookup("HOME").map(PathBuf::from);
        let user = get("user")
            .or_else(|| lookup("USER"))
            .or_else(|| lookup("LOGNAME"));
        let user = user.ok_or_else(|| dsn::wrong("it names no user", Some("add `user=…`, or set PGUSER")))?;
        let in_home = |name: &str| home.as_ref().map(|home| home.join(".postgresql").join(name));
        let present = |path: Option<PathBuf>| path.filter(|path| path.exists());
        let root = get("sslrootcert");
        let system = root.as_deref() == Some("system");
        let root = match root {
            Some(path) if !system => Some(path.into()),
            Some(_) => None,
            None => present(in_home("root.crt")),
        };
        let mode = get("sslmode");
        Ok(Self {
            endpoints: endpoints(get("host"), get("hostaddr"), get("port"))?,
            database: get("dbname").unwrap_or_else(|| user.clone()),
            tls: TlsMode::read(mode.as_deref(), system || root.is_some())?,
            connect_timeout: number(get("connect_timeout"), "connect_timeout")?
                .filter(|seconds| *seconds > 0)
                .map_or(CONNECT_TIMEOUT, Duration::from_secs),
            application_name: get("application_name"),
            alias: None,
            password: dsn
                .password()
                .cloned()
                .or_else(|| lookup("PGPASSWORD").map(Secret::new)),
            passfile: get("passfile")
                .map(PathBuf::from)
                .or_else(|| home.as_ref().map(|home| home.join(".pgpass"))),
            root,
            certificate: get("sslcert")
                .map(PathBuf::from)
                .or_else(|| present(in_home("postgresql.crt"))),
            key: get("sslkey")
                .map(PathBuf::from)
                .or_else(|| present(in_home("postgresql.key"))),
            options: get("options"),
            session: match get("target_session_attrs").as_deref() {
                None | Some("any") => TargetSessionAttrs::Any,
                Some("read-write" | "primary") => TargetSessionAttrs::ReadWrite,
                Some("read-only" | "standby") => TargetSessionAttrs::ReadOnly,
                Some(_) => {
                    return Err(dsn::wrong(
                        "target_session_attrs means nothing",
                        Some("write any, read-write, read-only, primary or standby"),
                    ));
                }
            },
            binding: match get("channel_binding").as_deref() {
                None | Some("prefer") => ChannelBinding::Prefer,
                Some("require") => ChannelBinding::Require,
                Some("disable") => ChannelBinding::Disable,
                Some(_) => {
                    return Err(dsn::wrong(
                        "channel_binding means nothing",
                        Some("write disable, prefer or require"),
                    ));
                }
            },
            keepalives_idle: number(get("keepalives_idle"), "keepalives_idle")?.map(Duration::from_secs),
            tcp_user_timeout: number(get("tcp_user_timeout"), "tcp_user_timeout")?.map(Duration::from_millis),
            user,
        })
    }

    /// The same with a name for messages, such as the one in the configuration.
    #[must_use]
    pub fn called(mut self, alias: impl Into<String>) -> Self {
        self.alias = Some(alias.into());
        self
    }

    /// The same for work that goes on for ever and writes. Of several servers only one that takes writes is the right one, also
    /// where the connection string does not say so: after a fail-over the others are standbys. And a machine that is gone
    /// without a word is noticed in about two minutes, unless `keepalives_idle` or `tcp_user_timeout` say something else; the
    /// system's own times are hours.
    #[must_use]
    pub fn for_long_work(mut self) -> Self {
        if self.endpoints.len() > 1 && self.session == TargetSessionAttrs::Any {
            self.session = TargetSessionAttrs::ReadWrite;
        }
        self.keepalives_idle = self.keepalives_idle.or(Some(ASKS_AFTER));
        self.tcp_user_timeout = self.tcp_user_timeout.or(Some(GIVES_UP_AFTER));
        self
    }

    /// The same for another database of the server.
    #[must_use]
    pub fn with_database(mut self, name: &str) -> Self {
        name.clone_into(&mut self.database);
        self
    }

    /// The connection's name in messages: its alias, or host and database.
    #[must_use]
    pub fn name(&self) -> String {
        if let Some(alias) = &self.alias {
            return alias.clone();
        }
        let hosts: Vec<String> = self.endpoints.iter().map(ToString::to_string).collect();
        format!("{}/{}", hosts.join(","), self.database)
    }

    /// The password for one of the servers.
    pub(crate) fn password_for(&self, endpoint: &Endpoint) -> Result<Option<Secret>, Error> {
        if self.password.is_some() {
            return Ok(self.password.clone());
        }
        let Some(text) = self
            .passfile
            .as_deref()
            .and_then(|path| self.readable(path).transpose())
        else {
            return Ok(None);
        };
        let usual = SOCKETS.contains(&endpoint.host.as_str());
        let wanted = Entry {
            host: if usual { "localhost" } else { &endpoint.host },
            port: endpoint.port,
            database: &self.database,
            user: &self.user,
        };
        Ok(passfile::find(&text?, wanted))
    }

    /// The password file; `None` when there is none. One that others can read is refused, as every client does.
    fn readable(&self, path: &Path) -> Result<Option<String>, Error> {
        use std::os::unix::fs::PermissionsExt;
        let failed = |source| Error::File {
            connection: self.name(),
            what: "the password file",
            path: path.to_owned(),
            source,
        };
        match std::fs::metadata(path) {
            Ok(meta) if meta.is_file() && meta.permissions().mode() & 0o077 != 0 => {
                Err(failed(std::io::Error::new(
                    std::io::ErrorKind::PermissionDenied,
                    "others can read it: `chmod 600` it",
                )))
            }
            Ok(_) => std::fs::read_to_string(path).map(Some).map_err(failed),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }
}

fn endpoints(
    hosts: Option<String>,
    addresses: Option<String>,
    ports: Option<String>,
) -> Result<Vec<Endpoint>, Error> {
    let list = |text: &Option<String>| -> Vec<String> {
        let items = text.iter().flat_map(|text| text.split(','));
        items.map(|item| item.trim().to_owned()).collect()
    };
    let (hosts, addresses, ports) = (list(&hosts), list(&addresses), list(&ports));
    let count = hosts.len().max(addresses.len()).max(1);
    let fits = |length: usize| length <= 1 || length == count;
    if !fits(ports.len()) || !hosts.is_empty() && !addresses.is_empty() && hosts.len() != addresses.len() {
        return Err(dsn::wrong("it has not as many ports or addresses as hosts", None));
    }
    let item = |list: &[String], at: usize| {
        let item = list.get(at).or(list.first().filter(|_| list.len() == 1));
        item.filter(|item| !item.is_empty()).cloned()
    };
    (0..count)
        .map(|at| {
            let port = match item(&ports, at) {
                None => PORT,
                Some(port) => port
                    .parse()
                    .ok()
                    .filter(|port| *port != 0)
                    .ok_or_else(|| dsn::wrong("a port in it is none", Some("1 to 65535")))?,
            };
            let address: Option<IpAddr> = match item(&addresses, at) {
                None => None,
                Some(text) => Some(
                    text.parse()
                        .map_err(|_| dsn::wrong("hostaddr has something that is no address", None))?,
                ),
            };
            let host = item(&hosts, at)
                .or_else(|| address.map(|address| address.to_string()))
                .unwrap_or_else(|| local(port));
            Ok(Endpoint { host, address, port })
        })
        .collect()
}

/// A socket that is there, or loopback.
fn local(port: u16) -> String {
    let there = |directory: &&&str| Path::new(directory).join(format!(".s.PGSQL.{port}")).exists();
    SOCKETS
        .iter()
        .find(there)
        .copied()
        .unwrap_or("localhost")
        .to_owned()
}

fn number(value: Option<String>, key: &str) -> Result<Option<u64>, Error> {
    let Some(value) = value else { return Ok(None) };
    match value.parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(dsn::wrong(format!("{key} is no number"), None)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Dsn, Duration, Target, TargetSessionAttrs};
    use crate::TlsMode;

    fn target(text: &str, variables: &[(&str, &str)]) -> Result<Target, crate::Error> {
        let variables: Vec<(String, String)> = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Target::resolve(&Dsn::parse(text)?, &|name| {
            let found = variables.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.clone())
        })
    }

    #[test]
    fn what_is_written_counts_before_the_environment() {
        let environment = [("PGUSER", "env"), ("PGDATABASE", "envdb"), ("PGPORT", "6000")];
        let it = target("host=h user=me", &environment).expect("a target");
        assert_eq!((it.user.as_str(), it.database.as_str()), ("me", "envdb"));
        assert_eq!(it.name(), "h:6000/envdb");
        assert_eq!(it.called("main").name(), "main");
    }

    #[test]
    fn defaults_are_those_of_every_client() {
        let it = target("host=h", &[("USER", "me")]).expect("a target");
        assert_eq!((it.database.as_str(), it.endpoints[0].port), ("me", 5432));
        assert_eq!(it.tls, TlsMode::Prefer);
        assert_eq!(it.name(), "h/me");
    }

    #[test]
    fn many_hosts_may_share_a_port() {
        let it = target("postgres://u@a,b:7/d", &[]).expect("a target");
        assert_eq!(it.name(), "a,b:7/d");
        let it = target("host=a,b port=9 user=u", &[]).expect("a target");
        assert_eq!(it.endpoints[1].port, 9);
        assert!(target("host=a,b port=1,2,3 user=u", &[]).is_err());
    }

    #[test]
    fn long_work_wants_the_server_that_takes_writes_and_notices_silence() {
        let long = |text: &str| target(text, &[]).expect("a target").for_long_work();
        assert_eq!(long("host=a,b user=u").session, TargetSessionAttrs::ReadWrite);
        assert_eq!(long("host=a user=u").session, TargetSessionAttrs::Any);
        let told = long("host=a,b user=u target_session_attrs=standby tcp_user_timeout=5 keepalives_idle=7");
        assert_eq!(told.session, TargetSessionAttrs::ReadOnly);
        let silence = (told.tcp_user_timeout, told.keepalives_idle);
        assert_eq!(
            silence,
            (Some(Duration::from_millis(5)), Some(Duration::from_secs(7)))
        );
        assert_eq!(long("user=u").tcp_user_timeout, Some(Duration::from_secs(60)));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "host=h",
            "user=u port=0",
            "user=u port=x",
            "user=u hostaddr=x",
            "user=u connect_timeout=soon",
            "user=u sslmode=maybe",
            "user=u target_session_attrs=x",
            "user=u channel_binding=x",
        ] {
            assert!(target(text, &[]).is_err(), "{text}");
        }
    }
}
