//! Which mail is read, and that it is read once.

use std::time::{Duration, SystemTime};

use super::account::{Account, configure, fetch, fetch_from};
use super::dovecot::{Dovecot, Namespace};
use super::{other_mail, report_mail, reports};
use crate::harness::Sandbox;

/// Folders by their names on the disk and to the user.
const ODD: [(&str, &str); 9] = [
    ("", "INBOX"),
    ("Junk", "Junk"),
    ("Reports.2025", "Reports/*"),
    ("Reports.2026.Q1", "Reports/*"),
    ("Pr&APw-fberichte", "Prüfberichte"),
    ("&ZeVnLIqe-", "日本語"),
    ("Two words", "Two words"),
    ("It's \"quoted\" \\ here", "It's \"quoted\" \\ here"),
    ("Fish &- chips", "Fish & chips"),
];

#[test]
fn folders_with_odd_names_in_every_namespace() {
    let Some(dovecot) = Dovecot::shared() else { return };
    for namespace in [Namespace::Dot, Namespace::Slash, Namespace::BelowInbox] {
        let user = dovecot.user("odd", namespace);
        for (number, (on_disk, _)) in ODD.iter().enumerate() {
            user.create(on_disk);
            user.deliver(on_disk, &report_mail(number));
        }
        user.create("Elsewhere");
        user.deliver("Elsewhere", &report_mail(100));
        user.create("ReportsOld");
        user.deliver("ReportsOld", &report_mail(101));
        let mut names: Vec<&str> = ODD.iter().map(|(_, name)| *name).collect();
        names.dedup();
        let sandbox = Sandbox::new();
        let answer = fetch_from(&sandbox, Account::of(&user).folders(&names)).exits(0).json();
        assert_eq!(reports(&answer), (ODD.len() as u64, 0), "{namespace:?}: {answer:#}");
        let again = fetch(&sandbox, &[]).exits(0).json();
        assert_eq!((reports(&again), &again["mails"]), ((0, 0), &0.into()), "{namespace:?}: {again:#}");
    }
}

#[test]
fn patterns_of_one_level_and_of_all() {
    let Some(dovecot) = Dovecot::shared() else { return };
    let user = dovecot.user("levels", Namespace::Slash);
    for (number, folder) in ["Reports.a", "Reports.b", "Reports.b.c"].into_iter().enumerate() {
        user.create(folder);
        user.deliver(folder, &report_mail(number));
    }
    for (pattern, found) in [("Reports/%", 2), ("Reports/*", 3), ("*", 3), ("Reports/b*", 2)] {
        let answer = fetch_from(&Sandbox::new(), Account::of(&user).folders(&[pattern])).exits(0).json();
        assert_eq!(reports(&answer), (found, 0), "{pattern}: {answer:#}");
    }
    // A folder that two patterns name is read once.
    let twice = Account::of(&user).folders(&["Reports/*", "Reports/b", "*"]);
    assert_eq!(reports(&fetch_from(&Sandbox::new(), twice).exits(0).json()), (3, 0));
}

#[test]
fn a_missing_folder_is_named_and_the_others_are_read() {
    let Some(dovecot) = Dovecot::shared() else { return };
    let user = dovecot.user("missing", Namespace::Dot);
    user.deliver("", &report_mail(1));
    let sandbox = Sandbox::new();
    let ran = fetch_from(&sandbox, Account::of(&user).folders(&["Nowhere", "INBOX"]));
    let ran = ran.exits(3).says("Nowhere").says("rua");
    assert_eq!(reports(&ran.json()), (1, 0), "{ran}");
}

#[test]
fn a_changed_uidvalidity_means_reading_again_and_only_duplicates() {
    let Some(dovecot) = Dovecot::shared() else { return };
    let (sandbox, user) = (Sandbox::new(), dovecot.user("validity", Namespace::Dot));
    (0..5).for_each(|number| drop(user.deliver("", &report_mail(number))));
    assert_eq!(reports(&fetch_from(&sandbox, Account::of(&user)).exits(0).json()), (5, 0));
    user.change_uid_validity("");
    user.deliver("", &report_mail(5));
    assert_eq!(reports(&fetch(&sandbox, &[]).exits(0).json()), (1, 5));
    assert_eq!(reports(&fetch(&sandbox, &[]).exits(0).json()), (0, 0));
}

#[test]
fn the_seen_flag_is_neither_believed_nor_set() {
    let Some(dovecot) = Dovecot::shared() else { return };
    let (sandbox, user) = (Sandbox::new(), dovecot.user("seen", Namespace::Dot));
    let read = user.deliver("", &report_mail(1));
    // Somebody has looked at the first with another program.
    let name = format!("{}:2,S", read.file_name().unwrap().to_string_lossy());
    std::fs::rename(&read, user.folder("").join("cur").join(name)).unwrap();
    user.deliver("", &report_mail(2));
    user.deliver("", &other_mail("lunch"));
    user.trace();
    let answer = fetch_from(&sandbox, Account::of(&user)).exits(0).json();
    assert_eq!((reports(&answer), &answer["other"]["not_a_report"]), ((2, 0), &1.into()), "{answer:#}");
    let flags: Vec<(String, String)> = user.mails().into_iter().map(|mail| (mail.id, mail.flags)).collect();
    let as_before =
        [("lunch@example.com", ""), ("report-1@mailhaven.example", "S"), ("report-2@mailhaven.example", "")];
    assert_eq!(flags, as_before.map(|(id, flags)| (id.to_owned(), flags.to_owned())));
    let commands = user.commands();
    for wrong in ["EXAMINE", "STORE", "EXPUNGE", "COPY", "MOVE", "BODY[", "RFC822 "] {
        let found = commands.iter().find(|line| line.to_ascii_uppercase().contains(wrong));
        assert!(found.is_none(), "with keep the mailbox is to be left alone: {found:?}");
    }
    assert!(commands.iter().any(|line| line.starts_with("SELECT")), "{commands:#?}");
}

#[test]
fn a_first_run_can_be_limited() {
    let Some(dovecot) = Dovecot::shared() else { return };
    let (sandbox, user) = (Sandbox::new(), dovecot.user("since", Namespace::Dot));
    let day = Duration::from_secs(86_400);
    user.deliver_at("", &report_mail(1), SystemTime::now() - 100 * day);
    user.deliver_at("", &report_mail(2), SystemTime::now() - 10 * day);
    user.deliver("", &report_mail(3));
    configure(&sandbox, &[Account::of(&user)]);
    assert_eq!(reports(&fetch(&sandbox, &["--since", "30d"]).exits(0).json()), (2, 0));
    assert_eq!(reports(&fetch(&sandbox, &["--since", "30d"]).exits(0).json()), (0, 0));
}

#[test]
fn mail_too_large_is_recorded_and_not_loaded() {
    let Some(dovecot) = Dovecot::shared() else { return };
    let (sandbox, user) = (Sandbox::new(), dovecot.user("large", Namespace::Dot));
    user.deliver("", &report_mail(1));
    let mut large = report_mail(2);
    large.extend(std::iter::repeat_n(b"filling up the mail with nothing at all\n", 10_000).flatten());
    user.deliver("", &large);
    user.deliver("", &report_mail(3));
    user.trace();
    configure(&sandbox, &[Account::of(&user)]);
    let path = sandbox.home().join("config/dmarcstat/config.toml");
    let config = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{config}\n[limits]\nmessage = 100000\n")).unwrap();
    let ran = fetch(&sandbox, &[]).exits(3).says("INBOX;UID=2");
    let answer = ran.json();
    assert_eq!(reports(&answer), (2, 0), "{answer:#}");
    let recorded = serde_json::to_string(&answer["quarantined"]).unwrap();
    assert!(recorded.contains("INBOX;UID=2"), "{answer:#}");
    // Nothing of it comes again.
    let again = fetch(&sandbox, &[]).exits(0).json();
    assert_eq!(again["inputs"], 0, "{again:#}");
}

#[test]
fn bytes_that_mail_should_not_have() {
    let Some(dovecot) = Dovecot::shared() else { return };
    let (sandbox, user) = (Sandbox::new(), dovecot.user("bytes", Namespace::Dot));
    let mut mail = b"X-Odd: \xff\xfe caf\xe9 \0 end\nX-Long: ".to_vec();
    mail.extend(std::iter::repeat_n(b'x', 70_000));
    mail.push(b'\n');
    mail.extend(report_mail(1));
    mail.extend(b"\0\x80\xff\r\r\n\0 {5}\r\n* BYE\r\na1 OK\r\n)\r\n");
    user.deliver("", &mail);
    user.deliver("", b"");
    user.deliver("", b"\n\n\n");
    user.deliver("", b"From: nobody");
    user.deliver("", &report_mail(2));
    let answer = fetch_from(&sandbox, Account::of(&user)).exits(0).json();
    assert_eq!((reports(&answer), &answer["mails"]), ((2, 0), &5.into()), "{answer:#}");
    assert_eq!(reports(&fetch(&sandbox, &[]).exits(0).json()), (0, 0));
}
