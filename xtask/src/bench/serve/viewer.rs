//! Somebody who looks at pages: HTTP/1.1 over one connection, as a browser keeps it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// An answer that takes longer is none.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to a server on loopback.
pub struct Viewer {
    stream: BufReader<TcpStream>,
    /// The header that says who looks.
    credential: String,
}

impl Viewer {
    pub fn connect(port: u16, credential: &str) -> Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
            credential: credential.to_owned(),
        })
    }

    fn ask(&mut self, method: &str, path: &str, more: &str, body: &str) -> Result<(u16, Vec<String>)> {
        let credential = &self.credential;
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n{credential}{more}\r\n{body}"
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            ensure!(
                self.stream.read_line(&mut line)? > 0,
                "{path}: the server hung up"
            );
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let status = lines.first().and_then(|line| line.split(' ').nth(1));
        Ok((status.context("a status")?.parse()?, lines))
    }

    fn body(&mut self, headers: &[String]) -> Result<Vec<u8>> {
        let length = header(headers, "content-length").context("an answer without a length")?;
        let mut body = vec![0; length.parse()?];
        self.stream.read_exact(&mut body)?;
        Ok(body)
    }

    /// How long a page takes, all of it read, and its bytes.
    pub fn look(&mut self, path: &str) -> Result<(Duration, Vec<u8>)> {
        let begun = Instant::now();
        let (status, headers) = self.ask("GET", path, "", "")?;
        let body = self.body(&headers)?;
        if status != 200 {
            bail!("{path}: {status} {}", String::from_utf8_lossy(&body));
        }
        Ok((begun.elapsed(), body))
    }

    /// The cookie of a session, made with a token.
    pub fn sign_in(port: u16, token: &str) -> Result<String> {
        let mut somebody = Self::connect(port, "")?;
        let form = "content-type: application/x-www-form-urlencoded\r\n";
        let (status, headers) = somebody.ask("POST", "/sign-in", form, &format!("token={token}"))?;
        let cookie = header(&headers, "set-cookie").with_context(|| format!("signing in: {status}"))?;
        let cookie = cookie.split(';').next().unwrap_or_default();
        Ok(format!("cookie: {cookie}\r\n"))
    }

    /// Begins to listen to events; gives the first bytes of them.
    pub fn listen(&mut self, path: &str) -> Result<String> {
        let (status, _) = self.ask("GET", path, "accept: text/event-stream\r\n", "")?;
        ensure!(status == 200, "{path}: {status}");
        let mut line = String::new();
        while line.trim().is_empty() {
            ensure!(self.stream.read_line(&mut line)? > 0, "{path}: the stream ended");
        }
        Ok(line)
    }
}

fn header<'a>(headers: &'a [String], name: &str) -> Option<&'a str> {
    headers.iter().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}
