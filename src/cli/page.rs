//! Answers as pages: the option that all commands share whose answers people pass on.

use std::path::PathBuf;

use super::context::Context;
use super::failure::Failure;
use crate::render::Answer;

/// The option for a page.
#[derive(Debug, clap::Args)]
pub(super) struct Page {
    /// Write the answer as a page: one HTML file without script or anything outside it
    #[arg(long, value_name = "FILE", value_parser = file)]
    html: Option<PathBuf>,
}

/// The file of a page.
pub(super) fn file(text: &str) -> Result<PathBuf, String> {
    match text {
        "-" => Err("--html names a file; --format html writes the page to standard output".to_owned()),
        _ => Ok(PathBuf::from(text)),
    }
}

impl Page {
    /// Whether a page was asked for.
    pub(super) fn is_asked(&self) -> bool {
        self.html.is_some()
    }

    /// Shows an answer, or writes it as a page and says so of `what`.
    pub(super) fn show<A: Answer>(&self, answer: &A, what: &str, context: &mut Context) -> Result<(), Failure> {
        context.show_or_write(answer, self.html.as_deref(), what)
    }
}
