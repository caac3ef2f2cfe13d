//! The driver of a cluster's database, from what the configuration says of it.

use std::sync::Arc;

use ostler_backup::driver::Driver;
use ostler_drivers::{Identity, Tls, Wanted};
use ostler_vocabulary::{Failure, Secret};

use crate::Error;
use crate::agent::text;
use crate::runtime::Runtime;
use crate::settings::file;
use crate::settings::reference::Reference;

impl Runtime {
    pub(super) fn driver(&self, name: &str, configured: &file::Cluster) -> Result<Arc<dyn Driver>, Failure> {
        let told = &configured.driver;
        let password = told.password.as_ref();
        let password =
            password.map(|password| self.secret("the password of the cluster's database", password));
        let wanted = Wanted {
            cluster: name.to_owned(),
            nodes: configured
                .node
                .iter()
                .map(|(node, told)| {
                    let host = told.address.rsplit_once(':').map_or("", |(host, _)| host);
                    (
                        node.clone(),
                        told.database.clone().unwrap_or_else(|| host.to_owned()),
                    )
                })
                .collect(),
            user: told.user.clone(),
            password: password.transpose()?,
            tls: self.database_tls(name, configured)?,
            options: told.options.clone(),
        };
        Ok(ostler_drivers::open(&told.name, wanted)?)
    }

    pub(super) fn secret(&self, what: &str, reference: &Reference) -> Result<Secret, Failure> {
        let settings = &self.inner.settings;
        Ok(reference.resolve(what, settings.base(), &settings.environment)?)
    }

    fn database_tls(&self, name: &str, configured: &file::Cluster) -> Result<Option<Tls>, Failure> {
        let (settings, told) = (&self.inner.settings, &configured.driver);
        if !told.tls && (told.authority.is_some() || told.certificate.is_some()) {
            // Who names certificates does not mean to speak in the clear.
            return Err(Error::Setting {
                file: settings.config_file.display().to_string(),
                key: format!("cluster.{name}.driver.tls"),
                reason: "it is off, and certificates are named".to_owned(),
                cure: "write `tls = true`, or leave them out".to_owned(),
            }
            .into());
        }
        if !told.tls {
            return Ok(None);
        }
        let authority = told.authority.as_ref().map(|path| text(settings, path));
        let own = match (&told.certificate, &told.key) {
            (Some(certificate), Some(key)) => Some(Identity {
                certificate: text(settings, certificate)?,
                key: self.secret("the key of the certificate for the cluster's database", key)?,
            }),
            // One without the other was refused when the settings were read.
            _ => None,
        };
        let named = configured.node.iter();
        let named =
            named.filter_map(|(node, told)| Some((node.clone(), told.database_certificate_name.clone()?)));
        Ok(Some(Tls {
            authority: authority.transpose()?,
            own,
            names: named.collect(),
        }))
    }
}
