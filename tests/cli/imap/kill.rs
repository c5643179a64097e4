//! Killed at any moment and run again, a fetch ends in the database of one undisturbed run, and with every mail in
//! exactly one place on the server.
//!
//! `DMARCSTAT_TEST_KILLS` says how many rounds there are (30).

use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::account::{Account, configure, fetch, fetch_program};
use super::dovecot::{Dovecot, GOOD, Namespace, User, WITHOUT_MOVE};
use super::{broken_mail, other_mail, report_mail};
use crate::dump;
use crate::harness::{Sandbox, kills};
use crate::make::Dice;

/// Mails in a mailbox: more than one transaction and one batch take.
const MAILS: usize = 300;

const WAYS: [(&str, &str); 6] = [
    (GOOD, "keep"),
    (GOOD, "move:Done"),
    (GOOD, "delete"),
    (WITHOUT_MOVE, "move:Done"),
    (WITHOUT_MOVE, "delete"),
    (GOOD, "seen"),
];

fn mailbox<'a>(dovecot: &'a Dovecot, mails: &[Vec<u8>]) -> User<'a> {
    let user = dovecot.user("kill", Namespace::Dot);
    mails.iter().for_each(|mail| drop(user.deliver("", mail)));
    user
}

fn account(dovecot: &Dovecot, user: &User<'_>, (face, after): (&str, &str)) -> Account {
    Account::plain("rua", dovecot.imap, &user.name).set("host", face).set("after", after)
}

/// Folder, id and flags of every mail.
fn places(user: &User<'_>) -> Vec<(String, String, String)> {
    user.mails().into_iter().map(|mail| (mail.folder, mail.id, mail.flags)).collect()
}

/// What one undisturbed run leaves, and how long it takes.
struct Undisturbed {
    content: Vec<String>,
    places: Vec<(String, String, String)>,
    duration: Duration,
}

fn undisturbed(dovecot: &Dovecot, mails: &[Vec<u8>], way: (&str, &str)) -> Undisturbed {
    let (sandbox, user) = (Sandbox::new(), mailbox(dovecot, mails));
    configure(&sandbox, &[account(dovecot, &user, way)]);
    let began = Instant::now();
    fetch(&sandbox, &[]).exits(3);
    let duration = began.elapsed();
    Undisturbed { content: dump::content(&sandbox.db()), places: places(&user), duration }
}

/// One round; whether the run was really cut short.
fn round(dovecot: &Dovecot, mails: &[Vec<u8>], way: (&str, &str), expected: &Undisturbed, seed: u64) -> bool {
    let mut dice = Dice(seed);
    let (sandbox, user) = (Sandbox::new(), mailbox(dovecot, mails));
    configure(&sandbox, &[account(dovecot, &user, way)]);
    let mut cut = false;
    // Now and then the run that should mend it is killed too.
    for _ in 0..=dice.roll(2) {
        // Rounds run side by side, so each takes longer than one alone did.
        let delay = Duration::from_micros(dice.roll(expected.duration.as_micros() as u64 * 3 / 2));
        let mut command = fetch_program(&sandbox, &[]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
        std::thread::sleep(delay);
        child.kill().expect("a kill");
        cut |= child.wait().expect("an end").code().is_none();
    }
    let what = format!("{way:?}, seed {seed}");
    let ran = fetch(&sandbox, &[]);
    assert!([0, 3].contains(&ran.status), "{what}\n{ran}");
    assert_eq!(places(&user), expected.places, "{what}: every mail is in its one place\n{ran}");
    dump::assert_same(&expected.content, &dump::content(&sandbox.db()), &what);
    dump::assert_sound(&sandbox.db());
    cut
}

#[test]
fn kills_leave_no_trace_in_the_database_or_on_the_server() {
    let Some(dovecot) = Dovecot::shared() else { return };
    let mut mails: Vec<Vec<u8>> = (0..MAILS).map(report_mail).collect();
    mails.insert(MAILS / 2, broken_mail("broken"));
    mails.push(other_mail("lunch"));
    let expected: Vec<Undisturbed> = WAYS.iter().map(|way| undisturbed(dovecot, &mails, *way)).collect();
    let (next, cut) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let rounds = kills(30);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from).min(4) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= rounds {
                        return;
                    }
                    let way = number % WAYS.len();
                    let was_cut = round(dovecot, &mails, WAYS[way], &expected[way], number as u64);
                    cut.fetch_add(usize::from(was_cut), Ordering::Relaxed);
                }
            });
        }
    });
    let cut = cut.into_inner();
    eprintln!("{cut} of {rounds} cut short");
    assert!(cut * 3 >= rounds, "only {cut} of {rounds} runs were cut short");
}
