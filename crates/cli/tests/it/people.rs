//! Users with passwords, as a browser sees them: cookies and forms over plain requests.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Answer {
    /// The cookie that it gives, to be sent back.
    pub fn cookie(&self) -> String {
        let cookie = &self.headers["set-cookie"];
        cookie.split(';').next().unwrap().to_owned()
    }

    /// The hidden field of the forms of a page.
    pub fn form_token(&self) -> String {
        let (_, rest) = self.body.split_once("name=\"form_token\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    }
}

/// Asks the server at this port of this machine.
pub fn send(port: u16, method: &str, path: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Answer {
    let body = body.as_ref();
    let mut request = format!(
        "{method} {path} HTTP/1.0\r\nhost: localhost\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    let request = [format!("{request}\r\n").as_bytes(), body].concat();
    let mut attempts = (0..3).map(|_| exchange(port, &request));
    let answer = attempts.find(|answer| !answer.is_empty()).unwrap_or_default();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    Answer {
        status,
        headers,
        body: body.to_owned(),
    }
}

/// What comes back. A server that has seen enough answers and hangs up before it was told all: the kernel then resets the
/// connection, over which the answer is lost at times.
fn exchange(port: u16, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        read => drop(read.unwrap()),
    }
    answer
}

/// Sends a form.
pub fn form(port: u16, path: &str, cookie: &str, fields: &str) -> Answer {
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("cookie", cookie),
    ];
    send(port, "POST", path, &headers, fields)
}

/// Signs in with a password.
pub fn sign_in(port: u16, name: &str, password: &str) -> Answer {
    form(port, "/sign-in", "", &format!("name={name}&password={password}"))
}
