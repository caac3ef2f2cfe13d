//! What there is of a cluster, put together from what was found of it here and there.

use ostler_api::document::{ClusterExploration, FoundFact, FoundNode, FoundValue};

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// What a node is: version, place, part in the topology.
    Node,
    /// What it runs with.
    Parameter,
}

/// Something that was found of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub about: About,
    /// The node.
    pub node: String,
    /// What was found.
    pub name: String,
    /// As it was found.
    pub value: String,
    /// Where it was found.
    pub source: &'static str,
    /// Whether each node is meant to have its own.
    pub own: bool,
}

/// All that somebody found.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// Nodes.
    pub nodes: Vec<FoundNode>,
    /// What they are and run with.
    pub findings: Vec<Finding>,
    /// What does not fit together, or could not be asked.
    pub problems: Vec<String>,
}

impl Findings {
    /// Takes what somebody else found.
    pub fn add(&mut self, other: Self) {
        self.nodes.extend(other.nodes);
        self.findings.extend(other.findings);
        self.problems.extend(other.problems);
    }
}

/// Says of each thing who has which value of it, and where nodes disagree.
#[must_use]
pub fn arrange(name: &str, driver: &str, found: Findings) -> ClusterExploration {
    let mut explored = ClusterExploration {
        name: name.to_owned(),
        driver: driver.to_owned(),
        nodes: found.nodes,
        problems: found.problems,
        ..ClusterExploration::default()
    };
    for finding in found.findings {
        let facts = match finding.about {
            About::Node => &mut explored.facts,
            About::Parameter => &mut explored.parameters,
        };
        add(facts, finding);
    }
    explored
        .parameters
        .sort_by(|one, other| one.name.cmp(&other.name));
    let strangers = explored.nodes.iter().filter(|node| !node.configured);
    let strangers = strangers.map(|node| {
        format!(
            "{} is a node of it ({}), and is not configured: it is in no backup; \
             `ostler cluster add {name} NODE={}:PORT`",
            node.address, node.source, node.address
        )
    });
    let differences = explored.facts.iter().chain(&explored.parameters);
    let differences = differences.filter(|fact| fact.differs()).map(difference);
    let problems: Vec<String> = strangers.chain(differences).collect();
    explored.problems.extend(problems);
    explored
}

fn add(facts: &mut Vec<FoundFact>, finding: Finding) {
    let place = facts.iter().position(|fact| fact.name == finding.name);
    let place = place.unwrap_or_else(|| {
        facts.push(FoundFact {
            name: finding.name,
            own: finding.own,
            values: Vec::new(),
        });
        facts.len() - 1
    });
    let Some(fact) = facts.get_mut(place) else { return };
    let same = |one: &&mut FoundValue| one.value == finding.value && one.source == finding.source;
    match fact.values.iter_mut().find(same) {
        Some(value) => value.nodes.push(finding.node),
        None => fact.values.push(FoundValue {
            value: finding.value,
            nodes: vec![finding.node],
            source: finding.source.to_owned(),
        }),
    }
}

fn difference(fact: &FoundFact) -> String {
    let values = fact.values.iter();
    let values = values.map(|value| format!("{} on {}", value.value, value.nodes.join(", ")));
    format!("{} differs: {}", fact.name, values.collect::<Vec<_>>().join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(node: &str, name: &str, value: &str, own: bool) -> Finding {
        Finding {
            about: About::Parameter,
            node: node.into(),
            name: name.into(),
            value: value.into(),
            source: "its settings",
            own,
        }
    }

    #[test]
    fn what_nodes_agree_on_is_one_value_and_what_they_should_agree_on_is_told() {
        let found = Findings {
            nodes: vec![FoundNode {
                name: "10.0.0.9".into(),
                address: "10.0.0.9".into(),
                configured: false,
                source: "peers of a".into(),
            }],
            findings: vec![
                finding("a", "threads", "8", false),
                finding("b", "threads", "8", false),
                finding("c", "threads", "4", false),
                finding("a", "address", "1", true),
                finding("b", "address", "2", true),
            ],
            problems: vec!["c was slow".into()],
        };
        let explored = arrange("shop", "a-database", found);
        let names: Vec<&str> = explored.parameters.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["address", "threads"]);
        assert_eq!(explored.parameters[1].values[0].nodes, ["a", "b"]);
        assert_eq!(explored.problems.len(), 3, "{:?}", explored.problems);
        assert_eq!(explored.problems[0], "c was slow");
        assert!(explored.problems[1].contains("ostler cluster add shop NODE=10.0.0.9:PORT"));
        assert_eq!(explored.problems[2], "threads differs: 8 on a, b; 4 on c");
    }
}
