//! `--jobs`: how many domains are worked on at once.

use std::num::NonZero;

use crate::parallel::processors;

/// More threads than that are not begun, whatever is asked for.
const MOST: NonZero<usize> = NonZero::new(64).unwrap();

/// How many domains are worked on at once.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct Jobs {
    /// Work on up to N domains at once; the answer is the same to the byte [default: the number of processors; at most 64]
    #[arg(long, value_name = "N", value_parser = number, allow_hyphen_values = true)]
    jobs: Option<NonZero<usize>>,
}

/// Reads the number of `--jobs`.
pub(super) fn number(text: &str) -> Result<NonZero<usize>, String> {
    text.parse().map_err(|_| "write a number from 1 on".to_owned())
}

impl Jobs {
    /// The threads to work on.
    pub(super) fn threads(self) -> NonZero<usize> {
        self.jobs.unwrap_or_else(processors).min(MOST)
    }

    /// Whether a number was asked for.
    pub(super) fn is_named(self) -> bool {
        self.jobs.is_some()
    }
}
