//! What is remembered of mail on servers, tried.

use super::*;

fn set(text: &str) -> UidSet {
    text.parse().unwrap()
}

#[test]
fn done_and_pending_are_written_with_the_batch_or_not_at_all() {
    let mut store = Store::in_memory().unwrap();
    let id = store.mailbox("rua@h", "INBOX", 7, 1).unwrap().id;
    let mut writer = store.writer(true, 1);
    writer.settle(id, 3, None).unwrap();
    writer.abandon();
    writer.settle(id, 4, Some("report")).unwrap();
    writer.settle(id, 5, None).unwrap();
    writer.commit().unwrap();
    drop(writer);
    let mailbox = store.mailbox("rua@h", "INBOX", 7, 2).unwrap();
    assert_eq!((mailbox.done, mailbox.replaced), (set("4:5"), false));
    let pending = store.pending_mail(id).unwrap();
    assert_eq!(pending, [PendingMail { uid: 4, outcome: "report".to_owned(), copying: None }]);
    let copying = Copying { folder: "Done".to_owned(), uid_validity: 1, uid_next: 9, done: false };
    store.note_copying(id, &set("4"), Some(&copying)).unwrap();
    assert_eq!(store.pending_mail(id).unwrap()[0].copying.as_ref(), Some(&copying));
    store.tidied(id, &set("1:9")).unwrap();
    assert!(store.pending_mail(id).unwrap().is_empty());
}

#[test]
fn another_uidvalidity_is_another_mailbox() {
    let mut store = Store::in_memory().unwrap();
    let first = store.mailbox("rua@h", "INBOX", 7, 1).unwrap();
    store.pass_over(first.id, &set("1:100"), 20_000).unwrap();
    let mut writer = store.writer(true, 1);
    writer.settle(first.id, 101, Some("report")).unwrap();
    writer.commit().unwrap();
    drop(writer);
    let second = store.mailbox("rua@h", "INBOX", 8, 2).unwrap();
    assert!(second.replaced && second.done.is_empty() && second.since == Some(20_000), "{second:?}");
    assert!(store.pending_mail(first.id).unwrap().is_empty());
    let positions = store.mailbox_positions("rua@h").unwrap();
    assert_eq!(positions.iter().map(|one| (one.uid_validity, one.last_uid)).collect::<Vec<_>>(), [(8, 0)]);
    // And back again: what was read then is still known.
    assert_eq!(store.mailbox("rua@h", "INBOX", 7, 3).unwrap().done, set("1:101"));
    assert_eq!(store.take_up_passed(first.id).unwrap(), set("101"));
    assert_eq!(store.mailbox("rua@h", "INBOX", 7, 3).unwrap().since, None);
}

#[test]
fn an_account_keeps_its_last_success_and_its_last_error() {
    let mut store = Store::in_memory().unwrap();
    store.note_account_run("rua@h", "rua", 1, true, None).unwrap();
    store.note_account_run("rua@h", "rua", 2, false, Some("refused")).unwrap();
    let run = store.account_run("rua@h").unwrap().unwrap();
    assert_eq!((run.last_run, run.last_success, run.last_error), (2, Some(1), Some((2, "refused".to_owned()))));
    assert_eq!(store.account_run("other").unwrap(), None);
}
