//! The digest by which a plan is approved: over what would be changed, never over counts.

/// BLAKE3 over the kind, the parameters (rules, cutoffs, targets) and the items with their actions, in hexadecimal.
/// The order of items does not matter.
#[must_use]
pub fn plan_digest<'a>(
    kind: &str,
    parameters: &[&[u8]],
    items: impl IntoIterator<Item = (&'a [u8], &'a str)>,
) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("ostler plan digest v1");
    let mut part = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    part(kind.as_bytes());
    part(&(parameters.len() as u64).to_le_bytes());
    for parameter in parameters {
        part(parameter);
    }
    let mut items: Vec<_> = items.into_iter().collect();
    items.sort_unstable();
    for (item, action) in items {
        part(item);
        part(action.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::plan_digest;

    #[test]
    fn digests_change_with_items_actions_and_rules_and_not_with_order() {
        let plan = |kind, rule: &str, items: &[(&str, &'static str)]| {
            plan_digest(
                kind,
                &[rule.as_bytes()],
                items.iter().map(|(i, a)| (i.as_bytes(), *a)),
            )
        };
        let one = plan("prune", "daily 2", &[("a", "delete"), ("b", "keep")]);
        assert_eq!(one, plan("prune", "daily 2", &[("b", "keep"), ("a", "delete")]));
        assert_ne!(one, plan("prune", "daily 3", &[("a", "delete"), ("b", "keep")]));
        assert_ne!(one, plan("prune", "daily 2", &[("a", "keep"), ("b", "delete")]));
        assert_ne!(one, plan("prune", "daily 2", &[("a", "delete")]));
        assert_ne!(one, plan("delete", "daily 2", &[("a", "delete"), ("b", "keep")]));
    }
}
