//! The keys of `[agent]` and `[cluster.NAME]`.

use super::{Key, key, optional};

pub(super) const KEYS: &[Key] = &[
    optional(
        "agent",
        "node",
        "\"a\"",
        "The node's name in its cluster; required for `ostler agent`",
    ),
    key("agent", "listen", "\"0.0.0.0:7447\"", "Where it answers"),
    optional(
        "agent",
        "vault",
        "\"main\"",
        "The vault it stores into and restores from; the default vault when left out",
    ),
    optional(
        "agent",
        "roots",
        "{ data = \"/var/lib/database\" }",
        "The directories it works in, each with the name that it has on every node; nothing else is read or written",
    ),
    key(
        "agent",
        "commands",
        "{}",
        "The commands it runs when it is asked for them by name: { flush = \"…\" }; no other is ever run",
    ),
    optional(
        "agent",
        "certificate",
        "\"agent.pem\"",
        "Its certificate, relative to this file; required",
    ),
    optional(
        "agent",
        "key",
        "{ file = \"agent.key\" }",
        "Its private key; required",
    ),
    optional(
        "agent",
        "authority",
        "\"authority.pem\"",
        "The authority whose clients it answers; without one, only who shows the token",
    ),
    optional(
        "agent",
        "token",
        "{ env = \"OSTLER_AGENT_TOKEN\" }",
        "What lets in who has no certificate",
    ),
    optional(
        "cluster.NAME",
        "vault",
        "\"main\"",
        "The vault its backups go to; the default vault when left out",
    ),
    optional(
        "cluster.NAME",
        "authority",
        "\"authority.pem\"",
        "The authority that its agents are believed by; required",
    ),
    optional(
        "cluster.NAME",
        "certificate",
        "\"coordinator.pem\"",
        "What is shown to the agents",
    ),
    optional(
        "cluster.NAME",
        "key",
        "{ file = \"coordinator.key\" }",
        "The key of that certificate",
    ),
    optional(
        "cluster.NAME",
        "token",
        "{ env = \"OSTLER_AGENT_TOKEN\" }",
        "What is shown instead of a certificate",
    ),
    key(
        "cluster.NAME",
        "roots",
        "[]",
        "The roots that backups hold; none named is all that the nodes have",
    ),
    key(
        "cluster.NAME",
        "exclude",
        "[]",
        "Globs of what its backups leave out",
    ),
    optional(
        "cluster.NAME",
        "quorum",
        "2",
        "How many nodes a backup has to hold; with fewer than all it is partial. All of them when left out",
    ),
    key(
        "cluster.NAME",
        "patience",
        "\"30s\"",
        "How long an agent may be silent before it is given up",
    ),
    key(
        "cluster.NAME",
        "limit",
        "8",
        "How many nodes are worked on at a time",
    ),
    key(
        "cluster.NAME.driver",
        "name",
        "\"files\"",
        "What runs on it: \"files\" for anything that holds still by itself, \"cassandra\"",
    ),
    optional(
        "cluster.NAME.driver",
        "user",
        "\"backup\"",
        "Who signs in to its database",
    ),
    optional(
        "cluster.NAME.driver",
        "password",
        "{ env = \"CASSANDRA_PASSWORD\" }",
        "With which password",
    ),
    key(
        "cluster.NAME.driver",
        "options",
        "{}",
        "What only this driver knows; cassandra: { datacenter = \"dc1\" } backs up one datacenter",
    ),
    optional(
        "cluster.NAME.node.NODE",
        "address",
        "\"a.example.net:7447\"",
        "Where its agent answers; required",
    ),
    optional(
        "cluster.NAME.node.NODE",
        "certificate_name",
        "\"a.NAME.ostler\"",
        "The name that its agent's certificate is for; the host of the address when left out",
    ),
    optional(
        "cluster.NAME.node.NODE",
        "database",
        "\"10.0.0.1:9042\"",
        "Where its database answers; the host of the address, at the usual port, when left out",
    ),
];
