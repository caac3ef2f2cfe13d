//! A host that answers every request alike.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

pub struct Host {
    pub port: u16,
    asked: Arc<Mutex<String>>,
}

impl Host {
    pub fn plain(status: u16, body: &'static str) -> Self {
        Self::with(move |stream, asked| {
            serve(stream, status, body, asked);
        })
    }

    /// Reads, and ends the connection.
    pub fn silent() -> Self {
        Self::with(|mut stream, _| {
            let _ = request(&mut stream);
        })
    }

    /// Behind TLS as `localhost`; with the authority's certificate.
    pub fn secure(body: &'static str) -> (Self, String) {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let authority = made.cert.pem();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let config = Arc::new(config);
        let host = Self::with(move |stream, asked| {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            serve(StreamOwned::new(connection, stream), 200, body, asked);
        });
        (host, authority)
    }

    fn with(serve: impl Fn(TcpStream, &Mutex<String>) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(String::new()));
        let seen = Arc::clone(&asked);
        // Ends with the process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serve(stream, &seen);
            }
        });
        Self { port, asked }
    }

    /// The last request.
    pub fn asked(&self) -> String {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(mut stream: impl Read + Write, status: u16, body: &str, asked: &Mutex<String>) {
    let Some(text) = request(&mut stream) else { return };
    *asked.lock().unwrap() = text;
    let length = body.len();
    let answer =
        format!("HTTP/1.1 {status} x\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    let _ = stream.write_all(answer.as_bytes());
    let _ = stream.flush();
}

fn request(stream: &mut impl Read) -> Option<String> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(text);
            }
        }
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&piece[..count]),
        }
    }
}
