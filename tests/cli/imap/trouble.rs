//! Fetching over a bad line, beside another run, and for a long time.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::account::{Account, configure, fetch, fetch_command, fetch_from, fetch_program};
use super::dovecot::{Dovecot, Namespace, User};
use super::proxy::{Fault, Proxy};
use super::{broken_mail, other_mail, report_mail, reports};
use crate::dump;
use crate::harness::{Ran, Sandbox};

const NO_DELAY: Duration = Duration::ZERO;

/// Some mail of every kind.
fn fill(user: &User<'_>, count: usize) {
    (0..count).for_each(|number| drop(user.deliver("", &report_mail(number))));
    user.deliver("", &broken_mail("broken"));
    user.deliver("", &other_mail("lunch"));
}

/// An account at a user's mailbox in plain text, over a line.
fn over(proxy: &Proxy, user: &User<'_>) -> Account {
    Account::plain("rua", proxy.port, &user.name)
}

/// What one undisturbed run over a line makes of a mailbox, and how much the server says in it.
fn undisturbed(dovecot: &Dovecot, user: &User<'_>) -> (Vec<String>, u64) {
    let sandbox = Sandbox::new();
    let proxy = Proxy::start(dovecot.imap, NO_DELAY, &[]);
    fetch_from(&sandbox, over(&proxy, user)).exits(3);
    (dump::content(&sandbox.db()), proxy.said())
}

/// Runs over a line whose connections have these faults, one after the other.
fn fetch_over(dovecot: &Dovecot, user: &User<'_>, faults: &[Option<Fault>]) -> (Sandbox, Proxy, Ran) {
    let sandbox = Sandbox::new();
    let proxy = Proxy::start(dovecot.imap, NO_DELAY, faults);
    configure(&sandbox, &[over(&proxy, user)]);
    let ran = Ran::of(fetch_command(&sandbox, &["--timeout", "2s"]));
    (sandbox, proxy, ran)
}

#[test]
fn a_line_that_is_cut_anywhere() {
    let Some(dovecot) = Dovecot::shared() else { return };
    let user = dovecot.user("cut", Namespace::Dot);
    fill(&user, 60);
    let (expected, said) = undisturbed(dovecot, &user);
    let cuts = (1..=8).map(|part| Fault::Cut(said * part / 9)).chain([Fault::Cut(30), Fault::CutClient(60)]);
    std::thread::scope(|scope| {
        for cut in cuts {
            let (user, expected) = (&user, &expected);
            scope.spawn(move || {
                let (sandbox, proxy, ran) = fetch_over(dovecot, user, &[Some(cut)]);
                let ran = ran.exits(3);
                assert_eq!(reports(&ran.json()), (60, 0), "{cut:?}\n{ran}");
                assert!(proxy.connections() >= 2, "{cut:?}: {} connections", proxy.connections());
                dump::assert_same(expected, &dump::content(&sandbox.db()), &format!("{cut:?}"));
            });
        }
    });
}

#[test]
fn a_line_that_is_cut_in_the_middle_of_moving() {
    let Some(dovecot) = Dovecot::shared() else { return };
    std::thread::scope(|scope| {
        // What the client says is short: this lies in the middle of it.
        for cut in [150, 220, 290, 360, 430] {
            scope.spawn(move || {
                let user = dovecot.user("cutmove", Namespace::Dot);
                fill(&user, 40);
                let sandbox = Sandbox::new();
                let proxy = Proxy::start(dovecot.imap, NO_DELAY, &[Some(Fault::CutClient(cut))]);
                let ran = fetch_from(&sandbox, over(&proxy, &user).set("after", "move:Done")).exits(3);
                assert_eq!(reports(&ran.json()), (40, 0), "{cut}\n{ran}");
                assert_eq!((user.count(""), user.count("Done")), (2, 40), "{cut}\n{ran}");
            });
        }
    });
}

#[test]
fn a_line_that_stalls() {
    let Some(dovecot) = Dovecot::shared() else { return };
    let user = dovecot.user("stall", Namespace::Dot);
    fill(&user, 60);
    let (expected, said) = undisturbed(dovecot, &user);
    let stalls = [20, said / 3, said - said / 5].map(Fault::Stall);
    let began = Instant::now();
    std::thread::scope(|scope| {
        for stall in stalls {
            let (user, expected) = (&user, &expected);
            scope.spawn(move || {
                let (sandbox, _, ran) = fetch_over(dovecot, user, &[Some(stall)]);
                assert_eq!(reports(&ran.exits(3).json()), (60, 0), "{stall:?}");
                dump::assert_same(expected, &dump::content(&sandbox.db()), &format!("{stall:?}"));
            });
        }
    });
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}

#[test]
fn a_line_that_garbles() {
    let Some(dovecot) = Dovecot::shared() else { return };
    let user = dovecot.user("garble", Namespace::Dot);
    fill(&user, 60);
    let (_, said) = undisturbed(dovecot, &user);
    // In plain text a garbled mail is what the server seems to say: there is no telling, but it must not do harm.
    std::thread::scope(|scope| {
        for part in 1..=8 {
            let user = &user;
            scope.spawn(move || {
                let garble = Fault::Garble(said * part / 9, 1 + part * part);
                let (sandbox, _, ran) = fetch_over(dovecot, user, &[Some(garble)]);
                assert!([0, 1, 3].contains(&ran.status), "{garble:?}\n{ran}");
                assert!(reports(&ran.json()).0 >= 50, "{garble:?}\n{ran}");
                dump::assert_sound(&sandbox.db());
            });
        }
    });
}

#[test]
fn a_line_that_garbles_what_is_encrypted() {
    let Some(dovecot) = Dovecot::shared() else { return };
    let user = dovecot.user("garbletls", Namespace::Dot);
    fill(&user, 60);
    let (expected, said) = undisturbed(dovecot, &user);
    std::thread::scope(|scope| {
        for garble in [said / 3, said / 2, said - said / 5].map(|at| Fault::Garble(at, 3)) {
            let (user, expected) = (&user, &expected);
            scope.spawn(move || {
                let sandbox = Sandbox::new();
                let proxy = Proxy::start(dovecot.imaps, NO_DELAY, &[Some(garble)]);
                let ran = fetch_from(&sandbox, Account::of(user).set("port", i64::from(proxy.port)));
                assert_eq!(reports(&ran.exits(3).json()), (60, 0), "{garble:?}");
                assert_eq!(proxy.connections(), 2, "{garble:?}");
                dump::assert_same(expected, &dump::content(&sandbox.db()), &format!("{garble:?}"));
            });
        }
    });
}

#[test]
fn a_line_that_is_cut_again_and_again_comes_to_an_end() {
    let Some(dovecot) = Dovecot::shared() else { return };
    let user = dovecot.user("endless", Namespace::Dot);
    fill(&user, 3);
    let sandbox = Sandbox::new();
    let proxy = Proxy::start(dovecot.imap, NO_DELAY, &[Some(Fault::Cut(10)); 100]);
    configure(&sandbox, &[over(&proxy, &user)]);
    let ran = fetch(&sandbox, &["--retries", "2"]).exits(1).says("rua");
    assert_eq!(proxy.connections(), 3, "{ran}");
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status().expect("kill runs");
    assert!(status.success());
}

/// Waits until something holds; a minute at most.
#[track_caller]
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what} does not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn two_runs_at_once() {
    let Some(dovecot) = Dovecot::shared() else { return };
    let user = dovecot.user("both", Namespace::Dot);
    fill(&user, 3);
    let sandbox = Sandbox::new();
    // The first is held up by its line for as long as the test needs it.
    let proxy = Proxy::start(dovecot.imap, NO_DELAY, &[Some(Fault::Stall(20))]);
    configure(&sandbox, &[over(&proxy, &user)]);
    let mut first = fetch_program(&sandbox, &["--timeout", "120s"]);
    let mut first = first.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
    wait_until("the first run", || proxy.said() > 0);
    fetch(&sandbox, &[]).exits(1).says("another");
    let began = Instant::now();
    fetch(&sandbox, &["--wait", "1s"]).exits(0).says("another");
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(proxy.connections(), 1, "the others must keep away from the server");
    // One that waits takes over when the first has gone.
    let mut waiting = fetch_program(&sandbox, &["--wait", "60s"]);
    let waiting = waiting.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    std::thread::sleep(Duration::from_millis(300));
    first.kill().expect("a kill");
    first.wait().expect("an end");
    let ran = Ran::from_output(waiting.wait_with_output().expect("output"), "the run that waited".to_owned());
    assert_eq!(reports(&ran.exits(3).json()), (3, 0));
}

#[test]
fn watching_until_told_to_stop() {
    let Some(dovecot) = Dovecot::shared() else { return };
    std::thread::scope(|scope| {
        for stop in ["-TERM", "-INT"] {
            scope.spawn(move || {
                let user = dovecot.user("watch", Namespace::Dot);
                user.deliver("", &report_mail(1));
                let sandbox = Sandbox::new();
                configure(&sandbox, &[Account::of(&user).set("after", "move:Done")]);
                let mut command = fetch_program(&sandbox, &["--watch"]);
                let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
                wait_until("the first mail", || user.folder("Done").is_dir() && user.count("Done") == 1);
                user.deliver("", &report_mail(2));
                wait_until("the second mail", || user.count("Done") == 2);
                signal(&child, stop);
                let began = Instant::now();
                let ran = Ran::from_output(child.wait_with_output().expect("output"), "fetch --watch".to_owned());
                assert_eq!(reports(&ran.exits(0).json()), (2, 0));
                assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
            });
        }
    });
}

#[test]
fn watching_survives_a_lost_line() {
    let Some(dovecot) = Dovecot::shared() else { return };
    let user = dovecot.user("watchcut", Namespace::Dot);
    user.deliver("", &report_mail(1));
    let sandbox = Sandbox::new();
    // A while of waiting, and then the line is gone with the first words about the new mail.
    let (_, said) = {
        let sandbox = Sandbox::new();
        let proxy = Proxy::start(dovecot.imap, NO_DELAY, &[]);
        fetch_from(&sandbox, over(&proxy, &user)).exits(0);
        ((), proxy.said())
    };
    let proxy = Proxy::start(dovecot.imap, NO_DELAY, &[Some(Fault::Cut(said + 20))]);
    configure(&sandbox, &[over(&proxy, &user).set("after", "seen")]);
    let mut command = fetch_program(&sandbox, &["--watch"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let seen = || user.mails().iter().filter(|mail| mail.flags.contains('S')).count();
    wait_until("the first mail", || seen() == 1);
    user.deliver("", &report_mail(2));
    wait_until("the second mail", || seen() == 2);
    assert!(proxy.connections() >= 2);
    signal(&child, "-TERM");
    let ran = Ran::from_output(child.wait_with_output().expect("output"), "fetch --watch".to_owned());
    assert_eq!(reports(&ran.exits(0).json()), (2, 0));
}
