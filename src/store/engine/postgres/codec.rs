//! Values as PostgreSQL writes them.

use std::error::Error;

use bytes::{BufMut, BytesMut};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::dialect::{escape, unescape};
use crate::store::engine::value::{Found, Value};

type Outcome<T> = Result<T, Box<dyn Error + Sync + Send>>;

/// The type of a value, where the server is not asked which one it expects.
fn type_of(value: Value<'_>) -> Type {
    match value {
        Value::Null => Type::UNKNOWN,
        Value::Integer(_) => Type::INT8,
        Value::Text(_) => Type::TEXT,
        Value::Bytes(_) | Value::Zeros(_) => Type::BYTEA,
    }
}

/// Parameters as a statement that is prepared takes them.
pub(super) fn parameters<'v>(values: &'v [Value<'_>]) -> Vec<&'v (dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

/// Parameters as a statement takes them that is not prepared, which has to be told their types.
pub(super) fn typed<'v>(values: &'v [Value<'_>]) -> Vec<(&'v (dyn ToSql + Sync), Type)> {
    values.iter().map(|value| (value as &(dyn ToSql + Sync), type_of(*value))).collect()
}

impl ToSql for Value<'_> {
    fn to_sql(&self, wanted: &Type, out: &mut BytesMut) -> Outcome<IsNull> {
        match (*self, wanted) {
            (Value::Null, _) => return Ok(IsNull::Yes),
            (Value::Integer(number), &Type::INT8) => out.put_i64(number),
            (Value::Integer(number), &Type::INT4) => out.put_i32(i32::try_from(number)?),
            (Value::Integer(number), &Type::INT2) => out.put_i16(i16::try_from(number)?),
            (Value::Integer(number), &Type::BOOL) => out.put_u8(u8::from(number != 0)),
            // In `meta` stands what belongs there, as bytes.
            (Value::Integer(number), &Type::BYTEA) => out.extend_from_slice(number.to_string().as_bytes()),
            (Value::Text(text), &Type::TEXT | &Type::VARCHAR | &Type::UNKNOWN) => {
                out.extend_from_slice(escape(text).as_bytes());
            }
            (Value::Text(text), &Type::BYTEA) => out.extend_from_slice(text.as_bytes()),
            (Value::Bytes(bytes), &Type::BYTEA) => out.extend_from_slice(bytes),
            (Value::Zeros(_), &Type::BYTEA) => {}
            (value, wanted) => return Err(format!("{value:?} is no {wanted}").into()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'r> FromSql<'r> for Found<'r> {
    fn from_sql(found: &Type, bytes: &'r [u8]) -> Outcome<Self> {
        Ok(match *found {
            Type::INT8 => Found::Integer(i64::from_be_bytes(bytes.try_into()?)),
            Type::INT4 => Found::Integer(i32::from_be_bytes(bytes.try_into()?).into()),
            Type::INT2 => Found::Integer(i16::from_be_bytes(bytes.try_into()?).into()),
            Type::BOOL => Found::Integer(i64::from(bytes == [1])),
            Type::NUMERIC => Found::Integer(whole(bytes).ok_or("a sum is too large")?),
            Type::BYTEA => Found::Bytes(bytes),
            _ => Found::Text(unescape(std::str::from_utf8(bytes)?)),
        })
    }

    fn from_sql_null(_: &Type) -> Outcome<Self> {
        Ok(Found::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// A whole number of any length, as sums are: how many groups of four digits there are, the place of the first, the sign, digits
/// after the point (none), the groups.
fn whole(bytes: &[u8]) -> Option<i64> {
    const NEGATIVE: i16 = 0x4000;
    let (head, groups) = bytes.split_first_chunk::<8>()?;
    let number = |at: usize| i16::from_be_bytes([head[at], head[at + 1]]);
    let (count, first, sign) = (number(0), number(2), number(4));
    let mut sum: i128 = 0;
    for (group, place) in groups.chunks_exact(2).zip((i16::MIN..=first).rev()).take(usize::try_from(count).ok()?) {
        let group = i128::from(i16::from_be_bytes([group[0], group[1]]));
        sum += group.checked_mul(10_000_i128.checked_pow(u32::try_from(place).ok()?)?)?;
    }
    i64::try_from(if sign == NEGATIVE { -sum } else { sum }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_read() {
        let of = |groups: &[i16], first: i16, sign: i16| {
            let head = [groups.len() as i16, first, sign, 0];
            let bytes: Vec<u8> = head.iter().chain(groups).flat_map(|number| number.to_be_bytes()).collect();
            whole(&bytes)
        };
        assert_eq!(of(&[], 0, 0), Some(0));
        assert_eq!(of(&[7], 0, 0), Some(7));
        assert_eq!(of(&[1, 2345], 1, 0), Some(12_345));
        // Groups of zeros at the end are left out.
        assert_eq!(of(&[12], 2, 0), Some(1_200_000_000));
        assert_eq!(of(&[12], 2, 0x4000), Some(-1_200_000_000));
        assert_eq!(of(&[922, 3372, 368, 5477, 5807], 4, 0), Some(i64::MAX));
        assert_eq!(of(&[922, 3372, 368, 5477, 5808], 4, 0), None);
        assert_eq!(of(&[1], 99, 0), None);
        assert_eq!(of(&[1], -1, 0), None);
    }
}
