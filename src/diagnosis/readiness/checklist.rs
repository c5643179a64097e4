//! What checks judge, and the list that they fill.

use std::fmt::Display;

use super::answer::{Check, CheckArea, Review};
use super::weighed::Weighed;
use crate::diagnosis::Cause;
use crate::words;

/// What was found, for the checks to judge.
pub(super) struct Findings<'f> {
    /// The review, but for what the checks come to.
    pub(super) review: &'f Review,
    /// Days from the end of the newest report to the day of the review.
    pub(super) age: Option<u32>,
    pub(super) window_days: i64,
    /// What decides of one's own paths together.
    pub(super) own: Weighed,
    /// Paths of one's own that are not of class signed.
    pub(super) unsigned_own: u64,
    /// Messages of one's own that fail at one reporter alone and do not count, by that reporter's name.
    pub(super) alone: Vec<(&'f str, u64)>,
    pub(super) mailboxes: Vec<String>,
    /// Paths of one's own on which DKIM fails at every reporter, each with why.
    pub(super) failing_signatures: &'f [(String, Option<Cause>)],
}

/// The list as it grows.
#[derive(Default)]
pub(super) struct List {
    pub(super) checks: Vec<Check>,
}

impl List {
    pub(super) fn add(
        &mut self,
        area: CheckArea,
        name: &str,
        blocking: bool,
        passed: bool,
        threshold: impl Into<String>,
        detail: impl Into<String>,
    ) {
        let (threshold, detail) = (threshold.into(), detail.into());
        self.checks.push(Check { name: name.to_owned(), area, blocking, passed, detail, threshold });
    }
}

/// The first few, and how many more.
pub(super) fn listed<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    const MOST: usize = 5;
    words::list(items, MOST)
}
