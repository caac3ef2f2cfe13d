//! Cassandra's own tools, as commands for a shell.

use std::path::PathBuf;

use anyhow::Result;

use super::{DAEMON, JMX_USER, NODES, Ring, modules};
use crate::install::cassandra::{jamm, java};

impl Ring {
    /// The beginning of a `nodetool` command for a shell, to which its verb is added.
    ///
    /// # Errors
    /// When there is no JDK.
    pub fn nodetool(&self, node: usize) -> Result<String> {
        let tool = self.tool(node, "NodeTool")?;
        let signs_in = match self.jmx_passwords(node) {
            Some(file) => format!(" -u {JMX_USER} -pwf {}", file.display()),
            None => String::new(),
        };
        Ok(format!("{tool} -h 127.0.0.1 -p {}{signs_in}", self.jmx[node]))
    }

    /// Where the JMX of a node answers.
    #[must_use]
    pub fn jmx(&self, node: usize) -> String {
        format!("127.0.0.1:{}", self.jmx[node])
    }

    /// What `ostler cassandra` is told to reach a node.
    #[must_use]
    pub fn jmx_options(&self, node: usize) -> String {
        let signs_in = match self.jmx_passwords(node) {
            Some(file) => {
                let file = file.with_file_name("jmx-password");
                format!(" --jmx-user {JMX_USER} --jmx-password-file {}", file.display())
            }
            None => String::new(),
        };
        format!("--jmx {}{signs_in}", self.jmx(node))
    }

    /// The users of a node's JMX, as Java reads them: those of the last one. The others let everybody in.
    pub(super) fn jmx_passwords(&self, node: usize) -> Option<PathBuf> {
        (node + 1 == NODES).then(|| self.home(node).join("conf/jmxremote.password"))
    }

    /// The beginning of an `sstableloader` command that asks this node for the ring.
    ///
    /// # Errors
    /// When there is no JDK.
    pub fn loader(&self, node: usize) -> Result<String> {
        let tool = self.tool(node, "BulkLoader")?;
        Ok(format!("{tool} -d {}", self.addresses[node]))
    }

    /// A command that starts a node of this release by what its environment says, as the script `cassandra` does.
    ///
    /// # Errors
    /// When there is no JDK.
    pub fn starter(&self) -> Result<String> {
        Ok(format!(
            "exec {} -javaagent:{} -Xmx$MAX_HEAP_SIZE -XX:+UseSerialGC -XX:TieredStopAtLevel=1 {} \
             -Dlogback.configurationFile=file://$CASSANDRA_CONF/logback.xml -Dcassandra-foreground=yes \
             -Djava.security.manager=allow $JVM_EXTRA_OPTS -cp \"$CASSANDRA_CONF:{}/*\" {DAEMON}",
            java()?.display(),
            jamm(&self.jars)?.display(),
            modules().join(" "),
            self.jars.display(),
        ))
    }

    /// The beginning of a `nodetool` command for the port that its environment says.
    ///
    /// # Errors
    /// When there is no JDK.
    pub fn any_nodetool(&self) -> Result<String> {
        Ok(format!("{} -h 127.0.0.1 -p $JMX_PORT", self.tool(0, "NodeTool")?))
    }

    /// As Cassandra's own scripts call its tools: with its configuration, and with the agent without which `sstableloader` of
    /// 4.1 cannot measure its statements on Java 17.
    fn tool(&self, node: usize, class: &str) -> Result<String> {
        Ok(format!(
            "{} -javaagent:{} -Xmx192M -XX:+UseSerialGC -XX:TieredStopAtLevel=1 {} -Dcom.sun.jndi.rmiURLParsing=legacy \
             -Dcassandra.storagedir={} -Dlogback.configurationFile=file://{} -cp '{}:{}/*' \
             org.apache.cassandra.tools.{class}",
            java()?.display(),
            jamm(&self.jars)?.display(),
            modules().join(" "),
            self.home(node).display(),
            self.home.path().join("tools.xml").display(),
            self.home(node).join("conf").display(),
            self.jars.display(),
        ))
    }
}
