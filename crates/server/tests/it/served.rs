//! The HTTP API over the runtime of a world.

use std::sync::Arc;

use ostler_server::Runtime;
use ostler_server::audit::Audited;
use ostler_state::Place;
use ostler_vocabulary::{Secret, SystemClock};
use ostler_web::{Access, Remote, Role, Site};
use reqwest::Response;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::world::World;

/// A server over a world's runtime.
pub struct Served {
    pub world: World,
    pub access: Arc<Access>,
    pub url: String,
    pub stop: CancellationToken,
    pub http: reqwest::Client,
}

impl Served {
    pub async fn new() -> Self {
        let world = World::new();
        let place = world.path("access").as_path().into();
        Self::over(world, &place).await
    }

    /// The same with the record of tokens in another place.
    pub async fn over(world: World, place: &Place) -> Self {
        let clock = Arc::new(SystemClock::default());
        let access = Arc::new(Access::open(place, clock.clone()).unwrap());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let runtime: Runtime = world.runtime.clone();
        let witness = runtime.clone();
        let site = Site {
            client: Box::new(move |by| Arc::new(Audited::new(runtime.clone(), by))),
            witness: Box::new(move || Arc::new(witness.clone())),
            access: Arc::clone(&access),
            clock,
            names: vec!["backups.example".to_owned()],
            certificate: None,
        };
        let stop = CancellationToken::new();
        tokio::spawn(ostler_web::serve(listener, site, stop.clone()));
        ostler_store::provide_tls();
        Self {
            world,
            access,
            url,
            stop,
            http: reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .unwrap(),
        }
    }

    pub fn token(&self, role: Role) -> Secret {
        self.access.add_token(&format!("{role}-of-a-test"), role).unwrap()
    }

    pub fn remote(&self, role: Role) -> Remote {
        Remote::new(&self.url, self.token(role), None).unwrap()
    }

    pub async fn get(&self, path: &str, token: &Secret) -> Response {
        let request = self.http.get(format!("{}{path}", self.url));
        request.bearer_auth(token.reveal()).send().await.unwrap()
    }

    pub async fn post(&self, path: &str, token: &Secret, body: Value) -> Response {
        let request = self
            .http
            .post(format!("{}{path}", self.url))
            .body(body.to_string());
        request.bearer_auth(token.reveal()).send().await.unwrap()
    }
}

pub async fn document(response: Response) -> Value {
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

pub fn small(world: &World) -> std::path::PathBuf {
    world.write("small/a file.txt", "what is in it, – of any letters\n");
    world.path("small")
}
