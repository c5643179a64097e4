//! The examples in `docs/json.md`, held against what the program answers.

use serde_json::Value;

/// The example below a heading, which must be whole JSON.
pub(crate) fn example(heading: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/json.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, section) = text.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no section {heading}"));
    let (_, rest) = section.split_once("```json\n").expect("an example");
    let (json, _) = rest.split_once("```").expect("its end");
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{heading}: {error}"))
}

/// Asserts that an answer has the keys of the example, in order, and its values. Lists may be shortened in the example;
/// `id`s are not compared.
pub(crate) fn assert_documented(example: &Value, answer: &Value) {
    compare("$", example, answer);
}

fn compare(place: &str, example: &Value, answer: &Value) {
    match (example, answer) {
        (Value::Object(example), Value::Object(answer)) => {
            assert_eq!(example.keys().collect::<Vec<_>>(), answer.keys().collect::<Vec<_>>(), "keys of {place}");
            for (key, value) in example {
                if key != "id" {
                    compare(&format!("{place}.{key}"), value, &answer[key]);
                }
            }
        }
        (Value::Array(example), Value::Array(answer)) => {
            assert!(example.len() <= answer.len(), "{place} is longer in the example");
            for (at, (example, answer)) in example.iter().zip(answer).enumerate() {
                compare(&format!("{place}[{at}]"), example, answer);
            }
        }
        _ => assert_eq!(example, answer, "{place}"),
    }
}
