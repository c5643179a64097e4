//! What becomes of mail once it is in the database: kept, marked, moved, deleted; and of nothing else.

use std::os::unix::fs::PermissionsExt;

use imap::types::Flag;

use super::account::{Account, configure, fetch, fetch_from};
use super::client;
use super::dovecot::{Dovecot, GOOD, Namespace, User, WITHOUT_MOVE, WITHOUT_UIDPLUS};
use super::{broken_mail, other_mail, report_mail, reports};
use crate::harness::Sandbox;

/// One mail of each kind, and one that somebody else has marked for deletion and that must not go.
fn user_with_mail<'a>(dovecot: &'a Dovecot, name: &str, namespace: Namespace) -> User<'a> {
    let user = dovecot.user(name, namespace);
    user.deliver("", &report_mail(1));
    user.deliver("", &broken_mail("broken"));
    user.deliver("", &other_mail("lunch"));
    let marked = user.deliver("", &other_mail("bystander"));
    let name = format!("{}:2,T", marked.file_name().unwrap().to_string_lossy());
    std::fs::rename(&marked, user.folder("").join("cur").join(name)).unwrap();
    user
}

/// Folder, first word of the id, and flags of each mail.
fn places(user: &User<'_>) -> Vec<(String, String, String)> {
    let short = |id: &str| id.split('@').next().unwrap_or("").to_owned();
    user.mails().into_iter().map(|mail| (mail.folder, short(&mail.id), mail.flags)).collect()
}

#[track_caller]
fn expect(user: &User<'_>, expected: &[(&str, &str, &str)], what: &str) {
    let expected: Vec<(String, String, String)> =
        expected.iter().map(|(folder, id, flags)| (folder.to_string(), id.to_string(), flags.to_string())).collect();
    assert_eq!(places(user), expected, "{what}");
}

const BYSTANDER: (&str, &str, &str) = ("", "bystander", "T");
const BROKEN: (&str, &str, &str) = ("", "broken", "");
const LUNCH: (&str, &str, &str) = ("", "lunch", "");

#[test]
fn only_mail_whose_reports_are_stored_is_touched() {
    let Some(dovecot) = Dovecot::shared() else { return };
    for face in [GOOD, WITHOUT_MOVE] {
        for (after, report) in [
            ("keep", Some(("", "report-1", ""))),
            ("seen", Some(("", "report-1", "S"))),
            ("move:Done", Some(("Done", "report-1", ""))),
            ("delete", None),
        ] {
            let (sandbox, user) = (Sandbox::new(), user_with_mail(dovecot, "after", Namespace::Dot));
            user.trace();
            let account = Account::of(&user).set("after", after).set("host", face).set("tls", "none");
            let ran = fetch_from(&sandbox, account.set("port", i64::from(dovecot.imap))).exits(3);
            assert_eq!(reports(&ran.json()), (1, 0), "{face} {after}\n{ran}");
            let mut expected = vec![BROKEN, BYSTANDER, LUNCH];
            expected.extend(report);
            expected.sort_unstable();
            expect(&user, &expected, &format!("{face}, {after}"));
            let commands = user.commands();
            let wrong = |line: &&String| {
                let line = line.to_ascii_uppercase();
                line.starts_with("EXPUNGE") || line.starts_with("CLOSE") || (face != GOOD && line.contains("MOVE"))
            };
            assert!(!commands.iter().any(|line| wrong(&line)), "{face} {after}: {commands:#?}");
            let again = fetch(&sandbox, &[]).exits(0).json();
            assert_eq!(again["inputs"], 0, "{face} {after}: {again:#}");
            expect(&user, &expected, &format!("{face}, {after}, again"));
        }
    }
}

#[test]
fn without_uidplus_nothing_of_others_goes() {
    let Some(dovecot) = Dovecot::shared() else { return };
    for after in ["move:Done", "delete"] {
        let (sandbox, user) = (Sandbox::new(), user_with_mail(dovecot, "poor", Namespace::Dot));
        user.trace();
        let account = Account::of(&user).set("after", after).set("host", WITHOUT_UIDPLUS).set("tls", "none");
        let ran = fetch_from(&sandbox, account.set("port", i64::from(dovecot.imap)));
        assert_eq!(reports(&ran.json()), (1, 0), "{after}\n{ran}");
        // A plain EXPUNGE would take the bystander along.
        let commands = user.commands();
        let plain = commands.iter().find(|line| ["EXPUNGE", "CLOSE"].iter().any(|word| line.starts_with(word)));
        assert!(plain.is_none(), "{after}: {plain:?}");
        assert!(places(&user).contains(&("".to_owned(), "bystander".to_owned(), "T".to_owned())), "{after}");
        assert!(places(&user).iter().filter(|mail| mail.1 == "report-1" && mail.2 != "T").count() <= 1, "{after}");
        let before = places(&user);
        let again = fetch(&sandbox, &[]);
        assert_eq!(reports(&again.json()), (0, 0), "{after}\n{again}");
        assert_eq!(places(&user), before, "{after}: a second run changes nothing");
    }
}

#[test]
fn each_outcome_has_its_own_end() {
    let Some(dovecot) = Dovecot::shared() else { return };
    for namespace in [Namespace::Dot, Namespace::Slash, Namespace::BelowInbox] {
        let (sandbox, user) = (Sandbox::new(), user_with_mail(dovecot, "each", namespace));
        let account = Account::of(&user)
            .set("after", "move:Archive/Läufe 2026")
            .set("after_quarantined", "move:Bad")
            .set("after_other", "delete");
        let ran = fetch_from(&sandbox, account).exits(3);
        assert_eq!(reports(&ran.json()), (1, 0), "{ran}");
        let expected = [("Archive.L&AOQ-ufe 2026", "report-1", ""), ("Bad", "broken", "")];
        expect(&user, &expected, &format!("{namespace:?}"));
    }
}

#[test]
fn a_duplicate_is_stored_already_and_goes_too() {
    let Some(dovecot) = Dovecot::shared() else { return };
    let (sandbox, user) = (Sandbox::new(), dovecot.user("twice", Namespace::Dot));
    (0..2).for_each(|_| drop(user.deliver("", &report_mail(1))));
    let answer = fetch_from(&sandbox, Account::of(&user).set("after", "delete")).exits(0).json();
    assert_eq!((reports(&answer), user.count("")), ((1, 1), 0), "{answer:#}");
}

#[test]
fn what_could_not_be_moved_is_moved_by_the_next_run_and_not_read_again() {
    let Some(dovecot) = Dovecot::shared() else { return };
    let (sandbox, user) = (Sandbox::new(), dovecot.user("later", Namespace::Dot));
    (0..3).for_each(|number| drop(user.deliver("", &report_mail(number))));
    user.create("Done");
    let target = user.folder("Done");
    let close = |mode| {
        for folder in [target.clone(), target.join("cur"), target.join("new"), target.join("tmp")] {
            std::fs::set_permissions(folder, std::fs::Permissions::from_mode(mode)).unwrap();
        }
    };
    close(0o500);
    configure(&sandbox, &[Account::of(&user).set("after", "move:Done")]);
    let ran = fetch(&sandbox, &["--retries", "0"]).exits(3).says("rua").says("INBOX");
    assert_eq!((reports(&ran.json()), user.count("")), ((3, 0), 3), "{ran}");
    close(0o700);
    let again = fetch(&sandbox, &[]).exits(0).json();
    assert_eq!((&again["reports"]["duplicate"], &again["reports"]["new"]), (&0.into(), &0.into()), "{again:#}");
    assert_eq!((user.count(""), user.count("Done")), (0, 3));
}

#[test]
fn a_mailbox_that_can_only_be_read() {
    let Some(dovecot) = Dovecot::shared() else { return };
    let (sandbox, user) = (Sandbox::new(), dovecot.user("readonly", Namespace::Dot));
    user.deliver("", &report_mail(1));
    // The server has seen it, so that it lies where it will lie.
    fetch_from(&Sandbox::new(), Account::of(&user)).exits(0);
    user.make_read_only("");
    assert_eq!(reports(&fetch_from(&Sandbox::new(), Account::of(&user)).exits(0).json()), (1, 0));
    let ran = fetch_from(&sandbox, Account::of(&user).set("after", "delete")).exits(3).says("read-only");
    assert_eq!((reports(&ran.json()), user.count("")), ((1, 0), 1), "{ran}");
    let again = fetch(&sandbox, &[]).json();
    assert_eq!((reports(&again), user.count("")), ((0, 0), 1), "{again:#}");
}

#[test]
fn another_mail_program_sees_what_it_should() {
    let Some(dovecot) = Dovecot::shared() else { return };
    for (after, left, done) in [
        ("keep", &[("bystander", "\\Deleted"), ("read", "\\Seen"), ("report-1", ""), ("report-2", "")][..], None),
        (
            "seen",
            &[("bystander", "\\Deleted"), ("read", "\\Seen"), ("report-1", "\\Seen"), ("report-2", "\\Seen")],
            None,
        ),
        ("move:Done", &[("bystander", "\\Deleted"), ("read", "\\Seen")], Some(&["report-1", "report-2"])),
        ("delete", &[("bystander", "\\Deleted"), ("read", "\\Seen")], None),
    ] {
        let (sandbox, user) = (Sandbox::new(), dovecot.user("other", Namespace::BelowInbox));
        let mut client = client::log_in(&user);
        let folder = "INBOX.Reports &- more";
        client.create(folder).unwrap();
        client.append(folder, &report_mail(1)).finish().unwrap();
        client.append(folder, &other_mail("read")).flag(Flag::Seen).finish().unwrap();
        client.append(folder, &other_mail("bystander")).flag(Flag::Deleted).finish().unwrap();
        client.append(folder, &report_mail(2)).finish().unwrap();
        let account = Account::of(&user).folders(&["Reports & more"]).set("after", after);
        // The other program keeps the folder open all the while.
        client.select(folder).unwrap();
        assert_eq!(reports(&fetch_from(&sandbox, account).exits(0).json()), (2, 0), "{after}");
        client.noop().unwrap();
        let owned = |ids: &[(&str, &str)]| -> Vec<(String, String)> {
            ids.iter().map(|(id, flags)| (id.to_string(), flags.to_string())).collect()
        };
        assert_eq!(client::look(&mut client, folder), owned(left), "{after}");
        if let Some(done) = done {
            assert_eq!(client::look(&mut client, "INBOX.Done"), owned(&done.map(|id| (id, ""))), "{after}");
        }
        client.logout().unwrap();
    }
}
