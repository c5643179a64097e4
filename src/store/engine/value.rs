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

/// What can stand in a column.
pub(in crate::store) trait Column: FromSql {}

impl Column for i64 {}
impl Column for i32 {}
impl Column for u32 {}
impl Column for bool {}
impl Column for String {}
impl Column for Vec<u8> {}
impl<const N: usize> Column for [u8; N] {}
impl<T: Column> Column for Option<T> {}
