//! A [`RowSource`] as a virtual table of SQLite.
//!
//! SQLite tells which conditions a question has on `day` and `domain` (`best_index`), and those go to the source as [`Bounds`]. It
//! tests every row again itself, so that a source need not be exact.

// The traits of virtual tables are marked unsafe, as they want their types laid out as SQLite expects: `repr(C)`, SQLite's part
// first. Nothing else here is.
#![allow(unsafe_code)]

use std::borrow::Cow;
use std::ffi::{CStr, CString, c_int};
use std::sync::Arc;

use jiff::civil::Date;
use rusqlite::types::ValueRef;
use rusqlite::vtab::{
    Context, Filters, IndexConstraintOp, IndexInfo, Module, VTab, VTabConnection, VTabCursor, sqlite3_vtab,
    sqlite3_vtab_cursor,
};
use rusqlite::{Connection, Error, Result, ffi};

use super::source::{Bounds, RowSource, Rows};
use crate::report::period::day_of;
use crate::store::StoreError;

/// The mark of a table whose first column is asked for, see [`Bounds::with_id`].
const WITH_ID: c_int = 1;
/// What reading all of a table costs, by SQLite's measure; a condition divides it.
const COST: f64 = 10_000_000.0;

/// Adds a table to a connection.
pub(super) fn register(connection: &Connection, source: Arc<dyn RowSource>) -> Result<()> {
    const MODULE: &Module<'static, Table> = &Module::eponymous_only_module();
    connection.create_module(source.name(), MODULE, Some(source))
}

/// A table.
#[repr(C)]
struct Table {
    base: sqlite3_vtab,
    source: Arc<dyn RowSource>,
    day: Option<c_int>,
    domain: Option<c_int>,
}

// SAFETY: `repr(C)`, and SQLite's part comes first.
unsafe impl<'vtab> VTab<'vtab> for Table {
    type Aux = Arc<dyn RowSource>;
    type Cursor = Cursor;

    fn connect(
        _: &mut VTabConnection,
        aux: Option<&Self::Aux>,
        _: &[u8],
        _: &[u8],
        _: &[u8],
        _: &[&[u8]],
    ) -> Result<(Cow<'static, CStr>, Self)> {
        let source = Arc::clone(aux.ok_or_else(|| Error::ModuleError("a table without rows".to_owned()))?);
        let columns = source.columns();
        let declared: Vec<String> = columns
            .iter()
            .map(|column| format!("\"{}\" {}", column.name, if column.is_number { "INTEGER" } else { "TEXT" }))
            .collect();
        let at = |name| columns.iter().position(|column| column.name == name).and_then(|at| c_int::try_from(at).ok());
        let (day, domain) = (at("day"), at("domain"));
        let sql = CString::new(format!("CREATE TABLE x({})", declared.join(", ")))?;
        Ok((Cow::Owned(sql), Table { base: sqlite3_vtab::default(), source, day, domain }))
    }

    fn best_index(&self, info: &mut IndexInfo) -> Result<bool> {
        // A letter for each condition that goes to the source, in the order of its values.
        let mut plan = String::new();
        let conditions: Vec<(usize, char)> = info
            .constraints()
            .enumerate()
            .filter(|(_, condition)| condition.is_usable())
            .filter_map(|(at, condition)| {
                let on_day = Some(condition.column()) == self.day;
                let on_domain = Some(condition.column()) == self.domain;
                Some((at, letter(&condition.operator(), on_day, on_domain)?))
            })
            .collect();
        let mut cost = COST;
        for (at, letter) in conditions {
            // Under another collation, other days or names may be equal.
            if info.collation(at)? != "BINARY" {
                continue;
            }
            plan.push(letter);
            cost /= if letter == '=' { 100.0 } else { 4.0 };
            info.constraint_usage(at).set_argv_index(plan.len() as c_int);
        }
        info.set_idx_num(if info.col_used() & 1 == 1 { WITH_ID } else { 0 });
        info.set_idx_str(&plan);
        info.set_estimated_cost(cost);
        info.set_estimated_rows((cost / 10.0) as i64);
        Ok(true)
    }

    fn open(&'vtab mut self) -> Result<Cursor> {
        Ok(Cursor {
            base: sqlite3_vtab_cursor::default(),
            source: Arc::clone(&self.source),
            rows: None,
            at_end: true,
            number: 0,
        })
    }
}

/// How a condition is called in a plan, where it saves reading.
fn letter(operator: &IndexConstraintOp, on_day: bool, on_domain: bool) -> Option<char> {
    match operator {
        IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_EQ if on_day => Some('='),
        IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_EQ if on_domain => Some('@'),
        IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_GT | IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_GE if on_day => {
            Some('>')
        }
        IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_LT | IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_LE if on_day => {
            Some('<')
        }
        _ => None,
    }
}

/// Rows of a table.
#[repr(C)]
struct Cursor {
    base: sqlite3_vtab_cursor,
    source: Arc<dyn RowSource>,
    rows: Option<Box<dyn Rows>>,
    at_end: bool,
    number: i64,
}

// SAFETY: `repr(C)`, and SQLite's part comes first.
unsafe impl VTabCursor for Cursor {
    fn filter(&mut self, mark: c_int, plan: Option<&str>, values: &Filters<'_>) -> Result<()> {
        let mut bounds = Bounds { with_id: mark == WITH_ID, ..Bounds::default() };
        for (letter, value) in plan.unwrap_or_default().chars().zip(values.iter()) {
            let ValueRef::Text(text) = value else { continue };
            let Ok(text) = std::str::from_utf8(text) else { continue };
            if letter == '@' {
                bounds.domain = Some(text.to_owned());
                continue;
            }
            // Text that is not a day in this one spelling is left to SQLite, which compares it as text.
            let day = text.parse::<Date>().ok().filter(|date| date.to_string() == text).map(day_of);
            let Some(day) = day else { continue };
            if letter != '<' {
                bounds.first = bounds.first.max(Some(day));
            }
            if letter != '>' {
                bounds.last = Some(bounds.last.map_or(day, |last| last.min(day)));
            }
        }
        self.rows = Some(self.source.rows(&bounds).map_err(failed)?);
        self.number = 0;
        self.next()
    }

    fn next(&mut self) -> Result<()> {
        self.number += 1;
        self.at_end = match &mut self.rows {
            Some(rows) => !rows.next().map_err(failed)?,
            None => true,
        };
        Ok(())
    }

    fn eof(&self) -> bool {
        self.at_end
    }

    fn column(&self, context: &mut Context, column: c_int) -> Result<()> {
        match (&self.rows, usize::try_from(column)) {
            (Some(rows), Ok(column)) => context.set_result(rows.value(column)),
            _ => Ok(()),
        }
    }

    fn rowid(&self) -> Result<i64> {
        Ok(self.number)
    }
}

/// That rows cannot be read, told apart from what is wrong with a question by the code.
fn failed(error: StoreError) -> Error {
    Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_IOERR), Some(error.to_string()))
}
