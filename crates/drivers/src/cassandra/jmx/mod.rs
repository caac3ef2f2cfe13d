//! Java Management Extensions: asks a Cassandra for what `nodetool` asks it for, without a Java of our own.
//!
//! A `nodetool` starts a virtual machine, loads some thousand classes, and then makes one call. This makes the call: a remote
//! connector of JSR 160 over RMI, as Java's `RMIConnector` is its client.

mod read;
mod rmi;
#[cfg(test)]
mod tests;
mod write;

use std::io;

use ostler_vocabulary::{Classified, ErrorKind, Secret};

use super::java::one_line;
use read::{Reader, Value};
use rmi::{Answer, Connection, Method, ObjectId, REGISTRY, Reference};
pub(in crate::cassandra) use write::Argument;

/// Where JMX answers, and who asks.
#[derive(Debug, Clone)]
pub struct Jmx {
    /// The host.
    pub host: String,
    /// The port of its registry; Cassandra's is 7199.
    pub port: u16,
    /// Who signs in, and with which password.
    pub user: Option<(String, Secret)>,
}

/// What can go wrong between us and the JMX of a database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It does not answer, or not as it should.
    #[error("cannot speak JMX with {address}")]
    Unreachable {
        /// Where.
        address: String,
        /// Why not.
        source: io::Error,
    },
    /// It does not let us in.
    #[error("the JMX of {address} lets nobody in like this: {said}")]
    Denied {
        /// Where.
        address: String,
        /// What it says.
        said: String,
    },
    /// It was asked, and failed.
    #[error("the database at {address} failed at `{asked}`: {said}")]
    Failed {
        /// Where.
        address: String,
        /// The operation.
        asked: String,
        /// What it says.
        said: String,
    },
}

impl Classified for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unreachable { .. } => ErrorKind::Unavailable,
            Self::Denied { .. } => ErrorKind::Denied,
            Self::Failed { .. } => ErrorKind::Internal,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Unreachable { .. } => {
                "--jmx says where it answers (`JMX_PORT` in cassandra-env.sh); JMX by TLS is spoken by `nodetool` only"
            }
            Self::Denied { .. } => {
                "--jmx-user and --jmx-password-file say who asks; `jmxremote.access` says what they may"
            }
            Self::Failed { .. } => return None,
        };
        Some(hint.to_owned())
    }
}

/// `java.rmi.registry.Registry.lookup(String)`, by the numbers that registries have always had.
const LOOKUP: Method = Method {
    number: 2,
    hash: 0x4415_4DC9_D4E6_3BDF,
    returns: true,
};
/// `newClient(Ljava/lang/Object;)Ljavax/management/remote/rmi/RMIConnection;`
const NEW_CLIENT: Method = by_hash(0xF0E0_74EA_AD0C_AEA8);
/// `invoke(Ljavax/management/ObjectName;Ljava/lang/String;Ljava/rmi/MarshalledObject;[Ljava/lang/String;Ljavax/security/auth/Subject;)Ljava/lang/Object;`
const INVOKE: Method = by_hash(0x13E7_D694_17E5_DA20);
/// `getAttribute(Ljavax/management/ObjectName;Ljava/lang/String;Ljavax/security/auth/Subject;)Ljava/lang/Object;`
const GET_ATTRIBUTE: Method = by_hash(0xF0E0_500A_394D_7215);
/// `close()V`
const CLOSE: Method = Method {
    returns: false,
    ..by_hash(0xBE2E_5BC7_809D_0DCC)
};

const fn by_hash(hash: u64) -> Method {
    Method {
        number: -1,
        hash: hash.cast_signed(),
        returns: true,
    }
}

/// A connection to the MBeans of a process.
pub(super) struct Beans {
    connection: Connection,
    object: ObjectId,
    address: String,
}

impl Drop for Beans {
    /// What is not closed is closed by the other side when it finds out, which takes it minutes.
    fn drop(&mut self) {
        let _ = self.connection.call(&self.object, CLOSE, |_| {});
    }
}

impl Beans {
    /// Signs in.
    pub(super) fn connect(jmx: &Jmx) -> Result<Self, Error> {
        let address = format!("{}:{}", jmx.host, jmx.port);
        let cannot = |source| Error::Unreachable {
            address: address.clone(),
            source,
        };
        let mut registry = Connection::open(&jmx.host, jmx.port).map_err(cannot)?;
        let found = registry.call(&REGISTRY, LOOKUP, |call| call.text("jmxrmi"));
        let server = found.and_then(referred).map_err(cannot)?;
        let mut connection = Connection::open(&server.host, server.port).map_err(cannot)?;
        let client = connection.call(&server.object, NEW_CLIENT, |call| match &jmx.user {
            Some((name, password)) => call.texts(&[name.clone(), password.reveal().to_owned()]),
            None => call.nothing(),
        });
        let client = client.map_err(cannot)?;
        if client.thrown {
            let said = said(&client.reader, &client.value);
            return Err(Error::Denied { address, said });
        }
        let client = referred(client).map_err(cannot)?;
        Ok(Self {
            connection,
            object: client.object,
            address,
        })
    }

    /// Has an MBean do something, and waits until it is done; the texts of what it answers.
    pub(super) fn invoke(
        &mut self,
        bean: &str,
        operation: &str,
        arguments: &[Argument],
    ) -> Result<Vec<String>, Error> {
        let kinds: Vec<String> = arguments.iter().map(Argument::kind).collect();
        let answer = self.connection.call(&self.object, INVOKE, |call| {
            call.object_name(bean);
            call.text(operation);
            call.arguments(arguments);
            call.texts(&kinds);
            call.nothing();
        });
        answered(&self.address, operation, answer)
    }

    /// The texts of an attribute of an MBean.
    pub(super) fn attribute(&mut self, bean: &str, attribute: &str) -> Result<Vec<String>, Error> {
        let answer = self.connection.call(&self.object, GET_ATTRIBUTE, |call| {
            call.object_name(bean);
            call.text(attribute);
            call.nothing();
        });
        answered(&self.address, attribute, answer)
    }
}

fn answered(address: &str, asked: &str, answer: io::Result<Answer<'_>>) -> Result<Vec<String>, Error> {
    let answer = answer.map_err(|source| Error::Unreachable {
        address: address.to_owned(),
        source,
    })?;
    if answer.thrown {
        return Err(Error::Failed {
            address: address.to_owned(),
            asked: asked.to_owned(),
            said: said(&answer.reader, &answer.value),
        });
    }
    Ok(texts(&answer.reader, &answer.value))
}

/// The texts of an array or a list.
fn texts<R: io::Read>(reader: &Reader<R>, list: &Value) -> Vec<String> {
    let elements = reader.thing(list).map(|list| list.more.as_slice());
    let text = |element: &Value| match element {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    };
    elements.unwrap_or_default().iter().filter_map(text).collect()
}

/// The object that a stub stands for.
fn referred(answer: Answer<'_>) -> io::Result<Reference> {
    if answer.thrown {
        return Err(io::Error::other(said(&answer.reader, &answer.value)));
    }
    let stub = answer.reader.thing(&answer.value);
    match stub.and_then(|stub| stub.more.first()) {
        Some(Value::Block(block)) => Reference::read(block),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it answers with no stub",
        )),
    }
}

/// What was thrown: of exceptions around others, the innermost.
fn said<R: io::Read>(reader: &Reader<R>, thrown: &Value) -> String {
    let mut innermost = reader.thing(thrown);
    let mut name = String::new();
    // One that has no cause is its own.
    for _ in 0..20 {
        let Some(thrown) = innermost else { break };
        name = match thrown.fields.get("detailMessage") {
            Some(Value::Text(message)) => format!("{}: {}", thrown.class, one_line(message)),
            _ => thrown.class.clone(),
        };
        let inner = [
            "exception",
            "runtimeException",
            "undeclaredThrowable",
            "target",
            "cause",
        ];
        let inner = inner
            .iter()
            .filter_map(|field| reader.thing(thrown.fields.get(*field)?));
        innermost = { inner }.find(|inner| !std::ptr::eq(*inner, thrown));
    }
    name
}
