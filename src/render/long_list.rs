//! Long lists in JSON: what is said of each thing is made when it is written, for there may be hundreds of thousands.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

/// Fields of an answer, and after them a list.
struct WithList<'a, T, F> {
    fields: Map<String, Value>,
    name: &'static str,
    things: &'a [T],
    value: F,
}

/// An answer in JSON: its fields, which are an object, and after them, under a name, what `value` says of each of some things.
pub(super) fn with_list<T, V: Serialize>(
    fields: Value,
    name: &'static str,
    things: &[T],
    value: impl Fn(&T) -> V,
) -> impl Serialize {
    let fields = match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    WithList { fields, name, things, value }
}

impl<T, V: Serialize, F: Fn(&T) -> V> Serialize for WithList<'_, T, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(self.fields.len() + 1))?;
        for (name, value) in &self.fields {
            object.serialize_entry(name, value)?;
        }
        object.serialize_entry(self.name, &List(self.things, &self.value))?;
        object.end()
    }
}

struct List<'a, T, F>(&'a [T], &'a F);

impl<T, V: Serialize, F: Fn(&T) -> V> Serialize for List<'_, T, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(self.1))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_list_comes_last() {
        let answer =
            with_list(json!({ "schema": "a/1", "b": null }), "list", &[1, 2], |one| json!({ "twice": 2 * one }));
        let text = serde_json::to_string(&answer).unwrap();
        assert_eq!(text, r#"{"schema":"a/1","b":null,"list":[{"twice":2},{"twice":4}]}"#);
    }
}
