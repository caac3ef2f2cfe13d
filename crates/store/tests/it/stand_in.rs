//! A stand-in for the answers that a real service gives too rarely.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Gives the same answer to each request, until dropped.
pub(crate) struct StandIn {
    pub(crate) endpoint: String,
    pub(crate) task: tokio::task::JoinHandle<()>,
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) async fn stand_in(status: &str, body: &str) -> StandIn {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (status, body) = (status.to_owned(), body.to_owned());
    let task = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 64 * 1024];
            let _ = stream.read(&mut request).await;
            if status.is_empty() {
                // Never answers.
                std::future::pending::<()>().await;
            }
            let length = body.len();
            let answer =
                format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    StandIn { endpoint, task }
}
