//! Requests and answers, as far as a proxy that does harm has to know them.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// A whole request.
#[derive(Debug)]
pub(crate) struct Request {
    method: String,
    /// Path and query.
    pub(crate) target: String,
    /// Lines without their ends, the first one included.
    head: Vec<String>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// Reads one; `None` when the client went away.
    pub(crate) fn read(stream: &mut TcpStream) -> Option<Self> {
        stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
        let mut bytes = Vec::new();
        let mut buffer = [0; 64 * 1024];
        let (head, start) = loop {
            if let Some(split) = split(&bytes) {
                break split;
            }
            match stream.read(&mut buffer).ok()? {
                0 => return None,
                count => bytes.extend_from_slice(&buffer[..count]),
            }
        };
        let length = header(&head, "content-length").map_or(Some(0), |text| text.parse().ok())?;
        let mut body = bytes.split_off(start);
        while body.len() < length {
            match stream.read(&mut buffer).ok()? {
                0 => return None,
                count => body.extend_from_slice(&buffer[..count]),
            }
        }
        let mut words = head.first()?.split(' ');
        Some(Self {
            method: words.next()?.to_owned(),
            target: words.next()?.to_owned(),
            head,
            body,
        })
    }

    /// One that is made here.
    pub(crate) fn post(target: &str, body: Vec<u8>) -> Self {
        let head = [
            format!("POST {target} HTTP/1.1"),
            "Host: localhost".to_owned(),
            "Content-Type: application/json".to_owned(),
            format!("Content-Length: {}", body.len()),
        ];
        Self {
            method: "POST".to_owned(),
            target: target.to_owned(),
            head: head.to_vec(),
            body,
        }
    }

    pub(crate) fn is_listing(&self) -> bool {
        self.method == "GET" && self.target.contains("list-type=")
    }

    pub(crate) fn reads_an_object(&self) -> bool {
        self.method == "GET" && !self.target.contains('?')
    }

    /// As it came, but for one connection a request.
    pub(crate) fn bytes_to_send(&self) -> Vec<u8> {
        let mut text = String::new();
        for line in &self.head {
            if !line.to_ascii_lowercase().starts_with("connection:") {
                text.push_str(line);
                text.push_str("\r\n");
            }
        }
        text.push_str("Connection: close\r\n\r\n");
        [text.as_bytes(), &self.body].concat()
    }
}

/// A whole answer, or what is left of it.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    head: Vec<String>,
    /// As it is sent, in chunks too.
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (head, start) = split(bytes)?;
        Some(Self {
            head: head
                .into_iter()
                .filter(|line| !line.to_ascii_lowercase().starts_with("connection:"))
                .collect(),
            body: bytes[start..].to_vec(),
        })
    }

    /// An answer with the text of an error.
    pub(crate) fn error(status: &str, code: &str, more: &str) -> Self {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>as the test wants \
             it</Message></Error>"
        );
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/xml\r\n{more}Content-Length: {}",
            body.len()
        );
        Self {
            head: head.split("\r\n").map(ToOwned::to_owned).collect(),
            body: body.into_bytes(),
        }
    }

    /// An answer of JSON.
    pub(crate) fn json(status: u16, body: &serde_json::Value) -> Self {
        let body = body.to_string();
        Self {
            head: vec![
                format!("HTTP/1.1 {status} as recorded"),
                "Content-Type: application/json".to_owned(),
                format!("Content-Length: {}", body.len()),
            ],
            body: body.into_bytes(),
        }
    }

    pub(crate) fn status(&self) -> Option<u16> {
        let line = self.head.first()?;
        line.split(' ').nth(1)?.parse().ok()
    }

    pub(crate) fn is_ok(&self) -> bool {
        self.status().is_some_and(|status| status / 100 == 2)
    }

    /// With half of its body; where there is none, with half of its head.
    pub(crate) fn cut_off(mut self) -> Self {
        if self.body.is_empty() {
            self.head.truncate(1);
        }
        self.body.truncate(self.body.len() / 2);
        self
    }

    pub(crate) fn with_bit_flipped(mut self, random: u64) -> Self {
        let is_plain = header(&self.head, "content-length").is_some();
        if is_plain && self.is_ok() && !self.body.is_empty() {
            let at = usize::try_from(random >> 3).unwrap_or(0) % self.body.len();
            self.body[at] ^= 1 << (random & 7);
        }
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut text = self.head.join("\r\n");
        text.push_str("\r\nConnection: close\r\n\r\n");
        [text.as_bytes(), &self.body].concat()
    }
}

/// Asks another server the same; `None` without an answer.
pub(crate) fn ask(upstream: impl ToSocketAddrs, request: &Request) -> Option<Response> {
    let mut stream = TcpStream::connect(upstream).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
    stream.write_all(&request.bytes_to_send()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    Response::parse(&answer)
}

/// The lines of a head, and where the body starts; `None` when the head is not whole.
fn split(bytes: &[u8]) -> Option<(Vec<String>, usize)> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]);
    Some((head.split("\r\n").map(ToOwned::to_owned).collect(), end + 4))
}

fn header<'a>(head: &'a [String], name: &str) -> Option<&'a str> {
    head.iter().skip(1).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}
