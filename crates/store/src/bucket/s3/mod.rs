//! Settings of an S3 store.

mod listing;
mod versions;

use std::sync::Arc;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, Checksum, S3ConditionalPut};
use ostler_vocabulary::{Secret, Span};
use serde::Deserialize;

pub(super) use versions::SignedBucket;

use super::fault::Explain;
use super::wire::Wire;
use super::{Connected, connection};
use crate::Error;

/// Where the bucket's name stands in a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// In the path: `https://endpoint/bucket/key`.
    #[default]
    Path,
    /// In the host: `https://bucket.endpoint/key`.
    Virtual,
}

/// Settings of an S3 store. What is not set is taken from the environment (`AWS_ENDPOINT_URL`, `AWS_REGION`,
/// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` and the like), then from the machine's own role.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct S3Options {
    /// The service's address, such as `https://s3.example.com` or `http://127.0.0.1:9000`; that of AWS if none.
    pub endpoint: Option<String>,
    /// The region that requests are signed for; `us-east-1` if none.
    pub region: Option<String>,
    /// Names the credentials.
    pub access_key_id: Option<String>,
    /// Signs the requests.
    pub secret_access_key: Option<Secret>,
    /// Belongs to credentials that were given for a time.
    pub session_token: Option<Secret>,
    /// Where the bucket's name stands.
    pub style: Style,
    /// The longest a request may take, its body included; five minutes if none.
    pub timeout: Option<Span>,
}

impl S3Options {
    pub(super) fn connect(&self, bucket: &str, prefix: &str, location: &str) -> Result<Connected, Error> {
        let wrong = |reason: String| Error::Settings {
            store: location.to_owned(),
            reason,
        };
        let mut builder = AmazonS3Builder::from_env();
        let endpoint = self
            .endpoint
            .clone()
            .or_else(|| builder.get_config_value(&AmazonS3ConfigKey::S3Endpoint))
            .or_else(|| builder.get_config_value(&AmazonS3ConfigKey::Endpoint));
        let credentials = match (&self.access_key_id, &self.secret_access_key) {
            (Some(id), Some(secret)) => {
                builder = builder
                    .with_access_key_id(id)
                    .with_secret_access_key(secret.reveal());
                // A token of the environment belongs to the environment's key.
                let token = self.session_token.as_ref().map(|token| token.reveal().to_owned());
                let environment = builder.get_config_value(&AmazonS3ConfigKey::Token);
                match (token, environment) {
                    (Some(token), _) => builder = builder.with_token(token),
                    (None, Some(_)) => {
                        return Err(wrong(
                            "AWS_SESSION_TOKEN is set, but the access key is from the configuration: unset it, or \
                             set `session_token`"
                                .to_owned(),
                        ));
                    }
                    (None, None) => {}
                }
                Some("the access key and the secret key of the configuration")
            }
            (None, None) if self.session_token.is_some() => {
                return Err(wrong(
                    "`session_token` needs `access_key_id` and `secret_access_key`".to_owned(),
                ));
            }
            (None, None) => {
                if builder
                    .get_config_value(&AmazonS3ConfigKey::AccessKeyId)
                    .is_some()
                {
                    Some("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
                } else {
                    None
                }
            }
            (Some(_), None) => return Err(wrong("`secret_access_key` is missing".to_owned())),
            (None, Some(_)) => return Err(wrong("`access_key_id` is missing".to_owned())),
        };
        if let Some(region) = &self.region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = &endpoint {
            let endpoint = connection::checked_endpoint(endpoint).map_err(&wrong)?;
            let address = address(endpoint, bucket, self.style);
            builder = builder
                .with_allow_http(endpoint.starts_with("http://"))
                .with_config(AmazonS3ConfigKey::S3Endpoint, address);
        }
        let region = builder
            .get_config_value(&AmazonS3ConfigKey::Region)
            .unwrap_or_else(|| "us-east-1".to_owned());
        let url = bucket_url(endpoint.as_deref(), bucket, self.style, &region);
        let http = connection::client(endpoint.as_deref(), credentials.is_some(), self.timeout);
        let client = builder
            .with_client_options(http.clone())
            .with_bucket_name(bucket)
            .with_virtual_hosted_style_request(self.style == Style::Virtual)
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .with_checksum_algorithm(Checksum::SHA256)
            // One key needs no list of keys, and a refusal is then the answer's status.
            .with_disable_bulk_delete(true)
            .with_retry(connection::once())
            .build()
            .map_err(|error| wrong(error.to_string()))?;
        let explain = Arc::new(Explain {
            place: format!("the bucket `{bucket}`"),
            endpoint: endpoint.unwrap_or_else(|| "AWS".to_owned()),
            credentials,
        });
        let signed = SignedBucket {
            wire: Wire::new(&http, Arc::clone(&explain)).map_err(|error| wrong(error.to_string()))?,
            credentials: Arc::clone(client.credentials()),
            region,
            url,
            prefix: prefix.to_owned(),
            location: location.to_owned(),
        };
        Ok(Connected {
            client: Arc::new(client),
            explain,
            starts_anywhere: true,
            signed: Some(signed),
        })
    }
}

/// The bucket's own address.
fn bucket_url(endpoint: Option<&str>, bucket: &str, style: Style, region: &str) -> String {
    let service = match endpoint {
        Some(endpoint) => endpoint.trim_end_matches('/').to_owned(),
        None => format!("https://s3.{region}.amazonaws.com"),
    };
    match style {
        Style::Path => format!("{service}/{bucket}"),
        Style::Virtual => address(&service, bucket, style),
    }
}

/// What the client library wants as endpoint: with the bucket in the host where it stands there.
fn address(endpoint: &str, bucket: &str, style: Style) -> String {
    match (style, endpoint.split_once("://")) {
        (Style::Virtual, Some((scheme, host))) => format!("{scheme}://{bucket}.{host}"),
        _ => endpoint.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{S3Options, Secret, Style, address, bucket_url};
    use crate::Bucket;

    #[test]
    fn the_bucket_stands_in_the_path_or_in_the_host() {
        let endpoint = "https://s3.example.com:9000";
        assert_eq!(address(endpoint, "b", Style::Path), endpoint);
        assert_eq!(
            address(endpoint, "b", Style::Virtual),
            "https://b.s3.example.com:9000"
        );
        for (endpoint, style, url) in [
            (Some(endpoint), Style::Path, "https://s3.example.com:9000/b"),
            (Some(endpoint), Style::Virtual, "https://b.s3.example.com:9000"),
            (None, Style::Path, "https://s3.eu-west-1.amazonaws.com/b"),
            (None, Style::Virtual, "https://b.s3.eu-west-1.amazonaws.com"),
        ] {
            assert_eq!(bucket_url(endpoint, "b", style, "eu-west-1"), url);
        }
    }

    #[test]
    fn half_of_a_key_is_refused_and_secrets_are_not_shown() {
        let options = S3Options {
            endpoint: Some("http://127.0.0.1:1".into()),
            secret_access_key: Some(Secret::new("hunter2")),
            ..S3Options::default()
        };
        let error = Bucket::s3("bucket", "", &options).expect_err("no access key id");
        assert!(
            error.to_string().contains("`access_key_id` is missing"),
            "{error}"
        );
        let options = S3Options {
            access_key_id: Some("me".into()),
            ..options
        };
        let store = Bucket::s3("bucket", "", &options).expect("both are there");
        assert!(!format!("{store:?} {options:?} {error:?}").contains("hunter2"));
    }
}
