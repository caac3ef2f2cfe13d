//! The one rule for addresses that users give and that Ostler calls: where it may go, and where never.
//!
//! A name is looked up once, every address of it is judged, and the request goes to exactly these addresses, so that a
//! name that changes its mind leads nowhere else. Redirects are not followed.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use ostler_vocabulary::{ErrorKind, Failure};
use reqwest::Url;

/// How long a receiver may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Where metadata services answer, beside the link-local addresses.
const METADATA: [IpAddr; 2] = [
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V4(std::net::Ipv4Addr::new(100, 100, 100, 200)),
];

/// Headers of a request, by name.
pub(crate) type Headers = Vec<(&'static str, String)>;

/// An address that was found to be allowed.
#[derive(Debug, Clone)]
pub struct Target {
    url: Url,
    addresses: Vec<SocketAddr>,
}

/// Judges a URL. `allow` names the hosts that may be called (`host`, `.domain` for all below, or an address); when it is
/// empty, all that is not this machine itself. Errors do not show the URL, which may be a secret.
///
/// # Errors
/// `Invalid` for what is no HTTP URL, `Refused` for where nothing may go, `Unavailable` for a name that is not found.
pub async fn allowed(url: &str, allow: &[String]) -> Result<Target, Failure> {
    let invalid = |why: &str| {
        Failure::new(ErrorKind::Invalid, format!("the address to call is {why}"))
            .with_hint("write a URL such as https://example.org/ping/ID")
    };
    let url = Url::parse(url).map_err(|_| invalid("no URL"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(invalid("not of http or https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("one with a user name or password"));
    }
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Err(invalid("without a host"));
    };
    let host = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_ascii_lowercase();
    let named = listed(&host, allow);
    if !allow.is_empty() && !named {
        return Err(refused(&host, "it is not in `outgoing.allow`"));
    }
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), port))
        .await
        .map_err(|error| {
            Failure::new(
                ErrorKind::Unavailable,
                format!("cannot find the host {host}: {error}"),
            )
        })?
        .collect();
    for address in &addresses {
        if let Some(why) = forbidden(address.ip(), named) {
            return Err(refused(&host, why));
        }
    }
    Ok(Target { url, addresses })
}

fn refused(host: &str, why: &str) -> Failure {
    Failure::new(ErrorKind::Refused, format!("nothing is sent to {host}: {why}"))
        .with_hint("`outgoing.allow` in the configuration names the hosts that may be called")
}

fn listed(host: &str, allow: &[String]) -> bool {
    allow.iter().any(|entry| {
        let entry = entry.to_ascii_lowercase();
        match entry.strip_prefix('.') {
            Some(domain) => host == domain || host.ends_with(&entry),
            None => host == entry,
        }
    })
}

/// Why nothing goes to this address; this machine itself only when it is named.
fn forbidden(address: IpAddr, named: bool) -> Option<&'static str> {
    let address = address.to_canonical();
    if METADATA.contains(&address) {
        return Some("metadata services are never called");
    }
    let link_local = match address {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_broadcast(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    if link_local || address.is_multicast() || address.is_unspecified() {
        return Some("link-local, multicast and unspecified addresses are never called");
    }
    (address.is_loopback() && !named).then_some("it is this machine itself")
}

impl Target {
    /// Sends it a document once and expects success.
    ///
    /// # Errors
    /// As for [`Target::post`].
    pub async fn call(&self, body: &serde_json::Value) -> Result<(), Failure> {
        self.post(body.to_string(), Headers::new()).await
    }

    /// Sends it JSON with headers once and expects success.
    ///
    /// # Errors
    /// `Unavailable` when it does not answer, or with another code than one of success. The URL is not shown.
    pub(crate) async fn post(&self, body: String, headers: Headers) -> Result<(), Failure> {
        ostler_store::provide_tls();
        let failed = |error: reqwest::Error| {
            Failure::new(
                ErrorKind::Unavailable,
                format!("no answer: {}", error.without_url()),
            )
        };
        let host = self.url.host_str().unwrap_or_default();
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .resolve_to_addrs(host, &self.addresses)
            .build()
            .map_err(failed)?;
        let mut request = client
            .post(self.url.clone())
            .header("content-type", "application/json")
            .body(body);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let status = request.send().await.map_err(failed)?.status();
        match status.is_success() {
            true => Ok(()),
            false => Err(Failure::new(
                ErrorKind::Unavailable,
                format!("the answer was {status}"),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::allowed;

    async fn verdict(url: &str, allow: &[&str]) -> String {
        let allow: Vec<String> = allow.iter().map(|&entry| entry.to_owned()).collect();
        match allowed(url, &allow).await {
            Ok(_) => "ok".to_owned(),
            Err(failure) => failure.to_string(),
        }
    }

    #[tokio::test]
    async fn what_is_never_called_is_refused_however_it_is_written() {
        for url in [
            "http://169.254.169.254/latest/meta-data",
            "http://[::ffff:169.254.169.254]/",
            "http://2852039166/",
            "http://0xa9fea9fe/",
            "http://[fe80::1]/",
            "http://[fd00:ec2::254]/",
            "http://0.0.0.0/",
            "http://224.0.0.1/",
            "http://127.0.0.1:8080/",
            "http://localhost/",
            "http://[::1]/",
        ] {
            let said = verdict(url, &[]).await;
            assert!(said.starts_with("nothing is sent to"), "{url}: {said}");
        }
        for url in [
            "169.254.169.254",
            "file:///etc/passwd",
            "ftp://x/",
            "http://a:b@x/",
            "http://a@x/",
        ] {
            let said = verdict(url, &[]).await;
            assert!(said.starts_with("the address to call"), "{url}: {said}");
        }
        assert!(!verdict("http://a:hunter2@x/", &[]).await.contains("hunter2"));
    }

    #[tokio::test]
    async fn a_list_names_what_may_be_called_and_link_local_stays_forbidden() {
        assert_eq!(verdict("http://127.0.0.1:1/", &["127.0.0.1"]).await, "ok");
        assert_eq!(verdict("http://10.1.2.3/", &[]).await, "ok");
        assert!(
            verdict("http://10.1.2.3/", &["127.0.0.1"])
                .await
                .contains("outgoing.allow")
        );
        assert!(
            verdict("http://evil.example/", &[".example.org"])
                .await
                .contains("outgoing.allow")
        );
        assert!(
            verdict("http://169.254.169.254/", &["169.254.169.254"])
                .await
                .contains("never")
        );
    }
}
