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
    let mut stream = stream.take(bytes);
    let mut piece = [0; 16 * 1024];
    // Some servers leave the connection open, whatever they are asked: the length says where the answer ends.
    while !is_whole(&answer) {
        match stream.read(&mut piece).ok()? {
            0 => break,
            length => answer.extend_from_slice(&piece[..length]),
        }
    }
    let head = head(&answer);
    let body = answer.get(head + 4..).unwrap_or_default().to_vec();
    let line = String::from_utf8_lossy(&answer[..head]);
    Some((line.split_whitespace().nth(1)?.parse().ok()?, body))
}

/// Where the head ends.
fn head(answer: &[u8]) -> usize {
    let end = answer.windows(4).position(|part| part == b"\r\n\r\n");
    end.unwrap_or(answer.len())
}

fn is_whole(answer: &[u8]) -> bool {
    let head = head(answer);
    let text = String::from_utf8_lossy(&answer[..head]).to_ascii_lowercase();
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    length.is_some_and(|length| head < answer.len() && answer.len() >= head + 4 + length)
}
