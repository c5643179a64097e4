//! `dmarcstat providers`.

use anyhow::anyhow;

use super::context::Context;
use super::failure::{Failure, Outcome, Status};
use crate::domain;
use crate::providers::{Catalogue, Match, MatchedBy};
use crate::render::ProvidersAnswer;
use crate::report::shorten;

/// The catalogue of senders; with NAME one of them, how its mail is recognised, and how to fix what is wrong with it
#[derive(Debug, clap::Args)]
pub(super) struct Providers {
    /// A provider's id or name, or a part of it; or a domain, host name or address, to find out whose it is
    name: Option<String>,
    /// Write the remedies for this domain
    #[arg(short, long, value_name = "DOMAIN", requires = "name")]
    domain: Option<String>,
}

impl Providers {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        let domain = self.domain.as_deref().map(|text| {
            domain::normalize(text)
                .ok_or_else(|| Failure::Usage(format!("invalid domain {text:?}: use a name such as example.com")))
        });
        let domain = domain.transpose()?;
        let catalogue = context.catalogue()?;
        let matches = match &self.name {
            Some(name) => found(&catalogue, name)?,
            None => catalogue.providers().iter().map(|provider| Match { provider, by: MatchedBy::Name }).collect(),
        };
        context.show(&ProvidersAnswer { matches: &matches, asked: self.name.as_deref(), domain: domain.as_deref() })?;
        Ok(Status::Done)
    }
}

/// Who is meant, or an error that says who may be.
fn found<'a>(catalogue: &'a Catalogue, name: &str) -> Result<Vec<Match<'a>>, Failure> {
    let matches = catalogue.search(name);
    if !matches.is_empty() {
        return Ok(matches);
    }
    let near = catalogue.near(name);
    let next = if near.is_empty() {
        "`dmarcstat providers` lists them all, and docs/providers.md says how to add your own".to_owned()
    } else {
        format!("did you mean {}?", near.join(", "))
    };
    Err(Failure::Failed(anyhow!("no provider {:?} is in the catalogue of senders; {next}", shorten(name, 80))))
}
