//! As much of JSON Schema (2020-12) as descriptions use. A property that no schema names is wrong: readers of the description
//! would not know of it.

use std::collections::BTreeSet;

use serde_json::Value;

/// The schemas of a description.
pub struct Schemas<'a> {
    description: &'a Value,
}

/// The properties that a schema knows, where it says all of them.
type Known = BTreeSet<String>;

impl<'a> Schemas<'a> {
    pub fn new(description: &'a Value) -> Self {
        Self { description }
    }

    /// What a reference leads to, or what is there itself.
    pub fn resolved<'b>(&'b self, value: &'b Value) -> &'b Value {
        let mut value = value;
        while let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            let pointer = reference.strip_prefix('#').unwrap();
            value = self
                .description
                .pointer(pointer)
                .unwrap_or_else(|| panic!("{reference} leads nowhere"));
        }
        value
    }

    /// Whether the document is as the schema says.
    pub fn check(&self, schema: &Value, document: &Value) -> Result<(), String> {
        self.at(schema, document, "").map(drop)
    }

    fn at(&self, schema: &Value, value: &Value, path: &str) -> Result<Known, String> {
        let known = self.open(schema, value, path)?;
        if let (Some(fields), Some(known)) = (value.as_object(), &known)
            && let Some(stranger) = fields.keys().find(|name| !known.contains(*name))
        {
            return Err(format!("{path}/{stranger} is in no schema"));
        }
        Ok(known.unwrap_or_default())
    }

    /// The same where other schemas may know further properties. `None` where any may be there.
    fn open(&self, schema: &Value, value: &Value, path: &str) -> Result<Option<Known>, String> {
        let Some(rules) = schema.as_object() else {
            return match schema {
                Value::Bool(true) => Ok(None),
                _ => Err(format!("{path} may not be there")),
            };
        };
        let mut known = Some(Known::new());
        let mut also = |more: Option<Known>| match (&mut known, more) {
            (Some(known), Some(more)) => known.extend(more),
            (known, _) => *known = None,
        };
        if let Some(reference) = rules.get("$ref") {
            let there = self.resolved(schema);
            assert!(!std::ptr::eq(there, schema), "{reference}");
            also(self.open(there, value, path)?);
        }
        if let Some(kinds) = rules.get("type") {
            let kinds = kinds
                .as_array()
                .map_or_else(|| vec![kinds], |kinds| kinds.iter().collect());
            if !kinds.iter().any(|kind| is_of(value, kind.as_str().unwrap())) {
                return Err(format!("{path} is {value:.100}, and not of {kinds:?}"));
            }
        }
        if rules.get("const").is_some_and(|only| only != value) {
            return Err(format!("{path} is {value:.100}, and not {}", rules["const"]));
        }
        if let Some(choices) = rules.get("enum").and_then(Value::as_array)
            && !choices.contains(value)
        {
            return Err(format!("{path} is {value:.100}, and none of {choices:?}"));
        }
        if let (Some(least), Some(number)) = (rules.get("minimum").and_then(Value::as_f64), value.as_f64())
            && number < least
        {
            return Err(format!("{path} is {number}, and less than {least}"));
        }
        for all in rules.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            also(self.open(all, value, path)?);
        }
        for choice in ["anyOf", "oneOf"] {
            let Some(choices) = rules.get(choice).and_then(Value::as_array) else {
                continue;
            };
            let fits: Vec<_> = choices.iter().map(|one| self.open(one, value, path)).collect();
            let good: Vec<&Option<Known>> = fits.iter().filter_map(|fit| fit.as_ref().ok()).collect();
            if good.is_empty() {
                let why: Vec<&String> = fits.iter().filter_map(|fit| fit.as_ref().err()).collect();
                return Err(format!("{path} fits none of the choices: {why:?}"));
            }
            if choice == "oneOf" && good.len() > 1 {
                return Err(format!("{path} fits {} choices, and should one", good.len()));
            }
            for fit in good {
                also(fit.clone());
            }
        }
        if let Some(fields) = value.as_object() {
            also(self.fields(rules, fields, path)?);
        }
        if let (Some(items), Some(values)) = (rules.get("items"), value.as_array()) {
            for (index, item) in values.iter().enumerate() {
                self.at(items, item, &format!("{path}/{index}"))?;
            }
        }
        if let (Some(items), Some(values)) = (
            rules.get("prefixItems").and_then(Value::as_array),
            value.as_array(),
        ) {
            for (item, value) in items.iter().zip(values) {
                self.at(item, value, path)?;
            }
        }
        // A schema that says nothing lets everything be.
        let says = [
            "$ref",
            "type",
            "const",
            "enum",
            "allOf",
            "anyOf",
            "oneOf",
            "properties",
        ];
        Ok(known.filter(|_| says.iter().any(|rule| rules.contains_key(*rule))))
    }

    fn fields(
        &self,
        rules: &serde_json::Map<String, Value>,
        fields: &serde_json::Map<String, Value>,
        path: &str,
    ) -> Result<Option<Known>, String> {
        let required = rules.get("required").and_then(Value::as_array);
        if let Some(missing) = required
            .into_iter()
            .flatten()
            .find(|name| !fields.contains_key(name.as_str().unwrap()))
        {
            return Err(format!("{path} has no {missing}"));
        }
        let properties = rules.get("properties").and_then(Value::as_object);
        let mut known = Known::new();
        for (name, value) in fields {
            let at = format!("{path}/{name}");
            match properties.and_then(|properties| properties.get(name)) {
                Some(schema) => {
                    self.at(schema, value, &at)?;
                    known.insert(name.clone());
                }
                None => match rules.get("additionalProperties") {
                    Some(Value::Bool(false)) => return Err(format!("{at} is not described")),
                    Some(schema) => {
                        self.at(schema, value, &at)?;
                        known.insert(name.clone());
                    }
                    None => {}
                },
            }
        }
        Ok(Some(known))
    }
}

fn is_of(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        other => panic!("no type {other}"),
    }
}
