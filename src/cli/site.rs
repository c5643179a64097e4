//! `dmarcstat site`.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::num::NonZero;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use sha2::{Digest, Sha256};

use super::context::Context;
use super::failure::{Failure, Outcome};
use super::jobs::Jobs;
use super::readiness::Target;
use super::sender_scope::{Asked, SenderScope};
use super::tenant::each_tenant;
use super::whole_file::write_whole;
use crate::answer::{self, Genuine, Look, Question, Reviewing};
use crate::diagnosis::readiness::Review;
use crate::diagnosis::{Answer as PathsFound, ChangesAnswer, ExplainAnswer, KeyChoice, TlsAnswer, Wanted};
use crate::domain::is_among;
use crate::folders;
use crate::parallel;
use crate::render::document::Text;
use crate::render::{Answer, Document, PathsAnswer, SiteDomain, site_index, site_pictures, write_page};
use crate::words::{hex, plural};

/// A folder of pages without script: every domain with its verdict, paths, keys and changes, and TLS with mail servers
///
/// Any web server can serve it, and a browser opens it from disk; a nightly job keeps it up to date. Each page is written whole, the
/// first one last. Pages of an earlier run that are not written again are removed; a folder that holds anything else is left alone. Where the
/// configuration has tenants and none is named, each gets a folder in DIR, called by its name, and nothing else is written.
#[derive(Debug, clap::Args)]
pub(super) struct Site {
    /// The folder; it is made if it is missing
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The policy that the reviews are for
    #[arg(long, value_enum, default_value_t = Target::Reject)]
    target: Target,
    #[command(flatten)]
    jobs: Jobs,
    #[command(flatten)]
    scope: SenderScope,
}

/// Domains with pages, most mail first, and paths of each with a page of their own: anybody can make up more of either.
const MOST_DOMAINS: usize = 100;
const MOST_PATHS: usize = 25;
/// The names of all files that the folder holds.
const LIST: &str = "dmarcstat-pages.txt";
const FIRST: &str = "index.html";
const TLS: &str = "tls.html";

impl Site {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        context.has_own_form(
            "a site is written as HTML only: leave out --format; `dmarcstat readiness --all --json` and \
             `dmarcstat sources --json` give its data",
        )?;
        if context.config.tenants.is_empty() { self.write(&self.folder, context) } else { self.each(context) }
    }

    /// A folder for each tenant. One that has no reports yet, or cannot be written, stands in no other's way.
    fn each(&self, context: &mut Context) -> Outcome {
        if self.scope.has_domains() {
            return Err(Failure::Usage("--domain is about one tenant's domains: name it with --tenant".to_owned()));
        }
        each_tenant(context, |tenant, context| self.write(&self.folder.join(&tenant.name), context))
    }

    /// The pages of the owner's domains, or of a tenant's.
    fn write(&self, folder: &Path, context: &mut Context) -> Outcome {
        let former = former(folder)?;
        let mut asked = self.scope.ask(context)?;
        let (reviews, left_out) = self.reviews(&mut asked, context)?;
        let threads = self.jobs.threads();
        let names: Vec<String> = reviews.iter().map(|review| review.domain.clone()).collect();
        let mut changes = asked.question().changes_of_each(&names, 0)?;
        let ask = |at: usize| DomainAnswers::of(&asked, &reviews[at], changes[at].take());
        let made = parallel::begin_and_finish(threads, reviews.len(), ask, |at, answers| answers.pages(&reviews[at]))?;
        let made = made.into_iter().collect::<std::io::Result<Vec<DomainPages>>>()?;
        let domains = reviews.iter().zip(&made).map(|(review, made)| SiteDomain { review, pages: &made.names });
        let domains: Vec<SiteDomain<'_>> = domains.collect();
        let question = asked.question();
        let tls = answer::tls(question.store, question.window, question.domains, question.now)?;
        let first = site_index(&domains, left_out, tls.as_ref().map(|tls| (tls, TLS)));
        let mut pages: Vec<Page> = made.into_iter().flat_map(|made| made.pages).collect();
        if let Some(tls) = &tls {
            pages.push(Page::of(TLS.to_owned(), &tls_page(tls))?);
        }
        pages.push(Page::of(FIRST.to_owned(), &first)?);
        write(folder, &former, &pages, threads)?;
        let (pages, domains) = (plural(pages.len() as u64, "page"), plural(reviews.len() as u64, "domain"));
        let said = format!("{pages} on {domains} written to {}", folder.display());
        if !context.quiet {
            writeln!(context.out(), "{}", crate::sanitize::sanitize(&said))?;
        }
        Ok(asked.status)
    }

    /// The reviews of the domains with most mail, worst first, and how many domains have none.
    fn reviews(&self, asked: &mut Asked, context: &Context) -> Result<(Vec<Review>, usize), Failure> {
        let mut messages: BTreeMap<String, u64> = BTreeMap::new();
        for total in asked.store.day_totals(asked.window.first, asked.window.last)? {
            if is_among(&total.domain, &asked.domains) {
                let sum = messages.entry(total.domain).or_default();
                *sum = sum.saturating_add(total.totals.messages);
            }
        }
        if messages.is_empty() {
            return Err(self.scope.no_data(&asked.store, asked.window));
        }
        let left_out = messages.len().saturating_sub(MOST_DOMAINS);
        let mut names: Vec<(String, u64)> = messages.into_iter().collect();
        // The sort is stable, and the names are in order.
        names.sort_by_key(|&(_, messages)| Reverse(messages));
        let names: Vec<String> = names.into_iter().take(MOST_DOMAINS).map(|(domain, _)| domain).collect();
        let genuine = Genuine::of(&asked.store, asked.window, &asked.domains, None)?;
        asked.store.leave_out_unchecked(genuine.unchecked_left_out);
        let how = Reviewing {
            target: self.target.into(),
            thresholds: &context.config.readiness,
            genuine: &genuine,
            threads: self.jobs.threads(),
        };
        let reviews = asked.question().reviews(|_| names, &how, |_| Ok::<_, Failure>(None));
        // Other answers count what reviews leave out.
        asked.store.leave_out_unchecked(false);
        let mut reviews = reviews?;
        reviews.sort_by(|a, b| (a.verdict, b.impact.messages).cmp(&(b.verdict, a.impact.messages)));
        Ok((reviews, left_out))
    }
}

/// A page as it is written.
struct Page {
    name: String,
    html: Vec<u8>,
}

impl Page {
    fn of(name: String, document: &Document) -> std::io::Result<Self> {
        let mut html = Vec::new();
        write_page(document, &mut html)?;
        Ok(Page { name, html })
    }
}

/// The pages of a domain.
struct DomainPages {
    /// What they are called in the first page, and their files.
    names: Vec<(&'static str, String)>,
    pages: Vec<Page>,
}

/// What the pages of a domain tell, beside its review.
struct DomainAnswers {
    names: PageNames,
    changes: Option<ChangesAnswer>,
    /// Where there are reports.
    found: Option<Found>,
}

/// The paths of a domain, and those with a page of their own; and the page on its keys, of which anybody can make up tens of thousands.
struct Found {
    paths: PathsFound,
    explained: Vec<ExplainAnswer>,
    keys: Page,
}

impl DomainAnswers {
    fn of(asked: &Asked, review: &Review, changes: Option<ChangesAnswer>) -> Result<Self, Failure> {
        let domain = [review.domain.clone()];
        let look = Question { domains: &domain, ..asked.question() }.look()?;
        let names = PageNames::of(&review.domain, look.is_some(), changes.is_some());
        let found = look.map(|look| Found::of(look, &names)).transpose()?;
        Ok(DomainAnswers { names, changes, found })
    }

    fn pages(self, review: &Review) -> std::io::Result<DomainPages> {
        let DomainAnswers { names, changes, found } = self;
        let (paths, explained, keys) = match found {
            Some(Found { paths, explained, keys }) => (Some(paths), explained, Some(keys)),
            None => (None, Vec::new(), None),
        };
        let page_of = |id: &str| explained.iter().any(|one| one.path.id == id).then(|| path_page(id));
        let mut pages = vec![names.page("review", review.document(), &page_of)?];
        if let Some(found) = &paths {
            let mut document = PathsAnswer { found, unsigned: false, all: true }.document();
            document.extend(site_pictures(review, &explained));
            pages.push(names.page("paths", document, &page_of)?);
        }
        pages.extend(keys);
        if let Some(found) = changes {
            pages.push(names.page("changes", found.document(), &page_of)?);
        }
        for one in &explained {
            pages.push(names.named(path_page(&one.path.id), "", one.document(), &page_of)?);
        }
        Ok(DomainPages { names: names.parts, pages })
    }
}

/// What the page on a path is called.
fn path_page(id: &str) -> String {
    format!("path-{id}.html")
}

/// What the pages of a domain are called, by which they name each other.
struct PageNames {
    domain: String,
    parts: Vec<(&'static str, String)>,
}

impl PageNames {
    fn of(domain: &str, has_reports: bool, has_changes: bool) -> Self {
        let stem = stem(domain);
        let parts = [("review", true), ("paths", has_reports), ("keys", has_reports), ("changes", has_changes)];
        let there = parts.into_iter().filter(|(_, is_there)| *is_there).map(|(part, _)| part);
        let file = |part: &str| if part == "review" { format!("{stem}.html") } else { format!("{stem}-{part}.html") };
        PageNames { domain: domain.to_owned(), parts: there.map(|part| (part, file(part))).collect() }
    }

    /// The page on a part; `page_of` names the page of a path by its id.
    fn page(&self, part: &str, content: Document, page_of: &impl Fn(&str) -> Option<String>) -> std::io::Result<Page> {
        let file = self.parts.iter().find(|(known, _)| *known == part).map(|(_, file)| file.clone());
        self.named(file.unwrap_or_default(), part, content, page_of)
    }

    fn named(
        &self,
        name: String,
        current: &str,
        content: Document,
        page_of: &impl Fn(&str) -> Option<String>,
    ) -> std::io::Result<Page> {
        let mut links = vec![Text::link("All domains", FIRST), Text::plain(format!("{}:", self.domain))];
        links.extend(
            self.parts.iter().map(
                |(part, page)| {
                    if *part == current { Text::plain(*part) } else { Text::link(*part, page.clone()) }
                },
            ),
        );
        let mut document = Document::default();
        document.links(links);
        document.extend(content);
        document.link_cells("ID", page_of);
        Page::of(name, &document)
    }
}

impl Found {
    fn of(mut look: Look<'_>, names: &PageNames) -> Result<Self, Failure> {
        let paths = look.paths("dmarcstat/sources/2", 0, Wanted::All)?;
        let (unknown, named): (Vec<_>, Vec<_>) = paths.paths.iter().partition(|path| path.role.is_nobodys());
        let places: Vec<usize> = named.into_iter().chain(unknown).take(MOST_PATHS).map(|path| path.figures).collect();
        let explained = look.explain_each(&places)?;
        let keys = look.selectors(KeyChoice { others: false, min_messages: 0 }, false)?;
        let page_of = |id: &str| explained.iter().any(|one| one.path.id == id).then(|| path_page(id));
        let keys = names.page("keys", keys.document(), &page_of)?;
        Ok(Found { paths, explained, keys })
    }
}

/// The page on TLS, which is about all domains.
fn tls_page(tls: &TlsAnswer) -> Document {
    let mut document = Document::default();
    document.links(vec![Text::link("All domains", FIRST), Text::plain("TLS")]);
    document.extend(tls.document());
    document
}

/// The beginning of a domain's file names: the domain, unless it is one that a file system or an address may take for something else.
fn stem(domain: &str) -> String {
    const LONGEST: usize = 120;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
    let is_plain =
        domain.len() <= LONGEST && domain.chars().all(plain) && domain.starts_with(|c: char| c.is_ascii_alphanumeric());
    if is_plain { format!("domain-{domain}") } else { format!("domain-{}", &hex(&Sha256::digest(domain))[..24]) }
}

/// The files that a former run wrote.
///
/// # Errors
/// The folder holds something else.
fn former(folder: &Path) -> Result<BTreeSet<String>, Failure> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(error) => {
            let error = folders::explained(error, folder);
            return Err(anyhow!(error).context(format!("cannot use {}", folder.display())).into());
        }
    };
    let listed = std::fs::read_to_string(folder.join(LIST)).unwrap_or_default();
    let listed: BTreeSet<String> = listed.lines().map(str::to_owned).collect();
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read {}", folder.display()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // What a run that was stopped left half written has a name of its own.
        let ours = name == LIST || listed.contains(&name) || name.starts_with(".dmarcstat-");
        if !ours || entry.path().is_dir() {
            return Err(Failure::Failed(anyhow!(
                "{} holds {name:?}, which `dmarcstat site` did not write: name a folder of its own",
                folder.display()
            )));
        }
    }
    Ok(listed)
}

/// Writes the pages, `threads` at once and the first one last, and removes what a former run wrote and this one did not.
fn write(folder: &Path, former: &BTreeSet<String>, pages: &[Page], threads: NonZero<usize>) -> Result<(), Failure> {
    folders::make(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let names: BTreeSet<String> = pages.iter().map(|page| page.name.clone()).collect();
    let list = |names: &mut dyn Iterator<Item = &String>| names.map(|name| format!("{name}\n")).collect::<String>();
    // Known to be ours before they are there, so that a run that is stopped does not stand in the way of the next.
    let both = list(&mut former.union(&names));
    write_whole(&folder.join(LIST), |out| out.write_all(both.as_bytes()))?;
    let put = |page: &Page| write_whole(&folder.join(&page.name), |out| out.write_all(&page.html));
    if let Some((first, others)) = pages.split_last() {
        let written = parallel::map_large(threads, others.len(), |at| put(&others[at]));
        written.into_iter().collect::<anyhow::Result<()>>()?;
        put(first)?;
    }
    for name in former.difference(&names).filter(|name| !name.contains(['/', '\\'])) {
        match std::fs::remove_file(folder.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(anyhow!(error).context(format!("cannot remove {}", folder.join(name).display())).into());
            }
            _ => {}
        }
    }
    let now = list(&mut names.iter());
    Ok(write_whole(&folder.join(LIST), |out| out.write_all(now.as_bytes()))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_domain_names_a_file_elsewhere() {
        assert_eq!(stem("example.com"), "domain-example.com");
        for odd in ["../x", "a/b", ".hidden", "", "a\\b", "A.example", &"a".repeat(300), "con:", "x\u{202e}y"] {
            let stem = stem(odd);
            assert!(stem.len() == 31 && stem.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "{odd}: {stem}");
        }
    }
}
