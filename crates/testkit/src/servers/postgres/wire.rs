//! The simple query protocol in blocking code: an oracle that shares nothing with what is tested.
//!
//! Source: "Message Formats" of the PostgreSQL manual, protocol 3.0.

use std::io::{BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// Rows of text; `None` is NULL.
pub type Rows = Vec<Vec<Option<String>>>;

/// A connection as the superuser, without a password.
#[derive(Debug)]
pub struct Wire {
    stream: BufReader<TcpStream>,
}

impl Wire {
    /// Connects.
    ///
    /// # Errors
    /// When there is no server, or it does not want us.
    pub fn connect(port: u16, user: &str, database: &str) -> Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).context("no server listens")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(120)))?;
        let mut body = 196_608_u32.to_be_bytes().to_vec();
        for word in ["user", user, "database", database, "application_name", "testkit"] {
            body.extend(word.as_bytes());
            body.push(0);
        }
        body.push(0);
        let mut this = Self {
            stream: BufReader::new(stream),
        };
        this.send(None, &body)?;
        this.answer()?;
        Ok(this)
    }

    /// Runs statements; the rows of all of them.
    ///
    /// # Errors
    /// The server's own: `SQLSTATE: message`.
    pub fn query(&mut self, statements: &str) -> Result<Rows> {
        let mut body = statements.as_bytes().to_vec();
        body.push(0);
        self.send(Some(b'Q'), &body)?;
        self.answer().with_context(|| format!("in {statements}"))
    }

    fn send(&mut self, kind: Option<u8>, body: &[u8]) -> Result<()> {
        let mut message: Vec<u8> = kind.into_iter().collect();
        message.extend(u32::try_from(body.len() + 4)?.to_be_bytes());
        message.extend(body);
        self.stream.get_mut().write_all(&message)?;
        Ok(())
    }

    /// Reads to the end of the answer.
    fn answer(&mut self) -> Result<Rows> {
        let mut rows = Rows::new();
        let mut fault = None;
        loop {
            let mut head = [0; 5];
            if self.stream.read_exact(&mut head).is_err() {
                bail!(fault.unwrap_or_else(|| "the server hung up".to_owned()));
            }
            let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
            let mut body = vec![0; length.saturating_sub(4)];
            self.stream.read_exact(&mut body)?;
            match head[0] {
                b'D' => rows.push(row(&body).context("a row that is none")?),
                b'E' => fault = Some(fault.unwrap_or_else(|| message(&body))),
                b'R' if body != [0; 4] => bail!("the server wants a password"),
                b'Z' => break,
                _ => {}
            }
        }
        match fault {
            Some(fault) => bail!(fault),
            None => Ok(rows),
        }
    }
}

fn row(body: &[u8]) -> Option<Vec<Option<String>>> {
    let (count, mut rest) = body.split_at_checked(2)?;
    let mut fields = Vec::new();
    for _ in 0..u16::from_be_bytes(count.try_into().ok()?) {
        let (length, after) = rest.split_at_checked(4)?;
        rest = after;
        let length = i32::from_be_bytes(length.try_into().ok()?);
        fields.push(match usize::try_from(length) {
            Ok(length) => {
                let (field, after) = rest.split_at_checked(length)?;
                rest = after;
                Some(String::from_utf8_lossy(field).into_owned())
            }
            Err(_) => None,
        });
    }
    Some(fields)
}

/// `SQLSTATE: message` of an error's fields.
fn message(body: &[u8]) -> String {
    let field = |wanted: u8| {
        body.split(|byte| *byte == 0)
            .find(|field| field.first() == Some(&wanted))
            .map(|field| String::from_utf8_lossy(&field[1..]).into_owned())
            .unwrap_or_default()
    };
    format!("{}: {}", field(b'C'), field(b'M'))
}
