//! The few requests that starting and steering a server needs.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// The status of the answer to a request of a loopback port; `None` without an answer.
pub(super) fn exchange(port: u16, method: &str, path: &str, headers: &str, body: &str) -> Option<u16> {
    let limits = (Duration::from_secs(5), 64 * 1024);
    answer(port, method, path, headers, body, limits).map(|(status, _)| status)
}

/// Status and body of the answer, within a time and a number of bytes.
pub(super) fn answer(
    port: u16,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
    (patience, bytes): (Duration, u64),
) -> Option<(u16, Vec<u8>)> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    stream.set_read_timeout(Some(patience)).ok()?;
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}Content-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.take(bytes).read_to_end(&mut answer).ok()?;
    let head = answer
        .windows(4)
        .position(|part| part == b"\r\n\r\n")
        .unwrap_or(answer.len());
    let body = answer.get(head + 4..).unwrap_or_default().to_vec();
    let line = String::from_utf8_lossy(&answer[..head]);
    Some((line.split_whitespace().nth(1)?.parse().ok()?, body))
}
