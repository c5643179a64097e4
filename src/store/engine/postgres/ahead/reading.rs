//! What is to be read, so that a look-up can be answered.

/// What is to be read, so that a look-up can be answered.
pub(in crate::store::engine::postgres) struct Reading {
    /// The statement.
    pub(in crate::store::engine::postgres) text: String,
    /// Its parameters.
    pub(in crate::store::engine::postgres) values: Vec<i64>,
}
