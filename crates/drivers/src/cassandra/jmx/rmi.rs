//! Calls of methods of a Java process: Java Remote Method Invocation Specification, chapter 10, "RMI Wire Protocol", in its
//! stream protocol.

use std::io::{BufReader, Error, ErrorKind, Read, Result, Take, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::read::{Reader, Value};
use super::write::Writer;

/// How long a connection may take. What is asked for may take as long as it takes.
const PATIENCE: Duration = Duration::from_secs(10);
/// No answer is longer, in bytes.
const LONGEST: u64 = 16 << 20;

/// The magic number, the version and the stream protocol.
const HELLO: [u8; 7] = [b'J', b'R', b'M', b'I', 0, 2, 0x4B];
const HELLO_YOURSELF: u8 = 0x4E;
const CALL: u8 = 0x50;
const RETURN: u8 = 0x51;

/// An object of the other process: its number there, and which start of that process gave it.
pub(super) type ObjectId = [u8; 22];
/// What the registry of a port is known by.
pub(super) const REGISTRY: ObjectId = [0; 22];

/// A method of a remote interface.
#[derive(Debug, Clone, Copy)]
pub(super) struct Method {
    /// Its number, where the other side counts; else -1.
    pub(super) number: i32,
    /// Its hash: chapter 8.3, over the name and the descriptor that stand beside it.
    pub(super) hash: i64,
    /// Whether it returns something.
    pub(super) returns: bool,
}

/// Another process.
#[derive(Debug)]
pub(super) struct Connection {
    stream: BufReader<TcpStream>,
}

/// What a call came to.
pub(super) struct Answer<'a> {
    pub(super) reader: Reader<Take<&'a mut BufReader<TcpStream>>>,
    pub(super) value: Value,
    /// Whether that is what the method has thrown.
    pub(super) thrown: bool,
}

fn other(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}

impl Connection {
    /// Connects, and agrees on the protocol.
    pub(super) fn open(host: &str, port: u16) -> Result<Self> {
        let mut failed = other("the name has no address");
        for address in (host, port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, PATIENCE) {
                Ok(stream) => return Self::begin(stream),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    fn begin(mut stream: TcpStream) -> Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(&HELLO)?;
        let mut stream = BufReader::new(stream);
        let mut byte = [0];
        let spoken = stream.read_exact(&mut byte).is_ok() && byte == [HELLO_YOURSELF];
        if !spoken {
            return Err(other("what answers does not speak RMI without TLS"));
        }
        // Which address and port it sees us at: of use to those who are called back.
        let mut size = [0; 2];
        stream.read_exact(&mut size)?;
        let seen = u64::from(u16::from_be_bytes(size)) + 4;
        std::io::copy(&mut stream.by_ref().take(seen), &mut std::io::sink())?;
        stream.get_mut().write_all(&[0; 6])?;
        stream.get_mut().set_read_timeout(None)?;
        Ok(Self { stream })
    }

    /// Calls a method; `arguments` writes what it is given.
    pub(super) fn call(
        &mut self,
        object: &ObjectId,
        method: Method,
        arguments: impl FnOnce(&mut Writer),
    ) -> Result<Answer<'_>> {
        let mut call = Writer::call();
        let [number, hash] = [
            method.number.to_be_bytes().as_slice(),
            method.hash.to_be_bytes().as_slice(),
        ]
        .map(<[u8]>::to_vec);
        call.block(&[object.to_vec(), number, hash].concat());
        arguments(&mut call);
        let message = [vec![CALL], call.into_bytes()].concat();
        self.stream.get_mut().write_all(&message)?;
        let mut byte = [0];
        self.stream.read_exact(&mut byte)?;
        if byte != [RETURN] {
            return Err(other("it answers a call with something else than a return"));
        }
        let mut reader = Reader::new(self.stream.by_ref().take(LONGEST))?;
        // Whether it went well, and an id for the collector of garbage, which we leave to its own clock.
        let thrown = match reader.value()? {
            Value::Block(block) if block.first() == Some(&1) => false,
            Value::Block(block) if block.first() == Some(&2) => true,
            _ => return Err(other("it does not say how a call ended")),
        };
        let value = match method.returns || thrown {
            true => reader.value()?,
            false => Value::Nothing,
        };
        Ok(Answer {
            reader,
            value,
            thrown,
        })
    }
}

/// Where an object of another process is: what a stub has of it.
#[derive(Debug)]
pub(super) struct Reference {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) object: ObjectId,
}

impl Reference {
    /// Reads what a stub has written by itself: the name of a class of references, and what that class writes.
    pub(super) fn read(block: &[u8]) -> Result<Self> {
        let unknown = || other("it refers to the object behind in a way that only Java knows");
        let (kind, rest) = text(block).ok_or_else(unknown)?;
        let rest = match kind.as_str() {
            "UnicastRef" => rest,
            // One that may bring its own sockets.
            "UnicastRef2" => match rest.split_first() {
                Some((0, rest)) => rest,
                Some((1, _)) => return Err(other("it wants to be called by TLS")),
                _ => return Err(unknown()),
            },
            _ => return Err(unknown()),
        };
        let (host, rest) = text(rest).ok_or_else(unknown)?;
        let (port, rest) = rest.split_first_chunk::<4>().ok_or_else(unknown)?;
        let (object, _) = rest.split_first_chunk().ok_or_else(unknown)?;
        Ok(Self {
            host,
            port: u16::try_from(u32::from_be_bytes(*port)).map_err(|_| unknown())?,
            object: *object,
        })
    }
}

fn text(bytes: &[u8]) -> Option<(String, &[u8])> {
    let (size, rest) = bytes.split_first_chunk::<2>()?;
    let (text, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*size)))?;
    Some((String::from_utf8_lossy(text).into_owned(), rest))
}
