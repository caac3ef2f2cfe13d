//! What a server answers, and what its failures are.

use http_body_util::BodyExt as _;
use ostler_vocabulary::{ErrorKind, Failure};
use reqwest::Response;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use crate::problem::ProblemDocument;
use crate::v1::wire::{DEFAULT, PROBLEM_TRAILER};

/// The answer, unless it tells of a failure.
pub async fn checked(response: Response) -> Result<Response, Failure> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let body = response.bytes().await.map_err(broken_off)?;
    Err(match serde_json::from_slice::<ProblemDocument>(&body) {
        Ok(problem) => problem.into_failure(),
        Err(_) => Failure::new(
            match status.is_server_error() {
                true => ErrorKind::Unavailable,
                false => ErrorKind::Unsupported,
            },
            format!("the server answered {status}, and not as Ostler does"),
        )
        .with_hint("is it Ostler that answers at this address?"),
    })
}

/// The document in an answer.
pub async fn document<T: DeserializeOwned>(response: Response) -> Result<T, Failure> {
    let body = response.bytes().await.map_err(broken_off)?;
    serde_json::from_slice(&body).map_err(not_understood)
}

/// The documents in an answer, one a line.
pub async fn lines(response: Response) -> Result<Vec<serde_json::Value>, Failure> {
    let body = response.bytes().await.map_err(broken_off)?;
    body.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).map_err(not_understood))
        .collect()
}

/// The bytes of a file as they come; last a failure, when the server found something wrong or went away.
pub fn content(response: Response) -> mpsc::Receiver<Result<Vec<u8>, Failure>> {
    let (sender, receiver) = mpsc::channel(4);
    let mut body = http::Response::<reqwest::Body>::from(response).into_body();
    // Ends with the answer, or when nobody reads any more.
    drop(tokio::spawn(async move {
        while let Some(frame) = body.frame().await {
            let piece = match frame.map(http_body::Frame::into_data) {
                Ok(Ok(data)) => Ok(data.to_vec()),
                Ok(Err(frame)) => match frame.into_trailers().ok().as_ref().and_then(problem) {
                    Some(failure) => Err(failure),
                    None => continue,
                },
                Err(error) => Err(broken_off(error)),
            };
            let last = piece.is_err();
            if sender.send(piece).await.is_err() || last {
                return;
            }
        }
    }));
    receiver
}

fn problem(trailers: &http::HeaderMap) -> Option<Failure> {
    let document: ProblemDocument = serde_json::from_slice(trailers.get(PROBLEM_TRAILER)?.as_bytes()).ok()?;
    Some(document.into_failure())
}

/// What stands for a vault in a path.
pub fn vault(name: Option<&str>) -> Result<&str, Failure> {
    name.map_or(Ok(DEFAULT), part)
}

/// What can be a part of a path: neither nothing nor what means another place.
pub fn part(text: &str) -> Result<&str, Failure> {
    match text {
        "" | "." | ".." => Err(Failure::new(ErrorKind::Invalid, format!("`{text}` is no name"))),
        text => Ok(text),
    }
}

fn not_understood(error: serde_json::Error) -> Failure {
    Failure::new(ErrorKind::Unsupported, error.to_string())
        .context("the server's answer is not one that this program knows")
        .with_hint("use the same version here and there")
}

pub fn broken_off(error: reqwest::Error) -> Failure {
    Failure::new(ErrorKind::Unavailable, error.without_url().to_string())
        .context("the server's answer broke off")
}
