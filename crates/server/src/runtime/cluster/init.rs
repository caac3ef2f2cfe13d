//! Clusters made, nodes added and removed: certificates, a configuration for each agent, our own configuration.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use ostler_api::document::ClusterInfo;
use ostler_backup::driver::FILES;
use ostler_drivers::Entry;
use ostler_vocabulary::{ErrorKind, Failure, Secret};
use ostler_wire::{Authority, Purpose};

use super::super::{Runtime, blocking, places};
use crate::Error;
use crate::settings::Settings;
use crate::settings::cluster::is_name;

/// A cluster to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClusterInit {
    /// Its name.
    pub name: String,
    /// The vault its backups go to; `None` is the default vault.
    pub vault: Option<String>,
    /// Its nodes.
    pub nodes: Vec<NodeAddress>,
    /// The roots of every node by name; `{node}` in a path stands for the node's name.
    pub roots: BTreeMap<String, String>,
    /// How many nodes a backup has to hold.
    pub quorum: Option<u32>,
    /// The driver of its database; `None` is plain files.
    pub driver: Option<String>,
}

/// A node and where its agent answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeAddress {
    /// The node's name.
    pub name: String,
    /// Host and port.
    pub address: String,
}

/// Where what belongs to a cluster is, beside the configuration file.
struct Place {
    directory: PathBuf,
}

impl Place {
    fn of(settings: &Settings, cluster: &str) -> Self {
        Self {
            directory: settings.base().join("clusters").join(cluster),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn node(&self, node: &str) -> PathBuf {
        self.directory.join("nodes").join(node)
    }
}

impl Runtime {
    /// Makes certificates, writes a configuration for each node's agent, and adds the cluster to the configuration.
    ///
    /// # Errors
    /// When there is a cluster of that name, a name is none, or a file cannot be written. Replaces nothing.
    pub async fn init_cluster(&self, request: ClusterInit) -> Result<ClusterInfo, Failure> {
        let (runtime, made) = (self.clone(), request.clone());
        blocking(move || runtime.make_cluster(&made)).await?;
        let files = self.files_of(&request.name, &request.nodes);
        self.reread(&request.name, &files)
    }

    fn make_cluster(&self, request: &ClusterInit) -> Result<(), Failure> {
        let settings = &self.inner.settings;
        let name = &request.name;
        check_names(request)?;
        let driver = ostler_drivers::find(request.driver.as_deref().unwrap_or(FILES), name)?;
        if settings.file.cluster.contains_key(name) {
            return Err(taken(
                format!("a cluster `{name}` is configured already"),
                "give another name",
            ));
        }
        let vault = self.present_vault(request.vault.as_deref());
        settings.vault(&vault)?;
        let place = Place::of(settings, name);
        if place.file("authority.key").exists() {
            return Err(taken(
                format!(
                    "{} has the certificates of a cluster of this name",
                    place.directory.display()
                ),
                "give another name, or move that directory away",
            ));
        }
        let today = self.today();
        let authority = Authority::new(name)?;
        let coordinator =
            authority.issue(&format!("coordinator.{name}.ostler"), Purpose::Coordinator, today)?;
        places::make_private(&place.directory)?;
        write(&place.file("authority.pem"), &authority.certificate(today)?)?;
        write(&place.file("coordinator.pem"), &coordinator.certificate)?;
        write(&place.file("coordinator.key"), coordinator.key.reveal())?;
        for node in &request.nodes {
            self.equip(&authority, &place, (name, driver), &vault, node, &request.roots)?;
        }
        // Last: what is there without it was interrupted, and names the way out.
        write(&place.file("authority.key"), authority.key().reveal())?;
        let mut text = format!("[cluster.{name}]\n");
        if let Some(vault) = &request.vault {
            text.push_str(&format!("vault = {}\n", quoted(vault)));
        }
        for (key, file) in [("authority", "authority.pem"), ("certificate", "coordinator.pem")] {
            let file = quoted(&format!("clusters/{name}/{file}"));
            text.push_str(&format!("{key} = {file}\n"));
        }
        text.push_str(&format!(
            "key = {{ file = {} }}\n",
            quoted(&format!("clusters/{name}/coordinator.key"))
        ));
        if let Some(quorum) = request.quorum {
            text.push_str(&format!("quorum = {quorum}\n"));
        }
        if let Some(driver) = &request.driver {
            text.push_str(&format!("\n[cluster.{name}.driver]\nname = {}\n", quoted(driver)));
        }
        for node in &request.nodes {
            text.push_str(&entry(name, node));
        }
        Ok(settings.append(&text)?)
    }

    /// Adds a node to a cluster that `cluster init` made.
    ///
    /// # Errors
    /// When there is a node of that name, or the authority's key is not here.
    pub async fn add_node(
        &self,
        cluster: &str,
        node: NodeAddress,
        roots: BTreeMap<String, String>,
    ) -> Result<ClusterInfo, Failure> {
        let (runtime, name, added) = (self.clone(), cluster.to_owned(), node.clone());
        blocking(move || runtime.make_node(&name, &added, &roots)).await?;
        let files = self.files_of(cluster, &[node]);
        self.reread(cluster, &files)
    }

    fn make_node(
        &self,
        cluster: &str,
        node: &NodeAddress,
        roots: &BTreeMap<String, String>,
    ) -> Result<(), Failure> {
        let settings = &self.inner.settings;
        let configured = self.configured_cluster(cluster)?;
        check_node(node)?;
        if configured.node.contains_key(&node.name) {
            return Err(taken(
                format!("cluster `{cluster}` has a node `{}` already", node.name),
                "remove it first: `ostler cluster remove`",
            ));
        }
        let place = Place::of(settings, cluster);
        let path = place.file("authority.key");
        let key = std::fs::read_to_string(&path).map_err(|source| Error::Read {
            what: "the key of the cluster's authority,",
            path,
            source,
        })?;
        let authority = Authority::of(cluster, Secret::new(key));
        let vault = self.present_vault(configured.vault.as_deref());
        let driver = ostler_drivers::find(&configured.driver.name, cluster)?;
        self.equip(&authority, &place, (cluster, driver), &vault, node, roots)?;
        Ok(settings.append(entry(cluster, node).trim_start())?)
    }

    /// Takes a cluster, or one node of it, out of the configuration. Certificates and backups stay.
    ///
    /// # Errors
    /// `NotFound`; when the configuration cannot be written.
    pub async fn remove_cluster(&self, cluster: &str, node: Option<&str>) -> Result<(), Failure> {
        let configured = self.configured_cluster(cluster)?;
        if let Some(node) = node
            && !configured.node.contains_key(node)
        {
            return Err(Error::Request {
                message: format!("cluster `{cluster}` has no node `{node}`"),
                kind: ErrorKind::NotFound,
                hint: Some(format!("`ostler cluster show {cluster}` lists them")),
            }
            .into());
        }
        let table = match node {
            Some(node) => format!("cluster.{cluster}.node.{node}"),
            None => format!("cluster.{cluster}"),
        };
        let settings = self.inner.settings.clone();
        blocking(move || Ok(settings.remove_tables(&table)?)).await
    }

    /// Certificate, key and configuration of one agent, in a directory that goes to its node.
    fn equip(
        &self,
        authority: &Authority,
        place: &Place,
        (cluster, driver): (&str, &Entry),
        vault: &str,
        node: &NodeAddress,
        roots: &BTreeMap<String, String>,
    ) -> Result<(), Failure> {
        if let Some((root, path)) = roots
            .iter()
            .find(|(root, path)| !is_name(root) || !path.starts_with('/'))
        {
            return Err(Error::Request {
                message: format!("`{root}={path}` is no root"),
                kind: ErrorKind::Invalid,
                hint: Some(
                    "write NAME=/ABSOLUTE/PATH, the name in lower-case letters, digits and `-`".to_owned(),
                ),
            }
            .into());
        }
        let (today, directory) = (self.today(), place.node(&node.name));
        let own = authority.issue(&certificate_name(cluster, &node.name), Purpose::Agent, today)?;
        places::make_private(&directory)?;
        write(&directory.join("authority.pem"), &authority.certificate(today)?)?;
        write(&directory.join("agent.pem"), &own.certificate)?;
        write(&directory.join("agent.key"), own.key.reveal())?;
        let text = self.agent_file((cluster, driver), vault, node, roots)?;
        write(&directory.join("agent.toml"), &text)
    }

    fn agent_file(
        &self,
        (cluster, driver): (&str, &Entry),
        vault: &str,
        node: &NodeAddress,
        roots: &BTreeMap<String, String>,
    ) -> Result<String, Failure> {
        let NodeAddress { name, address } = node;
        let port = address.rsplit_once(':').map_or("7447", |(_, port)| port);
        let listen = match address.parse::<std::net::SocketAddr>() {
            Ok(address) => address.to_string(),
            Err(_) => format!("0.0.0.0:{port}"),
        };
        let mut text = format!(
            "# The agent of node `{name}` of cluster `{cluster}`. This directory goes to that node; there it is run by\n\
             #   ostler agent --config agent.toml\n\
             # Before that, look at its roots, and whether vault and key are where this file says they are.\n\
             version = 1\n\n[defaults]\nvault = {}\n\n[agent]\nnode = {}\nlisten = {}\ncertificate = \"agent.pem\"\n\
             key = {{ file = \"agent.key\" }}\nauthority = \"authority.pem\"\n\n[agent.roots]\n",
            quoted(vault),
            quoted(name),
            quoted(&listen),
        );
        for (root, path) in roots {
            text.push_str(&format!(
                "{} = {}\n",
                quoted(root),
                quoted(&path.replace("{node}", name))
            ));
        }
        text.push('\n');
        if !driver.commands.is_empty() {
            text.push_str("[agent.commands]\n");
            for (command, usual) in driver.commands {
                text.push_str(&format!("{} = {}\n", quoted(command), quoted(usual)));
            }
            text.push('\n');
        }
        text.push_str(&self.inner.settings.vault_table(vault)?);
        Ok(text)
    }

    fn files_of(&self, cluster: &str, nodes: &[NodeAddress]) -> BTreeMap<String, Vec<PathBuf>> {
        let place = Place::of(&self.inner.settings, cluster);
        let of = |node: &NodeAddress| (node.name.clone(), vec![place.node(&node.name)]);
        nodes.iter().map(of).collect()
    }

    /// The cluster as the configuration has it now, with the files that were just made.
    fn reread(&self, cluster: &str, files: &BTreeMap<String, Vec<PathBuf>>) -> Result<ClusterInfo, Failure> {
        let settings = &self.inner.settings;
        let again = Settings::resolve(&settings.flags, settings.environment.clone())?;
        let inner = &self.inner;
        let (engine, place, clock) = (inner.engine.clone(), inner.place.clone(), inner.clock.clone());
        let runtime = Self::over(again, engine, place, clock, None);
        let mut info = runtime.cluster_info(cluster)?;
        for node in &mut info.nodes {
            if let Some(made) = files.get(&node.name) {
                node.files.clone_from(made);
            }
        }
        Ok(info)
    }

    fn today(&self) -> Date {
        self.inner.clock.now().to_zoned(TimeZone::UTC).date()
    }
}

/// The name in the certificate of a node's agent: its own, wherever it answers.
fn certificate_name(cluster: &str, node: &str) -> String {
    format!("{node}.{cluster}.ostler")
}

fn entry(cluster: &str, node: &NodeAddress) -> String {
    format!(
        "\n[cluster.{cluster}.node.{}]\naddress = {}\ncertificate_name = {}\n",
        node.name,
        quoted(&node.address),
        quoted(&certificate_name(cluster, &node.name))
    )
}

fn check_names(request: &ClusterInit) -> Result<(), Failure> {
    if !is_name(&request.name) {
        return Err(no_name("cluster", &request.name));
    }
    for (index, node) in request.nodes.iter().enumerate() {
        check_node(node)?;
        if request.nodes[..index].iter().any(|other| other.name == node.name) {
            return Err(taken(
                format!("node `{}` is given twice", node.name),
                "give each a name of its own",
            ));
        }
    }
    Ok(())
}

fn check_node(node: &NodeAddress) -> Result<(), Failure> {
    if !is_name(&node.name) {
        return Err(no_name("node", &node.name));
    }
    let port = node.address.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
    match port {
        Some(Ok(1..)) => Ok(()),
        _ => Err(Error::Request {
            message: format!(
                "node `{}`: `{}` is no address with a port",
                node.name, node.address
            ),
            kind: ErrorKind::Invalid,
            hint: Some("write NODE=HOST:PORT, such as a=a.example.net:7447".to_owned()),
        }
        .into()),
    }
}

fn no_name(what: &str, name: &str) -> Failure {
    Error::Request {
        message: format!("`{name}` cannot be the name of a {what}"),
        kind: ErrorKind::Invalid,
        hint: Some("lower-case letters, digits and `-`, no more than 63".to_owned()),
    }
    .into()
}

fn taken(message: String, hint: &str) -> Failure {
    Error::Request {
        message,
        kind: ErrorKind::AlreadyExists,
        hint: Some(hint.to_owned()),
    }
    .into()
}

fn quoted(value: &str) -> String {
    toml::Value::String(value.to_owned()).to_string()
}

/// A private file, new or the same as it was.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let written = match places::write_private(path, text) {
        // What an interrupted attempt left is made anew.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            std::fs::remove_file(path).and_then(|()| places::write_private(path, text))
        }
        written => written,
    };
    written.map_err(|source| {
        Error::Write {
            what: "the file",
            path: path.to_owned(),
            source,
        }
        .into()
    })
}
