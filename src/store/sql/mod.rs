//! Questions in SQL, over tables that are made while they are read.
//!
//! A question runs on a connection of its own, in memory, that has these tables and nothing else: it cannot write, open files or
//! reach the database behind the tables. It ends at a time limit, and its answer at a number of rows.

mod source;
mod table;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode};

use super::StoreError;
pub use source::{Bounds, RowSource, Rows};

/// No text that a question makes is longer, in bytes.
const LONGEST_TEXT: i32 = 16 << 20;
/// No question is longer, in bytes.
const LONGEST_QUESTION: i32 = 1 << 20;
/// Steps of SQLite's machine after which the time is looked at.
const STEPS: i32 = 10_000;

/// How much a question may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest time.
    pub time: Duration,
    /// The most rows.
    pub rows: usize,
}

/// A value of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum SqlValue {
    /// NULL.
    Null,
    /// A whole number.
    Integer(i64),
    /// A number.
    Real(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// The answer of a question.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SqlAnswer {
    /// The names of its columns.
    pub columns: Vec<String>,
    /// Its rows.
    pub rows: Vec<Vec<SqlValue>>,
    /// There are more rows than the limit.
    pub is_cut: bool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// It cannot be answered.
    #[error("{0}")]
    Wrong(String),
    /// It does more than ask.
    #[error("`sql` answers questions: one SELECT over its tables, and nothing that writes, opens or sets anything")]
    Refused,
    /// It took too long.
    #[error("the question was not answered within {} seconds; ask about fewer days (WHERE day >= …), or allow more with --timeout", .0.as_secs())]
    TooLong(Duration),
    /// The rows could not be read while it was answered.
    #[error("{0}")]
    Unread(String),
    /// The rows could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Answers a question in SQL over tables.
///
/// # Errors
/// See [`SqlError`].
pub fn ask(
    question: &str,
    sources: Vec<Arc<dyn RowSource>>,
    limits: Limits,
) -> std::result::Result<SqlAnswer, SqlError> {
    let mut connection = Connection::open_in_memory().map_err(StoreError::from)?;
    prepare(&mut connection, sources, limits).map_err(StoreError::from)?;
    let failed = |error: rusqlite::Error| as_error(error, limits.time);
    let mut statement = connection.prepare(question).map_err(failed)?;
    if !statement.readonly() || statement.column_count() == 0 {
        return Err(SqlError::Refused);
    }
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut answer = SqlAnswer { columns, ..SqlAnswer::default() };
    let mut rows = statement.query([]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        if answer.rows.len() == limits.rows {
            answer.is_cut = true;
            break;
        }
        let values = (0..answer.columns.len()).map(|at| {
            Ok(match row.get_ref(at)? {
                ValueRef::Null => SqlValue::Null,
                ValueRef::Integer(number) => SqlValue::Integer(number),
                ValueRef::Real(number) => SqlValue::Real(number),
                ValueRef::Text(text) => SqlValue::Text(String::from_utf8_lossy(text).into_owned()),
                ValueRef::Blob(bytes) => SqlValue::Bytes(bytes.to_vec()),
            })
        });
        answer.rows.push(values.collect::<rusqlite::Result<_>>().map_err(failed)?);
    }
    Ok(answer)
}

fn prepare(connection: &mut Connection, sources: Vec<Arc<dyn RowSource>>, limits: Limits) -> rusqlite::Result<()> {
    // What is too large for memory goes into files that have no name.
    connection.pragma_update(None, "temp_store", "FILE")?;
    for source in sources {
        table::register(connection, source)?;
    }
    for (limit, most) in [
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_LENGTH, LONGEST_TEXT),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, LONGEST_QUESTION),
    ] {
        connection.set_limit(limit, most)?;
    }
    let until = Instant::now() + limits.time;
    connection.progress_handler(STEPS, Some(move || Instant::now() >= until))?;
    connection.authorizer(Some(allowed))
}

/// What a question may do: select, read, call functions and itself.
fn allowed(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => Authorization::Allow,
        AuthAction::Function { function_name } if !function_name.eq_ignore_ascii_case("load_extension") => {
            Authorization::Allow
        }
        _ => Authorization::Deny,
    }
}

fn as_error(error: rusqlite::Error, time: Duration) -> SqlError {
    match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => SqlError::TooLong(time),
        Some(ErrorCode::AuthorizationForStatementDenied) => SqlError::Refused,
        Some(ErrorCode::DiskFull) => SqlError::Wrong("the disk is full: there is no room to sort in".to_owned()),
        _ => match error {
            rusqlite::Error::MultipleStatement => SqlError::Refused,
            rusqlite::Error::SqlInputError { msg, sql, offset, .. } => {
                let at = usize::try_from(offset).ok().and_then(|at| sql.get(at..)).unwrap_or_default();
                let near: String = at.chars().take(40).collect();
                SqlError::Wrong(if near.is_empty() { msg } else { format!("{msg}, at {near:?}") })
            }
            rusqlite::Error::SqliteFailure(code, Some(text)) if code.code == ErrorCode::SystemIoFailure => {
                SqlError::Unread(text)
            }
            rusqlite::Error::SqliteFailure(_, Some(text)) => SqlError::Wrong(text),
            other => SqlError::Wrong(other.to_string()),
        },
    }
}
