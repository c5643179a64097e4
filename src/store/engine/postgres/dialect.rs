//! SQL as PostgreSQL reads it.
//!
//! Texts of strangers may hold NUL, which PostgreSQL's texts cannot: [`escape`] has other bytes for it, in such a way that texts keep
//! their order and what is joined stays joined.

use std::borrow::Cow;

/// A statement, with parameters as PostgreSQL counts them.
pub(super) fn statement(sql: &str) -> String {
    let sql = sql.replace(" AS BLOB)", " AS BYTEA)").replace("TOTAL(", "SUM(");
    let mut out = String::with_capacity(sql.len() + 8);
    let mut rest = sql.as_str();
    while let Some(at) = rest.find('?') {
        out.push_str(&rest[..at]);
        let next = &rest[at + 1..];
        out.push(if next.starts_with(|c: char| c.is_ascii_digit()) { '$' } else { '?' });
        rest = next;
    }
    out.push_str(rest);
    begin_of_keys(&out).unwrap_or(out)
}

/// The same with what `WHERE (a, b) > ($1, $2)` says of the first column alone, `a >= $1`. A server that asks others passes on to
/// them what is said of single columns; of columns together it would only drop what it was sent.
fn begin_of_keys(sql: &str) -> Option<String> {
    let (_, rest) = sql.split_once(" WHERE (")?;
    let (columns, rest) = rest.split_once(") >")?;
    let (first, _) = columns.split_once(", ")?;
    let marks = rest.trim_start_matches('=').strip_prefix(" (")?;
    let (mark, _) = marks.split_once(", ")?;
    let (marks, _) = marks.split_once(')')?;
    let (head, tail) = sql.split_at(sql.len() - rest.len() + rest.find(marks)? + marks.len() + 1);
    mark.starts_with('$').then(|| format!("{head} AND {first} >= {mark}{tail}"))
}

/// An INSERT of one row with the number of the row as its last parameter, the `mark`th; with the table.
pub(super) fn numbered(sql: &str, mark: usize) -> Option<(&str, String)> {
    let rest = sql.strip_prefix("INSERT INTO ")?;
    let (table, rest) = rest.split_once(" (")?;
    let (columns, rest) = rest.split_once(')')?;
    let values = rest.trim_start().strip_prefix("VALUES (")?.strip_suffix(')')?;
    Some((table, format!("INSERT INTO {table} ({columns}, id) VALUES ({values}, ?{mark})")))
}

/// What is otherwise in PostgreSQL than in SQLite, besides types.
///
/// A text or list of any length is found by its hash, as an index of the whole has no room for long ones; that there is one of each is
/// held by whoever writes, under the lock. The two tables that are most of the size can be split over servers, records by
/// policy domain and bytes by number, so a key of theirs begins with that, and there is no other that has to be the only one.
const DIFFERENCES: [(&str, &str); 5] = [
    ("text TEXT NOT NULL UNIQUE);", "text TEXT NOT NULL); CREATE INDEX name_by_text ON name USING hash (text);"),
    (
        "detail BLOB NOT NULL UNIQUE);",
        "detail BLOB NOT NULL); CREATE INDEX signers_by_detail ON signers USING hash (detail);",
    ),
    (
        "sha256 BLOB NOT NULL UNIQUE, size INTEGER NOT NULL, packed INTEGER NOT NULL, bytes BLOB);",
        "sha256 BLOB NOT NULL, size INTEGER NOT NULL, packed INTEGER NOT NULL, bytes BLOB);
         CREATE INDEX blob_by_sha256 ON blob (sha256);",
    ),
    (
        "PRIMARY KEY (day, report, part)
    ) WITHOUT ROWID;",
        "PRIMARY KEY (domain, day, report, part));
         CREATE INDEX record_run_by_day ON record_run (day, report, part);",
    ),
    (
        "CREATE INDEX report_by_period ON report (domain, reporter, begin_time);",
        "CREATE INDEX report_by_period ON report (domain, reporter, begin_time); CREATE INDEX report_by_day ON report (day);",
    ),
];

/// The tables of which rows are written without their numbers being known.
const NUMBERED_THERE: [&str; 3] = ["export", "mailbox", "quarantine"];

/// Statements that make or change tables, with the types that PostgreSQL has for SQLite's. Texts are in the order of their bytes, as
/// in SQLite. References are not checked: whoever writes keeps them.
pub(super) fn definition(sql: &str) -> String {
    let mut sql = sql.to_owned();
    for (there, here) in DIFFERENCES {
        sql = sql.replace(there, here);
    }
    let sql = sql.replace(" WITHOUT ROWID", "");
    let mut out = String::with_capacity(sql.len() * 2);
    for table in sql.split_inclusive(';') {
        let name = table.split_once("CREATE TABLE ").map(|(_, rest)| rest.trim_start_matches("IF NOT EXISTS "));
        let name = name.and_then(|rest| rest.split([' ', '(']).next()).unwrap_or_default();
        let number = "id INTEGER PRIMARY KEY";
        if NUMBERED_THERE.contains(&name) {
            out.push_str(&table.replace(number, &format!("{number} DEFAULT dmarcstat_next_id('{name}')")));
        } else {
            out.push_str(table);
        }
    }
    let mut types = String::with_capacity(out.len() * 2);
    let mut words = out.split_inclusive([' ', ',', ')', '(', ';', '\n']).peekable();
    while let Some(word) = words.next() {
        let plain = word.trim_end_matches([' ', ',', ')', '(', ';', '\n']);
        let end = &word[plain.len()..];
        match plain {
            "INTEGER" => types.push_str("BIGINT"),
            "BLOB" => types.push_str("BYTEA"),
            "TEXT" => types.push_str("TEXT COLLATE \"C\""),
            "REFERENCES" => {
                // The table that it names goes too, and what stands after it stays.
                let name = words.next().unwrap_or_default();
                types.push_str(name.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_'));
                continue;
            }
            other => types.push_str(other),
        }
        types.push_str(end);
    }
    types
}

/// Stands for NUL, and for itself, with a byte after it that says which.
const MARK: char = '\u{1}';

/// A text without NUL.
pub(super) fn escape(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|byte| byte <= 1) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\0' => out.extend([MARK, '\u{1}']),
            MARK => out.extend([MARK, '\u{2}']),
            other => out.push(other),
        }
    }
    Cow::Owned(out)
}

/// The text that was escaped.
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains(MARK) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        out.push(match character {
            MARK if characters.next() == Some('\u{1}') => '\0',
            other => other,
        });
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parameters_are_counted_as_postgresql_does() {
        assert_eq!(
            statement("SELECT CAST(a || ?1 AS BLOB), TOTAL(b) FROM t WHERE c = ?2 AND d = ?12"),
            "SELECT CAST(a || $1 AS BYTEA), SUM(b) FROM t WHERE c = $2 AND d = $12"
        );
    }

    #[test]
    fn a_place_in_an_order_says_where_its_first_column_begins() {
        assert_eq!(
            statement("SELECT c FROM t WHERE (a, b) >= (?1, ?2) AND a <= ?3 ORDER BY a, b"),
            "SELECT c FROM t WHERE (a, b) >= ($1, $2) AND a >= $1 AND a <= $3 ORDER BY a, b"
        );
        for sql in
            ["SELECT a FROM t WHERE (a) > ($1)", "SELECT a FROM t WHERE (a > $1 OR b > $2)", "SELECT (1, 2) > (1, 1)"]
        {
            assert_eq!(statement(sql), sql);
        }
    }

    #[test]
    fn tables_have_postgresqls_types() {
        assert_eq!(
            definition(
                "CREATE TABLE export (id INTEGER PRIMARY KEY, a BLOB NOT NULL, b TEXT, c INTEGER REFERENCES name, d TEXT) WITHOUT ROWID;"
            ),
            "CREATE TABLE export (id BIGINT PRIMARY KEY DEFAULT dmarcstat_next_id('export'), a BYTEA NOT NULL, b TEXT COLLATE \"C\", \
             c BIGINT , d TEXT COLLATE \"C\");"
        );
        assert_eq!(
            definition("ALTER TABLE t ADD COLUMN c INTEGER REFERENCES name;"),
            "ALTER TABLE t ADD COLUMN c BIGINT ;"
        );
    }

    #[test]
    fn each_difference_is_one_of_todays_tables() {
        let all = crate::store::schema::MIGRATIONS.concat();
        for (there, _) in DIFFERENCES {
            assert_eq!(all.matches(there).count(), 1, "{there}");
        }
        for table in NUMBERED_THERE {
            let definition = definition(&all);
            assert!(definition.contains(&format!("DEFAULT dmarcstat_next_id('{table}')")), "{table}");
        }
    }

    #[test]
    fn rows_are_numbered() {
        assert_eq!(
            numbered("INSERT INTO name (text) VALUES (?1)", 2),
            Some(("name", "INSERT INTO name (text, id) VALUES (?1, ?2)".to_owned()))
        );
        assert_eq!(numbered("INSERT INTO name (text) SELECT 1", 1), None);
    }

    fn texts() -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select(vec!['\0', '\u{1}', '\u{2}', 'a', 'é']), 0..6)
            .prop_map(|characters| characters.into_iter().collect())
    }

    proptest! {
        #[test]
        fn texts_come_back_in_their_order_and_join(one in texts(), other in texts()) {
            prop_assert!(!escape(&one).contains('\0'));
            prop_assert_eq!(unescape(&escape(&one)).into_owned(), one.clone());
            prop_assert_eq!(escape(&one).as_bytes().cmp(escape(&other).as_bytes()), one.as_bytes().cmp(other.as_bytes()));
            prop_assert_eq!(format!("{}{}", escape(&one), escape(&other)), escape(&format!("{one}{other}")).into_owned());
        }
    }
}
