//! A mailbox that has been forgotten for years.

use super::account::{Account, configure, fetch, fetch_command};
use super::dovecot::{Dovecot, Namespace};
use super::{report_mail, reports};
use crate::harness::Sandbox;
use crate::measure::run_in_bounds;

#[test]
fn twenty_thousand_mails_and_then_nothing() {
    let Some(dovecot) = Dovecot::shared() else { return };
    let (sandbox, user) = (Sandbox::new(), dovecot.user("years", Namespace::Dot));
    (0..20_000).for_each(|number| drop(user.deliver("", &report_mail(number))));
    user.trace();
    configure(&sandbox, &[Account::of(&user)]);
    let ran = run_in_bounds(fetch_command(&sandbox, &[])).exits(0);
    assert_eq!(reports(&ran.json()), (20_000, 0), "{ran}");
    let commands = user.commands();
    let longest = commands.iter().map(String::len).max().unwrap_or(0);
    // RFC 7162, section 4, has clients keep below 8192 octets; some servers take no more than 1000 UIDs.
    assert!(longest < 8000, "a command of {longest} bytes");
    let bodies = commands.iter().filter(|line| line.contains("BODY.PEEK[]")).count();
    assert!((20..=2_000).contains(&bodies), "{bodies} batches for 20,000 mails");
    let again = fetch(&sandbox, &[]).exits(0).json();
    assert_eq!((reports(&again), &again["inputs"]), ((0, 0), &0.into()), "{again:#}");
    let more: Vec<String> = user.commands().split_off(commands.len());
    assert!(!more.iter().any(|line| line.contains("BODY.PEEK[]")) && more.len() < 20, "{more:#?}");
}
