//! The format of packs as a JSON Schema, for editors that complete and check what is typed.
//!
//! Words and keys are those that the reader of packs knows. What no schema can say (that a condition compiles, that checks are
//! written gravest first) `markgate rules test` tells.

use serde_json::{Map, Value, json};

use crate::standard::{Authority, ClassGroup, KEYS, Level, Principle, Severity};

/// The JSON Schema of a pack, draft 2020-12.
#[must_use]
pub fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A pack of markgate rules",
        "description": "Conditions on DICOM objects, and what to tell people when one is not met. TOML; format 1.",
        "type": "object",
        "properties": described(KEYS.pack, of_pack),
        "required": ["format", "id", "version", "title", "rule"],
        "additionalProperties": false,
        "$defs": {
            "identifier": {
                "type": "string",
                "pattern": "^[A-Za-z0-9._-]+$",
            },
            "messages": {
                "type": "object",
                "properties": {
                    "zh": { "$ref": "#/$defs/text", "description": "In Chinese." },
                    "en": { "$ref": "#/$defs/text", "description": "In English." },
                },
                "required": ["zh", "en"],
            },
            "text": { "type": "string", "pattern": "\\S" },
            "value": {
                "description": "A number, a text, true or false, or a list of numbers or of texts.",
                "anyOf": [
                    { "type": ["number", "string", "boolean"] },
                    { "type": "array", "items": { "type": ["number", "boolean"] } },
                    { "type": "array", "items": { "type": "string" } },
                ],
            },
            "parameter": {
                "anyOf": [
                    { "$ref": "#/$defs/value" },
                    {
                        "type": "object",
                        "properties": described(KEYS.parameter, of_parameter),
                        "required": ["value", "zh", "en"],
                        "additionalProperties": false,
                    },
                ],
            },
            "rule": {
                "type": "object",
                "properties": described(KEYS.rule, of_rule),
                "required": ["id", "principle", "authority", "source"],
                "additionalProperties": false,
                "oneOf": [
                    { "required": KEYS.check, "properties": { "check": false } },
                    {
                        "required": ["check"],
                        "properties": KEYS.check.iter().map(|key| ((*key).to_owned(), json!(false)))
                            .collect::<Map<_, _>>(),
                    },
                ],
            },
            "check": {
                "type": "object",
                "properties": described(KEYS.check, of_rule),
                "required": KEYS.check,
                "additionalProperties": false,
            },
        },
    })
}

/// A schema for each key. One that nothing is known of is any, so that a new key of the reader is never refused.
fn described(keys: &[&str], of: fn(&str) -> Option<Value>) -> Map<String, Value> {
    keys.iter().map(|key| ((*key).to_owned(), of(key).unwrap_or(json!(true)))).collect()
}

fn words<T>(words: &[(&str, T)]) -> Vec<String> {
    words.iter().map(|(word, _)| (*word).to_owned()).collect()
}

fn text(about: &str) -> Value {
    json!({ "$ref": "#/$defs/text", "description": about })
}

fn of_pack(key: &str) -> Option<Value> {
    Some(match key {
        "format" => json!({ "const": 1, "description": "The format of the pack." }),
        "id" => json!({ "$ref": "#/$defs/identifier", "description": "The pack's identifier." }),
        "version" => text("The pack's version, as its maker counts."),
        "title" => json!({ "$ref": "#/$defs/messages", "description": "What the pack is." }),
        "parameters" => json!({
            "description": "Values that conditions and messages of this pack read as param.NAME, and that a site \
                            sets under [rules.parameters] of its configuration.",
            "type": "object",
            "additionalProperties": { "$ref": "#/$defs/parameter" },
        }),
        "rule" => json!({
            "description": "The rules.",
            "type": "array",
            "items": { "$ref": "#/$defs/rule" },
            "maxItems": 2000,
        }),
        _ => return None,
    })
}

fn of_parameter(key: &str) -> Option<Value> {
    Some(match key {
        "value" => json!({ "$ref": "#/$defs/value", "description": "Its default." }),
        "unit" => text(
            "What it is counted in: mm, kV, 1 for plain numbers. Left out for what is no quantity.",
        ),
        "zh" => text("What it is, in Chinese."),
        "en" => text("What it is, in English."),
        _ => return None,
    })
}

fn of_rule(key: &str) -> Option<Value> {
    Some(match key {
        "id" => json!({
            "$ref": "#/$defs/identifier",
            "description": "The rule's identifier, never given to another rule.",
        }),
        "level" => json!({
            "enum": words(Level::WORDS),
            "default": Level::Instance.as_str(),
            "description": "What the rule looks at: the header of one object, its decoded pixels too, or the objects \
                            of a series or a study together.",
        }),
        "principle" => json!({
            "enum": words(Principle::WORDS),
            "description": "The requirement of DB11/T 2505-2025, chapter 5, that the rule serves.",
        }),
        "authority" => json!({
            "enum": words(Authority::WORDS),
            "description": "What the rule rests on: DB11/T 2505-2025, the DICOM standard, what other regions or bodies \
                            have published, or engineering judgement.",
        }),
        "source" => text("Where that is written: a clause, a document."),
        "attribute" => json!({
            "type": "string",
            "pattern": "^[A-Za-z][A-Za-z0-9]*$",
            "description": "Keyword of the DICOM attribute whose value a finding shows, and which {value} stands for.",
        }),
        "applies" => json!({
            "type": "array",
            "items": { "enum": words(ClassGroup::WORDS) },
            "minItems": 1,
            "description": "Groups of SOP classes that the rule is for; left out, every object.",
        }),
        "when" => {
            text("CEL: when the rule applies to these; left out, always. Unknown is not met.")
        }
        "severity" => json!({
            "enum": words(Severity::WORDS),
            "description": "What a finding does: is noted, is shown, withholds the mark, holds the object for a person; \
                            self_check is for what the gate itself writes.",
        }),
        "require" => text(
            "CEL: what is required. Where it comes to unknown there is no finding; presence is asked for \
                           with has().",
        ),
        "zh" => text(
            "What is wrong when it is not met, in Chinese; {value}, {dcm.KEYWORD}, {fact.NAME} and {param.NAME} \
                      show values.",
        ),
        "en" => text("The same in English."),
        "check" => json!({
            "type": "array",
            "items": { "$ref": "#/$defs/check" },
            "minItems": 1,
            "description": "Several requirements instead of one, gravest first; the first that is not met makes the finding.",
        }),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::standard::{BUILT_IN, Pack};

    /// What is wrong with a value by the parts of JSON Schema that are used here; an unknown keyword is wrong too.
    fn faults(schema: &Value, root: &Value, value: &Value, at: &str) -> Vec<String> {
        let schema = match schema {
            Value::Bool(true) => return Vec::new(),
            Value::Object(schema) => schema,
            _ => return vec![format!("{at}: nothing may stand here")],
        };
        let parts = |list: &Value| list.as_array().expect("a list").clone();
        let fits = |schema: &Value| faults(schema, root, value, at).is_empty();
        let empty = Map::new();
        let fields = value.as_object().unwrap_or(&empty);
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
        let mut found = Vec::new();
        for (keyword, wanted) in schema {
            let good = match keyword.as_str() {
                "$schema" | "title" | "description" | "default" | "$defs" => true,
                "$ref" => {
                    let path = wanted.as_str().and_then(|path| path.strip_prefix('#'));
                    let target = root.pointer(path.expect("a path")).expect("a definition");
                    found.extend(faults(target, root, value, at));
                    true
                }
                "type" => {
                    let wanted = match wanted {
                        Value::Array(kinds) => kinds.clone(),
                        kind => vec![kind.clone()],
                    };
                    wanted.iter().any(|kind| match kind.as_str().expect("a word") {
                        "object" => value.is_object(),
                        "array" => value.is_array(),
                        "string" => value.is_string(),
                        "number" => value.is_number(),
                        "boolean" => value.is_boolean(),
                        kind => panic!("type {kind}"),
                    })
                }
                "const" => value == wanted,
                "enum" => parts(wanted).contains(value),
                "pattern" => {
                    let pattern = regex::Regex::new(wanted.as_str().expect("a text"));
                    value.as_str().is_none_or(|text| pattern.expect("a pattern").is_match(text))
                }
                "required" => parts(wanted).iter().all(|key| {
                    !value.is_object() || fields.contains_key(key.as_str().expect("a key"))
                }),
                "properties" => {
                    for (key, value) in fields {
                        let Some(schema) = properties.get(key) else { continue };
                        found.extend(faults(schema, root, value, &format!("{at}.{key}")));
                    }
                    true
                }
                "additionalProperties" => {
                    for (key, value) in
                        fields.iter().filter(|(key, _)| !properties.contains_key(*key))
                    {
                        found.extend(faults(wanted, root, value, &format!("{at}.{key}")));
                    }
                    true
                }
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        found.extend(faults(wanted, root, item, &format!("{at}[{index}]")));
                    }
                    true
                }
                "minItems" => value
                    .as_array()
                    .is_none_or(|all| all.len() as u64 >= wanted.as_u64().expect("a number")),
                "maxItems" => value
                    .as_array()
                    .is_none_or(|all| all.len() as u64 <= wanted.as_u64().expect("a number")),
                "anyOf" => parts(wanted).iter().any(fits),
                "oneOf" => parts(wanted).iter().filter(|schema| fits(schema)).count() == 1,
                unknown => panic!("keyword {unknown}"),
            };
            if !good {
                found.push(format!("{at}: {keyword}"));
            }
        }
        found
    }

    fn faults_of(pack: &str) -> Vec<String> {
        let value: Value = toml::from_str(pack).expect("TOML");
        let schema = schema();
        faults(&schema, &schema, &value, "")
    }

    const HEAD: &str =
        "format = 1\nid = \"p\"\nversion = \"1\"\ntitle = { zh = \"一\", en = \"a\" }\n";
    const RULE: &str = "[[rule]]\nid = \"A-1\"\nprinciple = \"accuracy\"\nauthority = \"judgement\"\nsource = \"s\"\n";
    const CHECK: &str =
        "severity = \"warn\"\nrequire = \"has(dcm.KVP)\"\nzh = \"一\"\nen = \"a\"\n";

    #[test]
    fn packs_that_are_read_fit() {
        for (name, text) in BUILT_IN {
            assert_eq!(faults_of(text), [""; 0], "{name}");
        }
        for pack in [
            format!("{HEAD}{RULE}{CHECK}"),
            format!("{HEAD}{RULE}[[rule.check]]\n{CHECK}"),
            format!(
                "{HEAD}[parameters]\na = 1\nb = [\"x\"]\nc = {{ value = true, zh = \"一\", en = \"a\" }}\n{RULE}{CHECK}"
            ),
        ] {
            assert_eq!(faults_of(&pack), [""; 0], "{pack}");
            Pack::parse(&pack).unwrap_or_else(|faults| panic!("{faults:?}"));
        }
    }

    #[test]
    fn packs_that_are_not_read_do_not_fit() {
        let change = |from: &str, to: &str| format!("{HEAD}{RULE}{CHECK}").replacen(from, to, 1);
        for pack in [
            change("format = 1", "format = 2"),
            change("version = \"1\"\n", ""),
            change("id = \"A-1\"", "id = \"A 1\""),
            change("\"accuracy\"", "\"exactness\""),
            change("\"warn\"", "\"fatal\""),
            change("source = \"s\"", "source = \" \""),
            change("source = \"s\"", "sauce = \"s\""),
            change("source = \"s\"", "source = \"s\"\nlevel = \"patient\""),
            change("source = \"s\"", "source = \"s\"\napplies = [\"XX\"]"),
            change("source = \"s\"", "source = \"s\"\napplies = []"),
            change("en = \"a\" }", "en = 1 }"),
            format!("{HEAD}{RULE}"),
            format!("{HEAD}{RULE}{CHECK}[[rule.check]]\n{CHECK}"),
            format!("{HEAD}{RULE}[[rule.check]]\nseverity = \"warn\"\n"),
            format!("{HEAD}[parameters.a]\nvalue = 1\n{RULE}{CHECK}"),
            format!("{HEAD}[parameters]\na = [1, \"x\"]\n{RULE}{CHECK}"),
            HEAD.to_owned(),
        ] {
            assert!(Pack::parse(&pack).is_err(), "{pack}");
            assert_ne!(faults_of(&pack), [""; 0], "{pack}");
        }
    }

    #[test]
    fn every_key_of_the_reader_is_described() {
        for (keys, of) in [
            (KEYS.pack, of_pack as fn(&str) -> Option<Value>),
            (KEYS.rule, of_rule),
            (KEYS.check, of_rule),
            (KEYS.parameter, of_parameter),
        ] {
            for key in keys {
                let described = of(key).expect("a description");
                assert!(described.get("description").is_some(), "{key}");
            }
        }
    }
}
