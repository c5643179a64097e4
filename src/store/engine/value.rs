//! Values on their way into statements and out of rows.

use rusqlite::ToSql;
use rusqlite::types::{FromSql, ToSqlOutput, ValueRef};

/// A parameter of a statement.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) enum Value<'v> {
    Null,
    Integer(i64),
    Text(&'v str),
    Bytes(&'v [u8]),
    /// So many zeros, to be filled later.
    Zeros(u64),
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match *self {
            Value::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Value::Integer(number) => ToSqlOutput::Borrowed(ValueRef::Integer(number)),
            Value::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Value::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
            Value::Zeros(length) => ToSqlOutput::ZeroBlob(length),
        })
    }
}

/// A value as it stands in a row, whichever type it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) enum Stored {
    Null,
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl AsValue for Stored {
    fn as_value(&self) -> Value<'_> {
        match self {
            Stored::Null => Value::Null,
            Stored::Integer(number) => Value::Integer(*number),
            Stored::Text(text) => Value::Text(text),
            Stored::Bytes(bytes) => Value::Bytes(bytes),
        }
    }
}

#[cfg(feature = "postgres")]
impl From<Value<'_>> for Stored {
    fn from(value: Value<'_>) -> Self {
        match value {
            Value::Null => Stored::Null,
            Value::Integer(number) => Stored::Integer(number),
            Value::Text(text) => Stored::Text(text.to_owned()),
            Value::Bytes(bytes) => Stored::Bytes(bytes.to_owned()),
            // They are filled in whole.
            Value::Zeros(_) => Stored::Bytes(Vec::new()),
        }
    }
}

/// What can be a parameter.
pub(in crate::store) trait AsValue {
    fn as_value(&self) -> Value<'_>;
}

macro_rules! numbers {
    ($($type:ty)*) => { $(impl AsValue for $type {
        fn as_value(&self) -> Value<'_> {
            Value::Integer(i64::from(*self))
        }
    })* };
}

numbers!(i64 i32 u32 bool);

impl AsValue for str {
    fn as_value(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl AsValue for String {
    fn as_value(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl AsValue for [u8] {
    fn as_value(&self) -> Value<'_> {
        Value::Bytes(self)
    }
}

impl AsValue for Vec<u8> {
    fn as_value(&self) -> Value<'_> {
        Value::Bytes(self)
    }
}

impl<const N: usize> AsValue for [u8; N] {
    fn as_value(&self) -> Value<'_> {
        Value::Bytes(self)
    }
}

impl<T: AsValue> AsValue for Option<T> {
    fn as_value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, AsValue::as_value)
    }
}

impl<T: AsValue + ?Sized> AsValue for &T {
    fn as_value(&self) -> Value<'_> {
        (**self).as_value()
    }
}

impl AsValue for Value<'_> {
    fn as_value(&self) -> Value<'_> {
        *self
    }
}

/// For [`params!`].
pub(in crate::store) fn as_value<T: AsValue + ?Sized>(value: &T) -> Value<'_> {
    value.as_value()
}

/// The parameters of a statement: `()`, some of one type in an array, or [`params!`].
pub(in crate::store) trait Params {
    fn with<R>(&self, act: impl FnOnce(&[Value<'_>]) -> R) -> R;
}

impl Params for () {
    fn with<R>(&self, act: impl FnOnce(&[Value<'_>]) -> R) -> R {
        act(&[])
    }
}

impl<T: AsValue, const N: usize> Params for [T; N] {
    fn with<R>(&self, act: impl FnOnce(&[Value<'_>]) -> R) -> R {
        act(&self.each_ref().map(AsValue::as_value))
    }
}

impl Params for &[Value<'_>] {
    fn with<R>(&self, act: impl FnOnce(&[Value<'_>]) -> R) -> R {
        act(self)
    }
}

/// Parameters of several types.
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$($crate::store::engine::as_value(&$value)),*] as &[$crate::store::engine::Value<'_>]
    };
}
pub(in crate::store) use params;

/// What an engine other than SQLite found in a column.
#[cfg(feature = "postgres")]
#[derive(Debug)]
pub(in crate::store) enum Found<'r> {
    Null,
    Integer(i64),
    Text(std::borrow::Cow<'r, str>),
    Bytes(&'r [u8]),
}

/// What can stand in a column.
pub(in crate::store) trait Column: FromSql {
    /// Nothing where something else was found.
    #[cfg(feature = "postgres")]
    fn of(found: Found<'_>) -> Option<Self>;
}

macro_rules! columns {
    ($($type:ty: $pattern:pat => $value:expr;)*) => { $(impl Column for $type {
        #[cfg(feature = "postgres")]
        fn of(found: Found<'_>) -> Option<Self> {
            match found {
                $pattern => $value,
                _ => None,
            }
        }
    })* };
}

columns! {
    i32: Found::Integer(number) => number.try_into().ok();
    u32: Found::Integer(number) => number.try_into().ok();
    bool: Found::Integer(number) => Some(number != 0);
    Vec<u8>: Found::Bytes(bytes) => Some(bytes.to_owned());
}

impl<const N: usize> Column for [u8; N] {
    #[cfg(feature = "postgres")]
    fn of(found: Found<'_>) -> Option<Self> {
        match found {
            Found::Bytes(bytes) => bytes.try_into().ok(),
            _ => None,
        }
    }
}

impl Column for i64 {
    #[cfg(feature = "postgres")]
    fn of(found: Found<'_>) -> Option<Self> {
        match found {
            Found::Integer(number) => Some(number),
            // As it stands in `meta`.
            Found::Bytes(bytes) => std::str::from_utf8(bytes).ok()?.parse().ok(),
            _ => None,
        }
    }
}

impl Column for String {
    #[cfg(feature = "postgres")]
    fn of(found: Found<'_>) -> Option<Self> {
        match found {
            Found::Text(text) => Some(text.into_owned()),
            Found::Bytes(bytes) => std::str::from_utf8(bytes).ok().map(str::to_owned),
            _ => None,
        }
    }
}

impl<T: Column> Column for Option<T> {
    #[cfg(feature = "postgres")]
    fn of(found: Found<'_>) -> Option<Self> {
        match found {
            Found::Null => Some(None),
            found => T::of(found).map(Some),
        }
    }
}
