//! Answers as pages: the option that all commands share whose answers people pass on.

use std::path::PathBuf;

use super::context::Context;
use super::failure::Failure;
use crate::render::Answer;

/// The option for a page.
#[derive(Debug, clap::Args)]
pub(super) struct Page {
    /// Write the answer as a page: one HTML file without script or anything outside it
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

impl Page {
    /// Shows an answer, or writes it as a page and says so of `what`.
    pub(super) fn show<A: Answer>(&self, answer: &A, what: &str, context: &mut Context) -> Result<(), Failure> {
        context.show_or_write(answer, self.html.as_deref(), what)
    }
}
