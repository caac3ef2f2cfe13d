//! Settings of a store in Google Cloud Storage.

use std::sync::Arc;

use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use ostler_vocabulary::{Secret, Span};
use serde::Deserialize;

use super::answer::Answers;
use super::fault::Explain;
use super::{Connected, connection};
use crate::Error;

/// Settings of a store in Google Cloud Storage. What is not set is taken from the environment
/// (`GOOGLE_SERVICE_ACCOUNT`, `GOOGLE_APPLICATION_CREDENTIALS` and the like), then from the machine's own identity.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GcsOptions {
    /// The JSON text of a service account's key.
    pub service_account: Option<Secret>,
    /// Whether requests are sent without credentials: for a public bucket, or a stand-in of the service.
    pub anonymous: bool,
    /// The service's address; Google's if none.
    pub endpoint: Option<String>,
    /// The longest a request may take, its body included; five minutes if none.
    pub timeout: Option<Span>,
}

impl GcsOptions {
    pub(super) fn connect(&self, bucket: &str, location: &str) -> Result<Connected, Error> {
        let wrong = |reason: String| Error::Settings {
            store: location.to_owned(),
            reason,
        };
        let mut builder = GoogleCloudStorageBuilder::from_env();
        let environment = [
            GoogleConfigKey::ServiceAccount,
            GoogleConfigKey::ServiceAccountKey,
            GoogleConfigKey::ApplicationCredentials,
        ];
        let credentials = match &self.service_account {
            Some(_) if self.anonymous => {
                return Err(wrong(
                    "`anonymous` and `service_account` exclude each other".to_owned(),
                ));
            }
            Some(account) => {
                builder = builder.with_service_account_key(account.reveal());
                Some("the service account of the configuration")
            }
            None if self.anonymous => {
                builder = builder.with_skip_signature(true);
                Some("no credentials at all, as configured,")
            }
            None => environment
                .iter()
                .any(|key| builder.get_config_value(key).is_some())
                .then_some("the credentials of the GOOGLE_… variables"),
        };
        if let Some(endpoint) = &self.endpoint {
            let endpoint = connection::checked_endpoint(endpoint).map_err(&wrong)?;
            builder = builder.with_base_url(endpoint);
        }
        let answers = Answers::default();
        let client = builder
            .with_http_connector(answers.clone())
            .with_client_options(connection::client(
                self.endpoint.as_deref(),
                credentials.is_some(),
                self.timeout,
            ))
            .with_bucket_name(bucket)
            .with_retry(connection::once())
            .build()
            .map_err(|_| {
                wrong(
                    "the service account's key cannot be read: it must be the JSON text that Google gave"
                        .to_owned(),
                )
            })?;
        Ok(Connected {
            client: Arc::new(client),
            explain: Explain {
                place: format!("the bucket `{bucket}`"),
                endpoint: self.endpoint.clone().unwrap_or_else(|| "Google".to_owned()),
                credentials,
                pause: answers.pause(),
            },
            starts_anywhere: true,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{GcsOptions, Secret};
    use crate::Bucket;

    #[test]
    fn a_service_account_that_cannot_be_read_is_refused_and_not_shown() {
        let options = GcsOptions {
            service_account: Some(Secret::new("{\"private_key\": \"hunter2\"")),
            ..GcsOptions::default()
        };
        let error = Bucket::gcs("bucket", "", &options).expect_err("not JSON");
        let shown = format!("{error} {error:?} {options:?}");
        assert!(
            shown.contains("service account") && !shown.contains("hunter2"),
            "{shown}"
        );
        let both = GcsOptions {
            anonymous: true,
            ..options
        };
        Bucket::gcs("bucket", "", &both).expect_err("anonymous with an account");
    }
}
