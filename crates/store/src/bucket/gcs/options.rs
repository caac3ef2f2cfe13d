//! Settings of a store in Google Cloud Storage.

use std::sync::Arc;

use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use ostler_vocabulary::{Secret, Span};
use serde::Deserialize;

use super::super::connection;
use super::super::fault::Explain;
use super::super::wire::Wire;
use super::Gcs;
use crate::Error;

/// Google's own.
const SERVICE: &str = "https://storage.googleapis.com";

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

impl Gcs {
    /// A bucket; `prefix` is the start of all keys in it, without `/` at its end, or empty.
    ///
    /// # Errors
    /// [`Error::Settings`] when the settings contradict each other, or the service account cannot be read.
    pub fn open(bucket: &str, prefix: &str, options: &GcsOptions) -> Result<Self, Error> {
        let (location, prefix) = if prefix.is_empty() {
            (format!("gs://{bucket}"), String::new())
        } else {
            (format!("gs://{bucket}/{prefix}"), format!("{prefix}/"))
        };
        let wrong = |reason: String| Error::Settings {
            store: location.clone(),
            reason,
        };
        let mut builder = GoogleCloudStorageBuilder::from_env();
        let environment = [
            GoogleConfigKey::ServiceAccount,
            GoogleConfigKey::ServiceAccountKey,
            GoogleConfigKey::ApplicationCredentials,
        ];
        let known = match &options.service_account {
            Some(_) if options.anonymous => {
                return Err(wrong(
                    "`anonymous` and `service_account` exclude each other".to_owned(),
                ));
            }
            Some(account) => {
                builder = builder.with_service_account_key(account.reveal());
                Some("the service account of the configuration")
            }
            None if options.anonymous => Some("no credentials at all, as configured,"),
            None => environment
                .iter()
                .any(|key| builder.get_config_value(key).is_some())
                .then_some("the credentials of the GOOGLE_… variables"),
        };
        let service = match &options.endpoint {
            Some(endpoint) => connection::checked_endpoint(endpoint).map_err(&wrong)?,
            None => SERVICE,
        };
        let http = connection::client(options.endpoint.as_deref(), known.is_some(), options.timeout);
        let credentials = if options.anonymous {
            None
        } else {
            let client = builder
                .with_client_options(http.clone())
                .with_bucket_name(bucket)
                .with_retry(connection::once())
                .build()
                .map_err(|_| {
                    wrong(
                        "the service account's key cannot be read: it must be the JSON text that Google gave"
                            .to_owned(),
                    )
                })?;
            Some(Arc::clone(client.credentials()))
        };
        let explain = Explain {
            place: format!("the bucket `{bucket}`"),
            endpoint: options.endpoint.clone().unwrap_or_else(|| "Google".to_owned()),
            credentials: known,
        };
        Ok(Self {
            wire: Wire::new(&http, Arc::new(explain)).map_err(|error| wrong(error.to_string()))?,
            credentials,
            service: service.to_owned(),
            bucket: bucket.to_owned(),
            location,
            prefix,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Gcs, GcsOptions, Secret};

    #[test]
    fn a_service_account_that_cannot_be_read_is_refused_and_not_shown() {
        let options = GcsOptions {
            service_account: Some(Secret::new("{\"private_key\": \"hunter2\"")),
            ..GcsOptions::default()
        };
        let error = Gcs::open("bucket", "", &options).expect_err("not JSON");
        let shown = format!("{error} {error:?} {options:?}");
        assert!(
            shown.contains("service account") && !shown.contains("hunter2"),
            "{shown}"
        );
        let both = GcsOptions {
            anonymous: true,
            ..options
        };
        Gcs::open("bucket", "", &both).expect_err("anonymous with an account");
    }
}
