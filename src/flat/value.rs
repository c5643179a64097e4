//! What can stand in a column, and the columns of one kind of thing.

use std::sync::Arc;

use crate::sanitize::harmless_json;
use crate::store::{PlainColumn, PlainValue};

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// Whole numbers.
    Number,
    /// True or false.
    Truth,
    /// A list, as JSON.
    Json,
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// The report does not say.
    Null,
    /// A whole number.
    Number(i64),
    /// True or false.
    Truth(bool),
    /// Text.
    Text(Arc<str>),
    /// A list, as JSON.
    Json(Arc<str>),
}

impl Value {
    pub(super) fn text(text: Option<impl AsRef<str>>) -> Value {
        text.map_or(Value::Null, |text| Value::Text(text.as_ref().into()))
    }

    pub(super) fn number(number: Option<u64>) -> Value {
        number.map_or(Value::Null, |number| Value::Number(i64::try_from(number).unwrap_or(i64::MAX)))
    }

    /// The text of a text or a list.
    #[must_use]
    pub fn as_text(&self) -> Option<&Arc<str>> {
        match self {
            Value::Text(text) | Value::Json(text) => Some(text),
            _ => None,
        }
    }

    /// The number of a number or a truth value.
    #[must_use]
    pub fn as_number(&self) -> Option<i64> {
        match self {
            Value::Number(number) => Some(*number),
            Value::Truth(truth) => Some(i64::from(*truth)),
            _ => None,
        }
    }
}

/// What is a row's own.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) id: Arc<str>,
    /// The address, or the text in its place.
    pub(super) address: Arc<str>,
    pub(super) is_address: bool,
    /// The host name that was confirmed for the address.
    pub(super) host: Option<Arc<str>>,
    pub(super) messages: Option<u64>,
}

impl<'v> From<&'v Value> for PlainValue<'v> {
    fn from(value: &'v Value) -> Self {
        match value {
            Value::Null => PlainValue::Null,
            Value::Number(number) => PlainValue::Number(*number),
            Value::Truth(truth) => PlainValue::Number(i64::from(*truth)),
            Value::Text(text) | Value::Json(text) => PlainValue::Text(text),
        }
    }
}

/// A column, and what stands in it.
pub(super) struct Field<T> {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) content: Content<T>,
}

impl<T> Field<T> {
    /// The column in a table of a database.
    pub(super) fn plain(&self) -> PlainColumn {
        plain(self.name, self.kind)
    }
}

/// A column of a name and a kind in a table of a database.
pub(super) fn plain(name: &'static str, kind: Kind) -> PlainColumn {
    PlainColumn { name, is_number: matches!(kind, Kind::Number | Kind::Truth) }
}

pub(super) enum Content<T> {
    Value(fn(&T) -> Value),
    /// An array; an empty one is as good as none.
    List(fn(&T) -> serde_json::Value),
}

pub(super) fn values<T>(fields: &[Field<T>], of: &T) -> Arc<[Value]> {
    let value = |field: &Field<T>| match field.content {
        Content::Value(value) => value(of),
        Content::List(list) => match list(of) {
            serde_json::Value::Array(list) if list.is_empty() => Value::Null,
            list => Value::Json(harmless_json(&list.to_string()).into()),
        },
    };
    fields.iter().map(value).collect()
}
