//! Which providers somebody means who types a name, a domain, a host name or an address.

use std::net::IpAddr;

use super::catalogue::Catalogue;
use super::entry::Provider;
use crate::domain;
use crate::vocabulary::vocabulary;

/// A provider that was found.
#[derive(Debug, Clone, Copy)]
pub struct Match<'a> {
    /// The provider.
    pub provider: &'a Provider,
    /// What was found to be its.
    pub by: MatchedBy,
}

vocabulary! {
    /// What of a provider was found.
    pub enum MatchedBy {
        /// Its id, its name, its category, or a part of one.
        Name => "name",
        /// One of its networks.
        Address => "address",
        /// A domain of its reverse-paths.
        EnvelopeDomain => "envelope_domain",
        /// A domain that it signs as.
        SigningDomain => "signing_domain",
        /// The end of its host names.
        Host => "host",
        /// What its customers include in SPF.
        SpfInclude => "spf_include",
    }
}

/// How near a name must be to be offered, from 0 to 1.
const NEAR: f64 = 0.75;

impl Catalogue {
    /// The providers that a text means: the one of this id or name; or of this address; or of this domain or host name; or all
    /// that have the text in their id, name or category.
    #[must_use]
    pub fn search(&self, text: &str) -> Vec<Match<'_>> {
        let text = text.trim();
        let named = |provider: &&Provider| provider.id.eq_ignore_ascii_case(text) || same(&provider.name, text);
        if let Some(provider) = self.providers().iter().find(named) {
            return vec![Match { provider, by: MatchedBy::Name }];
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            let found = self.by_address(address);
            return found.map(|provider| Match { provider, by: MatchedBy::Address }).into_iter().collect();
        }
        let of_domain = self.search_domain(text);
        if !of_domain.is_empty() {
            return of_domain;
        }
        let part = text.to_lowercase();
        if part.is_empty() {
            return Vec::new();
        }
        let has_part = |provider: &&Provider| {
            let texts = [Some(&provider.id), Some(&provider.name), provider.category.as_ref()];
            texts.into_iter().flatten().any(|text| text.to_lowercase().contains(&part))
        };
        self.providers().iter().filter(has_part).map(|provider| Match { provider, by: MatchedBy::Name }).collect()
    }

    fn search_domain(&self, text: &str) -> Vec<Match<'_>> {
        // Of an address of a person the domain is what matters.
        let text = text.rsplit_once('@').map_or(text, |(_, domain)| domain);
        let Some(name) = domain::normalize(text).filter(|name| name.contains('.')) else {
            return Vec::new();
        };
        let includes = |provider: &&Provider| provider.spf_include.as_deref() == Some(name.as_ref());
        let found = [
            (self.by_envelope_domain(&name), MatchedBy::EnvelopeDomain),
            (self.by_signing_domain(&name), MatchedBy::SigningDomain),
            (self.by_host(&name), MatchedBy::Host),
            (self.providers().iter().find(includes), MatchedBy::SpfInclude),
        ];
        let mut matches: Vec<Match<'_>> = Vec::new();
        for (provider, by) in found {
            if let Some(provider) = provider
                && matches.iter().all(|one| one.provider.id != provider.id)
            {
                matches.push(Match { provider, by });
            }
        }
        // The name of an include is exact; whose it lies below is then no answer.
        if let Some(include) = matches.iter().find(|one| one.by == MatchedBy::SpfInclude).copied() {
            matches = vec![include];
        }
        matches
    }

    /// The names of the providers nearest to a text that means none, the nearest first.
    #[must_use]
    pub fn near(&self, text: &str) -> Vec<&str> {
        let text: String = text.trim().to_lowercase().chars().take(100).collect();
        let mut scored: Vec<(f64, &str)> = self
            .providers()
            .iter()
            .map(|provider| {
                let score = |name: &str| strsim::jaro_winkler(&text, &name.to_lowercase());
                (score(&provider.id).max(score(&provider.name)), provider.name.as_str())
            })
            .filter(|&(score, _)| score >= NEAR)
            .collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
        scored.into_iter().take(3).map(|(_, name)| name).collect()
    }
}

fn same(left: &str, right: &str) -> bool {
    left.to_lowercase() == right.to_lowercase()
}
