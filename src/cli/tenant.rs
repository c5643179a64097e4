//! `--tenant`: an answer for one of many owners, as if there were no others.
//!
//! The configuration becomes that of the tenant before anything is asked ([`Config::of_tenant`](crate::config::Config::of_tenant)), so
//! that no command has to think of it. What is about the database as a whole (`check`, `quarantine`, `fetch` …) has no such option.

use clap::{Arg, ArgMatches};

use super::context::Context;
use super::failure::{Failure, Outcome, Status, say};
use crate::config::Tenant;

/// The commands that answer about domains.
pub(super) const OF_TENANTS: [&str; 15] = [
    "unsigned",
    "sources",
    "explain",
    "readiness",
    "changes",
    "selectors",
    "tls",
    "digest",
    "dns",
    "inspect",
    "reports",
    "export",
    "sql",
    "metrics",
    "site",
];

const ID: &str = "of_tenant";

/// The option.
pub(super) fn option() -> Arg {
    Arg::new(ID)
        .long("tenant")
        .value_name("NAME")
        .help("Answer for this tenant alone, as if there were no other ([[tenant]] in the configuration)")
        .help_heading(super::data::HEADING)
}

/// The tenant that was named.
pub(super) fn named(matches: &ArgMatches) -> Option<String> {
    let (_, of_command) = matches.subcommand()?;
    of_command.try_get_one::<String>(ID).ok().flatten().cloned()
}

/// Does something for every tenant of the configuration, as that tenant. Where it fails for some, that is said, and is the failure of all
/// only where it failed for all.
pub(super) fn each_tenant(context: &mut Context, mut act: impl FnMut(&Tenant, &mut Context) -> Outcome) -> Outcome {
    let tenants = context.config.tenants.clone();
    let (mut worst, mut done) = (Status::Done, 0);
    for (at, tenant) in tenants.iter().enumerate() {
        match context.as_tenant(&tenant.name, |context| act(tenant, context)) {
            Ok(status) => {
                done += 1;
                worst = worst.max(status);
            }
            Err(Failure::Failed(error)) if done > 0 || at + 1 < tenants.len() => {
                say(&format!("dmarcstat: {}: {error:#}", tenant.name));
                worst = Status::Partly;
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(worst)
}
