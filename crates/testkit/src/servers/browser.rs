//! A browser without a window, steered by [WebDriver](https://www.w3.org/TR/webdriver2/).

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::http::{answer, exchange};
use super::ports::{attempts, free_ports};
use super::process::Server;
use crate::install;

/// How long the browser may take to start, and a page to do what a test waits for, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(120);
/// Bytes of an answer: pictures of long pages are among them.
const ANSWER: u64 = 64 << 20;
/// The name of a reference to an element in WebDriver's JSON.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with one page. Dropping it ends it.
#[derive(Debug)]
pub struct Browser {
    port: u16,
    session: String,
    directory: PathBuf,
    // Last, so that the session is ended before its driver.
    _driver: Server,
}

/// A browser; `None` after a line that says that the test is skipped.
#[must_use]
pub fn browser() -> Option<Browser> {
    install::or_skip(
        "chromium",
        install::browser::chromium().and_then(|it| attempts(|| start(&it))),
    )
}

fn start(chromium: &install::browser::Chromium) -> Result<Browser> {
    let directory = tempfile::Builder::new()
        .prefix("ostler-browser-")
        .tempdir()?
        .keep();
    let [port] = free_ports()?;
    let driver = Server::start(
        &directory,
        Path::new("env"),
        [
            chromium.environment(),
            // What the browser writes is removed with the directory.
            format!("HOME={}", directory.display()),
            format!("TMPDIR={}", directory.display()),
            chromium.driver().display().to_string(),
            format!("--port={port}"),
        ],
    )?;
    driver.wait_until(PATIENCE, || exchange(port, "GET", "/status", "", "") == Some(200))?;
    let arguments = [
        "--headless=new",
        // The sandbox refuses root, whom containers run tests as; nothing but our own pages is loaded.
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        // It asks nobody but our own servers: where there is no way out, what it wants by itself keeps it waiting.
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-quic",
        "--disable-sync",
        "--no-first-run",
        "--hide-scrollbars",
        "--force-color-profile=srgb",
    ];
    let options = json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": {
        "binary": chromium.browser(),
        "args": arguments.map(str::to_owned).into_iter()
            .chain([format!("--user-data-dir={}", directory.join("profile").display())]).collect::<Vec<_>>(),
        "prefs": { "download.default_directory": directory.join("downloads") },
    } } } });
    let made = ask(port, "POST", "/session", Some(&options)).with_context(|| driver.log())?;
    let session = made["sessionId"]
        .as_str()
        .context("no session was made")?
        .to_owned();
    Ok(Browser {
        port,
        session,
        directory,
        _driver: driver,
    })
}

fn ask(port: u16, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
    let body = body.map(Value::to_string).unwrap_or_default();
    let headers = "Content-Type: application/json\r\n";
    let (status, text) = answer(port, method, path, headers, &body, (PATIENCE, ANSWER))
        .with_context(|| format!("{method} {path} was not answered"))?;
    let answer: Value = serde_json::from_slice(&text)?;
    if status != 200 {
        bail!(
            "{method} {path}: {} {}",
            answer["value"]["error"],
            answer["value"]["message"]
        );
    }
    Ok(answer["value"].clone())
}

impl Browser {
    fn post(&self, path: &str, body: &Value) -> Result<Value> {
        ask(
            self.port,
            "POST",
            &format!("/session/{}{path}", self.session),
            Some(body),
        )
    }

    /// Loads a page.
    ///
    /// # Panics
    /// When it cannot be loaded.
    pub fn open(&self, url: &str) {
        self.post("/url", &json!({ "url": url }))
            .expect("the page is loaded");
    }

    /// What a script returns, which is the body of a function with these arguments.
    ///
    /// # Panics
    /// When the script fails.
    pub fn script(&self, script: &str, arguments: &[Value]) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": arguments }))
            .unwrap_or_else(|error| panic!("{error:#}"))
    }

    /// The text of the page as a reader sees it.
    #[must_use]
    pub fn text(&self) -> String {
        let text = self.script("return document.body ? document.body.innerText : ''", &[]);
        text.as_str().unwrap_or_default().to_owned()
    }

    /// The address of the page.
    #[must_use]
    pub fn address(&self) -> String {
        self.script("return location.href", &[])
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Waits until the page has this text.
    ///
    /// # Panics
    /// When it has not for two minutes.
    pub fn wait_for(&self, text: &str) {
        self.wait_until(&format!("`{text}` in the page"), || self.text().contains(text));
    }

    /// Waits until something is so.
    ///
    /// # Panics
    /// When it is not for two minutes, with the page's text.
    pub fn wait_until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let start = Instant::now();
        while !is_so() {
            assert!(
                start.elapsed() < PATIENCE,
                "waited for {what} at {}; the page says:\n{}",
                self.address(),
                self.text()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Clicks the first element that matches this XPath, with the mouse.
    ///
    /// # Panics
    /// When there is none that can be clicked.
    pub fn click(&self, path: &str) {
        self.element(path, "click", &json!({}));
    }

    /// Types into the first element that matches this XPath.
    ///
    /// # Panics
    /// When there is none that takes text.
    pub fn type_into(&self, path: &str, text: &str) {
        self.element(path, "value", &json!({ "text": text }));
    }

    fn element(&self, path: &str, action: &str, body: &Value) {
        let start = Instant::now();
        loop {
            let done = self
                .post("/element", &json!({ "using": "xpath", "value": path }))
                .and_then(|found| {
                    let id = found[ELEMENT].as_str().context("no reference")?.to_owned();
                    self.post(&format!("/element/{id}/{action}"), body)
                });
            match done {
                Ok(_) => return,
                // A page that is just being loaded has it in a moment.
                Err(_) if start.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(error) => panic!(
                    "{action} {path} at {}: {error:#}\n{}",
                    self.address(),
                    self.text()
                ),
            }
        }
    }

    /// The browser's own protocol, for what WebDriver does not know.
    fn chrome(&self, command: &str, parameters: &Value) -> Value {
        self.post(
            "/goog/cdp/execute",
            &json!({ "cmd": command, "params": parameters }),
        )
        .unwrap_or_else(|error| panic!("{command}: {error:#}"))
    }

    /// Makes the window as large as this, and pages light or dark.
    ///
    /// # Panics
    /// When the browser refuses.
    pub fn look(&self, width: u32, dark: bool) {
        let size = json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.chrome("Emulation.setDeviceMetricsOverride", &size);
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.chrome("Emulation.setEmulatedMedia", &media);
    }

    /// A picture of the whole page, as PNG.
    ///
    /// # Panics
    /// When the browser gives none.
    #[must_use]
    pub fn picture(&self) -> Vec<u8> {
        let size = self.chrome("Page.getLayoutMetrics", &json!({}))["cssContentSize"].clone();
        let clip = json!({ "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1 });
        let taken = self.chrome(
            "Page.captureScreenshot",
            &json!({ "format": "png", "captureBeyondViewport": true, "clip": clip }),
        );
        let data = taken["data"].as_str().expect("a picture");
        data_encoding::BASE64.decode(data.as_bytes()).expect("base 64")
    }

    /// Where files go that pages let save.
    #[must_use]
    pub fn downloads(&self) -> PathBuf {
        self.directory.join("downloads")
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ends the browser; its driver alone would leave it behind.
        let _ = ask(self.port, "DELETE", &format!("/session/{}", self.session), None);
    }
}
