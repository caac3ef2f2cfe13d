//! Requests of S3 services that no store makes: buckets, policies, what somebody with a stolen key does.

use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Signs by version 4: <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>.
const SCRIPT: &str = r#"
import datetime, hashlib, hmac, sys, urllib.error, urllib.parse, urllib.request
key, secret, region, url, method, body, *more = sys.argv[1:]
parts, body = urllib.parse.urlsplit(url), body.encode()
now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
digest = hashlib.sha256(body).hexdigest()
headers = {"host": parts.netloc, "x-amz-date": now, "x-amz-content-sha256": digest}
headers.update(zip(more[::2], more[1::2]))
names = sorted(headers)
query = "&".join(sorted(one if "=" in one else one + "=" for one in parts.query.split("&") if one))
named = "".join(f"{name}:{headers[name]}\n" for name in names)
asked = "\n".join([method, parts.path, query, named, ";".join(names), digest])
scope = f"{now[:8]}/{region}/s3/aws4_request"
text = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(asked.encode()).hexdigest()])
code = b"AWS4" + secret.encode()
for part in scope.split("/") + [text]:
    code = hmac.digest(code, part.encode(), "sha256")
headers["Authorization"] = (f"AWS4-HMAC-SHA256 Credential={key}/{scope}, "
                            f"SignedHeaders={';'.join(names)}, Signature={code.hex()}")
del headers["host"]
request = urllib.request.Request(url, data=body or None, method=method, headers=headers)
try:
    print(urllib.request.urlopen(request, timeout=30).status)
except urllib.error.HTTPError as error:
    print(error.code, error.read()[:300].decode(errors="replace"))
"#;

/// Who asks which service.
#[derive(Debug, Clone)]
pub struct Signed {
    /// The service's address.
    pub endpoint: String,
    /// Its region.
    pub region: String,
    /// Names the credentials.
    pub key_id: String,
    /// Signs.
    pub secret: String,
}

impl Signed {
    /// The status of the answer, and what an error says. `path` is that of bucket and object, with its query.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<(u16, String)> {
        let url = format!("{}{path}", self.endpoint);
        let done = Command::new("python3")
            .args([
                "-c",
                SCRIPT,
                &self.key_id,
                &self.secret,
                &self.region,
                &url,
                method,
                body,
            ])
            .args(headers.iter().flat_map(|(name, value)| [name, value]))
            .output()
            .context("cannot run python3")?;
        ensure!(
            done.status.success(),
            "no answer to {method} {path}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
        let said = String::from_utf8_lossy(&done.stdout);
        let (status, text) = said.trim().split_once(' ').unwrap_or((said.trim(), ""));
        Ok((
            status.parse().context("the answer has no status")?,
            text.to_owned(),
        ))
    }

    /// The same, for a request that succeeds.
    ///
    /// # Errors
    /// When it does not.
    pub fn expect(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Result<()> {
        let (status, text) = self.ask(method, path, headers, body)?;
        ensure!(
            (200..300).contains(&status),
            "{method} {path} was answered {status} {text}"
        );
        Ok(())
    }
}
