//! Answers as pages: the option that all commands share whose answers people pass on.

use std::path::{Path, PathBuf};

use clap::builder::TypedValueParser;

use super::context::Context;
use super::failure::Failure;
use super::whole_file::{Content, Target, place};
use crate::render::Answer;

/// The option for a page.
#[derive(Debug, clap::Args)]
pub(super) struct Page {
    /// Write the answer as a page: one HTML file without script or anything outside it
    #[arg(long, value_name = "FILE", value_parser = page_file())]
    html: Option<PathBuf>,
}

/// Reads the file of a page.
pub(super) fn page_file() -> impl TypedValueParser<Value = PathBuf> {
    place("--format html writes the page to standard output")
}

impl Page {
    /// Whether a page was asked for.
    pub(super) fn is_asked(&self) -> bool {
        self.html.is_some()
    }

    /// The file that was named, which is looked at before anything is computed.
    pub(super) fn target(&self, context: &Context) -> Result<PageTarget<'_>, Failure> {
        PageTarget::of(self.html.as_deref(), context)
    }
}

/// Where an answer goes: into a file that may be written, or to standard output.
pub(super) struct PageTarget<'p>(Option<Target<'p>>);

impl<'p> PageTarget<'p> {
    /// Looks whether the file may be written, where one was named.
    pub(super) fn of(html: Option<&'p Path>, context: &Context) -> Result<Self, Failure> {
        Ok(PageTarget(html.map(|path| context.target(path, Content::Page)).transpose()?))
    }

    /// Shows an answer, or writes it as a page and says so of `what`.
    pub(super) fn show<A: Answer>(&self, answer: &A, what: &str, context: &mut Context) -> Result<(), Failure> {
        context.show_or_write(answer, self.0.as_ref(), what)
    }
}
