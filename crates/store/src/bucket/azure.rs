//! Settings of a store in Azure Blob Storage.

use std::sync::Arc;

use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use ostler_vocabulary::{Secret, Span};
use serde::Deserialize;

use super::fault::Explain;
use super::{Connected, connection};
use crate::Error;

/// Settings of a store in Azure Blob Storage. What is not set is taken from the environment
/// (`AZURE_STORAGE_ACCOUNT_NAME`, `AZURE_STORAGE_ACCOUNT_KEY`, `AZURE_STORAGE_SAS_TOKEN`, `AZURE_CLIENT_ID` and the
/// like), then from the machine's own identity.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AzureOptions {
    /// The storage account.
    pub account: Option<String>,
    /// Its shared key, in base64.
    pub access_key: Option<Secret>,
    /// A shared access signature, as the portal gives it: `sv=…&sig=…`.
    pub sas_token: Option<Secret>,
    /// The service's address with the account in it; `https://<account>.blob.core.windows.net` if none.
    pub endpoint: Option<String>,
    /// The longest a request may take, its body included; five minutes if none.
    pub timeout: Option<Span>,
}

impl AzureOptions {
    pub(super) fn connect(&self, container: &str, location: &str) -> Result<Connected, Error> {
        let wrong = |reason: String| Error::Settings {
            store: location.to_owned(),
            reason,
        };
        let mut builder = MicrosoftAzureBuilder::from_env();
        let environment = [
            AzureConfigKey::AccessKey,
            AzureConfigKey::SasKey,
            AzureConfigKey::ClientSecret,
            AzureConfigKey::Token,
        ];
        let credentials = match (&self.access_key, &self.sas_token) {
            (Some(_), Some(_)) => {
                return Err(wrong(
                    "`access_key` and `sas_token` exclude each other".to_owned(),
                ));
            }
            (Some(key), None) => {
                builder = builder.with_access_key(key.reveal());
                Some("the access key of the configuration")
            }
            (None, Some(token)) => {
                builder = builder.with_config(AzureConfigKey::SasKey, token.reveal());
                Some("the SAS token of the configuration")
            }
            (None, None) => environment
                .iter()
                .any(|key| builder.get_config_value(key).is_some())
                .then_some("the credentials of the AZURE_… variables"),
        };
        if let Some(account) = &self.account {
            builder = builder.with_account(account);
        }
        if builder.get_config_value(&AzureConfigKey::AccountName).is_none() {
            return Err(wrong(
                "`account` is missing, and AZURE_STORAGE_ACCOUNT_NAME is not set".to_owned(),
            ));
        }
        let endpoint = self
            .endpoint
            .clone()
            .or_else(|| builder.get_config_value(&AzureConfigKey::Endpoint));
        if let Some(endpoint) = &endpoint {
            let endpoint = connection::checked_endpoint(endpoint).map_err(&wrong)?;
            builder = builder
                .with_endpoint(endpoint.to_owned())
                .with_allow_http(endpoint.starts_with("http://"));
        }
        let client = builder
            .with_client_options(connection::client(
                endpoint.as_deref(),
                credentials.is_some(),
                self.timeout,
            ))
            .with_container_name(container)
            .with_retry(connection::once())
            .build()
            .map_err(|error| wrong(error.to_string()))?;
        Ok(Connected {
            client: Arc::new(client),
            explain: Arc::new(Explain {
                place: format!("the container `{container}`"),
                endpoint: endpoint.unwrap_or_else(|| "Azure".to_owned()),
                credentials,
            }),
            signed: None,
            // `startFrom` is young: older versions of the service, and others that speak its protocol, ignore it.
            starts_anywhere: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{AzureOptions, Secret};
    use crate::Bucket;

    #[test]
    fn contradictions_are_refused_and_secrets_are_not_shown() {
        let both = AzureOptions {
            account: Some("account".into()),
            access_key: Some(Secret::new("aHVudGVyMg==")),
            sas_token: Some(Secret::new("sig=hunter2")),
            ..AzureOptions::default()
        };
        let error = Bucket::azure("box", "", &both).expect_err("two credentials");
        assert!(error.to_string().contains("exclude each other"), "{error}");
        let nobody = AzureOptions {
            account: None,
            sas_token: None,
            ..both.clone()
        };
        let error = Bucket::azure("box", "", &nobody).expect_err("no account");
        assert!(error.to_string().contains("`account` is missing"), "{error}");
        let store = Bucket::azure(
            "box",
            "a",
            &AzureOptions {
                sas_token: None,
                ..both.clone()
            },
        )
        .expect("a key is enough");
        let shown = format!("{store:?} {both:?} {error:?}");
        assert!(
            !shown.contains("hunter2") && !shown.contains("aHVudGVyMg"),
            "{shown}"
        );
    }
}
