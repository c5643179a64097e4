//! The walk: mails, their parts, and what they announce.

use std::borrow::Cow;
use std::sync::Arc;

use super::announce::{name_announces, subject_announces};
use super::entity::{before_following, begins_mail, parted};
use super::mbox::{Mail, Mails};
use super::multipart::Parts;
use super::scope::{Doubtful, Entry, Packed, Place, Scope, Source, Walk, part_of};
use super::sniff::{HEAD, Kind, sniff};
use super::{Part, Transfer, Visitor};
use crate::limits::{Budget, Cost, Limits};
use crate::mail::message::{emlx, header_start, with_plain_lines};
use crate::mail::{ContentFields, KnownFields};
use crate::rejection::{Rejection, RejectionCode};

/// What came of a walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walked {
    /// It was mail.
    pub is_mail: bool,
    /// Something was told to the visitor.
    pub found: bool,
    /// What it is, where nothing was found and a word on it helps.
    pub note: Option<&'static str>,
}

/// Walks an input to its end, or to that of its budget.
pub fn walk(entry: Entry<'_>, limits: &Limits, budget: &Budget, visitor: &mut dyn Visitor) -> Walked {
    let mut walk = Walk { limits, budget, visitor, entry, found: 0, parts: 0, stopped: false, note: None };
    let is_mail = walk.input();
    if !walk.stopped
        && let Some(code) = budget.exceeded()
    {
        walk.stop(code);
    }
    Walked { is_mail, found: walk.found > 0, note: walk.note }
}

/// What stands after the end of a mail, and is a mail again.
#[derive(Default)]
struct Following {
    /// Bytes at the end of the text that the mail was read from.
    length: usize,
    /// What stood after the last part of a body that had to be decoded.
    decoded: Option<Vec<u8>>,
}

impl Walk<'_> {
    /// Says whether the input was mail.
    fn input(&mut self) -> bool {
        let Entry { bytes, file_name, is_mail, envelope } = self.entry;
        let place = Place::default();
        let kind = sniff(&bytes[..bytes.len().min(HEAD)]);
        if is_mail || kind == Kind::Message {
            if bytes.is_empty() {
                self.note = Some("an empty mail");
            }
            self.mails(bytes, &place);
            self.settle_name(file_name, bytes);
            return true;
        }
        let mut scope = Scope { envelope: envelope.clone(), is_file: true, ..Scope::default() };
        self.attachment(&mut scope, &place, Source { bytes, file_name, lenient: false });
        self.tell_doubtful(&mut scope);
        kind == Kind::Emlx
    }

    /// A mail in a file whose name is a report's, of which nothing was found.
    fn settle_name(&mut self, file_name: Option<&str>, bytes: &Arc<Vec<u8>>) {
        if self.found == 0 && file_name.is_some_and(name_announces) {
            let part = Part { path: "", inner: "", envelope: self.entry.envelope, file_name, bytes, lenient: false };
            self.refuse(&part, Rejection::new(RejectionCode::NoReportFound));
        }
    }

    pub(super) fn refuse(&mut self, part: &Part<'_>, rejection: Rejection) {
        self.found += 1;
        self.visitor.refused(part, rejection);
    }

    /// Ends the walk for a limit of the whole input, which is kept whole.
    pub(super) fn stop(&mut self, code: RejectionCode) {
        if !self.stopped {
            self.stopped = true;
            let Entry { bytes, file_name, envelope, .. } = self.entry;
            let part = Part { path: "", inner: "", envelope, file_name, bytes, lenient: false };
            self.refuse(&part, Rejection::new(code));
        }
    }

    /// Ends the walk for a limit that a document met, which was refused itself. The input is kept beside it, unless it is
    /// that document.
    pub(super) fn stopped_within(&mut self, source: &Source<'_>, code: RejectionCode) {
        if Arc::ptr_eq(source.bytes, self.entry.bytes) {
            self.stopped = true;
        }
        self.stop(code);
    }

    /// Counts something against the budget; false when that ends the walk.
    pub(super) fn count(&mut self, cost: Cost) -> bool {
        if self.stopped {
            return false;
        }
        match self.budget.take(cost, 1) {
            Ok(()) => true,
            Err(code) => {
                self.stop(code);
                false
            }
        }
    }

    fn tell_doubtful(&mut self, scope: &mut Scope) {
        for doubtful in std::mem::take(&mut scope.doubtful) {
            let Doubtful { path, inner, file_name, bytes, rejection } = doubtful;
            let file_name = file_name.as_deref();
            let envelope = &scope.envelope;
            let part = Part { path: &path, inner: &inner, envelope, file_name, bytes: &bytes, lenient: false };
            self.refuse(&part, rejection);
        }
    }

    /// A mail within something else.
    pub(super) fn nested(&mut self, scope: &Scope, bytes: &Arc<Vec<u8>>, place: &Place) {
        if scope.not_ours {
            return;
        }
        if place.mails >= self.limits.message_depth {
            return self.stop(RejectionCode::LimitMessageDepth);
        }
        let place = Place { mails: place.mails + 1, multiparts: place.multiparts + 1, ..place.clone() };
        self.mails(bytes, &place);
    }

    /// The mails of a mailbox that lies within something else.
    pub(super) fn mailbox(&mut self, scope: &Scope, bytes: &[u8], place: &Place) {
        let mut mails = Mails::new(bytes, self.limits.message);
        let mut number = 0;
        // Reading memory never fails.
        while let Ok(Some(mail)) = mails.next_mail() {
            number += 1;
            let place = Place { path: format!("{}#{number}", place.path), ..place.clone() };
            match mail {
                Mail::Whole(bytes) => self.nested(scope, &Arc::new(bytes), &place),
                Mail::Oversized(head, _) => {
                    let envelope = &scope.envelope;
                    let bytes = Arc::new(head);
                    let part =
                        Part { path: &place.path, inner: "", envelope, file_name: None, bytes: &bytes, lenient: false };
                    self.refuse(&part, Rejection::new(RejectionCode::LimitMessage));
                }
            }
            if self.stopped {
                return;
            }
        }
    }

    /// A mail, and others that stand after its end, as when files are written one after the other into one stream. Each is
    /// read where it stands: what is after it may be many times as much.
    fn mails(&mut self, bytes: &Arc<Vec<u8>>, place: &Place) {
        let text = match emlx(bytes) {
            Some(mail) => Cow::Borrowed(mail),
            None => with_plain_lines(bytes),
        };
        let (mut left, mut as_it_came) = (vec![(text, 0)], Some(bytes));
        while let Some((text, at)) = left.pop() {
            let Following { length, decoded } = self.mail(&text[at..], as_it_came.take(), place);
            if self.stopped {
                return;
            }
            if length > 0 {
                let at = text.len() - length;
                let plain = match with_plain_lines(&text[at..]) {
                    Cow::Owned(plain) => Some(plain),
                    Cow::Borrowed(_) => None,
                };
                left.push(plain.map_or((text, at), |plain| (Cow::Owned(plain), 0)));
            }
            if let Some(decoded) = decoded {
                left.push((Cow::Owned(with_plain_lines(&decoded).into_owned()), 0));
            }
        }
    }

    /// One mail; what stands after its end, if that is a mail again. `as_it_came` are its bytes, unless it stands after
    /// another.
    fn mail(&mut self, text: &[u8], as_it_came: Option<&Arc<Vec<u8>>>, place: &Place) -> Following {
        if !self.count(Cost::Messages) {
            return Following::default();
        }
        let (fields, body) = KnownFields::read(&text[header_start(text)..]);
        let content = fields.content();
        let report_type = content.report_type.as_deref().unwrap_or("");
        let bounce =
            report_type == "delivery-status" || report_type == "disposition-notification" || fields.failed_recipients;
        let envelope = fields.envelope();
        let announced = !fields.auto_replied && envelope.subject.as_deref().is_some_and(subject_announces);
        let mut scope = Scope {
            bounce,
            may_be_bounce: content.kind.as_deref() == Some("multipart/report") && report_type.is_empty(),
            not_ours: bounce,
            tls_report: envelope.tls_report || report_type == "tlsrpt",
            announced,
            envelope,
            ..Scope::default()
        };
        let before = self.found;
        let length = self.entity(&mut scope, content, body, place, false);
        let following = Following { length, decoded: scope.behind.take() };
        if !self.stopped {
            let whole = as_it_came.filter(|_| length == 0).map(Arc::clone);
            let bytes = || whole.unwrap_or_else(|| Arc::new(text[..text.len() - length].to_vec()));
            self.settle(scope, bytes, place, before);
        }
        following
    }

    /// Tells what a mail that was walked comes to as a whole.
    fn settle(&mut self, mut scope: Scope, bytes: impl FnOnce() -> Arc<Vec<u8>>, place: &Place, before: usize) {
        // What a delivery-status report returns announces nothing, and its Subject is that of what it returns. A mail that is
        // none, and has such a part among others, returns nothing: it announces by its own Subject as any other.
        if self.found > before || scope.bounce {
            return;
        }
        // The type and the fields of a TLS report (RFC 8460 §5.3) announce it as a Subject does, and nothing else has them.
        let announced = scope.announced || scope.tls_report && !scope.failure_report;
        if announced && !scope.doubtful.is_empty() {
            return self.tell_doubtful(&mut scope);
        }
        if announced {
            let (path, envelope, bytes) = (&place.path, &scope.envelope, &bytes());
            let part = Part { path, inner: "", envelope, file_name: None, bytes, lenient: false };
            let code = if scope.encrypted { RejectionCode::EncryptedMail } else { RejectionCode::NoReportFound };
            self.refuse(&part, Rejection::new(code));
        } else if scope.encrypted {
            self.note = Some("an encrypted mail that does not say that it is a report");
        }
    }

    /// An entity of a mail: a multipart or a part that holds no others. Of what follows a mail after its last part the length is
    /// given back, if it is a mail again; 0 where nothing does.
    fn entity(
        &mut self,
        scope: &mut Scope,
        content: ContentFields,
        body: &[u8],
        place: &Place,
        in_digest: bool,
    ) -> usize {
        if self.stopped {
            return 0;
        }
        let kind = content.kind.clone().unwrap_or_else(|| "text/plain".to_owned());
        let transfer = content.encoding.as_deref().map_or(Transfer::Identity, Transfer::from_field);
        scope.encrypted |= kind == "multipart/encrypted";
        let may_follow = place.multiparts == place.mails && !in_digest && !scope.is_from_a_server();
        let own = if may_follow { before_following(transfer, &kind, body) } else { body };
        let following = body.len() - own.len();
        let Some((parts, boundary)) = parted(&kind, &content, transfer, body, own) else {
            self.leaf(scope, &kind, content, transfer, own, place);
            return following;
        };
        if place.multiparts >= self.limits.mime_depth {
            self.stop(RejectionCode::LimitMimeDepth);
            return 0;
        }
        match parts {
            Cow::Borrowed(parts) => self.multipart(scope, &kind, parts, &boundary, place),
            Cow::Owned(parts) => {
                // Behind a decoded mail the next may have to be decoded again.
                if let Err(code) = self.budget.take(Cost::Bytes, parts.len() as u64) {
                    self.stop(code);
                    return 0;
                }
                let length = self.multipart(scope, &kind, &parts, &boundary, place);
                scope.behind = (length > 0).then(|| parts[parts.len() - length..].to_vec());
                following
            }
        }
    }

    fn multipart(&mut self, scope: &mut Scope, kind: &str, body: &[u8], boundary: &str, place: &Place) -> usize {
        let deeper = Place { multiparts: place.multiparts + 1, ..place.clone() };
        let Some(mut parts) = Parts::new(body, boundary) else { return 0 };
        for part in parts.by_ref() {
            let (fields, body) = KnownFields::read(part);
            let mut content = fields.content();
            // RFC 2046 §5.1.5: in a digest, the type that goes without saying is a mail's.
            if kind == "multipart/digest" && content.kind.is_none() {
                content.kind = Some("message/rfc822".to_owned());
                // Some write the mail where the header of the part should be.
                let body = if fields.are_of_a_mail() { part } else { body };
                self.entity(scope, content, body, &deeper, true);
            } else {
                self.entity(scope, content, body, &deeper, false);
            }
            if self.stopped {
                return 0;
            }
        }
        let epilogue = parts.epilogue().trim_ascii_start();
        let outermost = place.multiparts == place.mails;
        if outermost && begins_mail(epilogue) { epilogue.len() } else { 0 }
    }

    /// Opens an attachment or a file, and sees to it that one whose name says that it is a report does not end as
    /// nothing.
    pub(super) fn attachment(&mut self, scope: &mut Scope, place: &Place, source: Source<'_>) {
        let (found, doubtful) = (self.found, scope.doubtful.len());
        self.look(scope, place, &source, Packed::default());
        if source.file_name.is_some_and(name_announces) {
            self.settle_named(scope, place, &source, "", found, doubtful);
        }
    }

    /// Refuses what has the name of a report and was none.
    pub(super) fn settle_named(
        &mut self,
        scope: &mut Scope,
        place: &Place,
        source: &Source<'_>,
        inner: &str,
        found: usize,
        doubtful: usize,
    ) {
        if self.stopped || self.found > found || scope.bounce || scope.returns {
            return;
        }
        let held = scope.doubtful.split_off(doubtful);
        if held.is_empty() {
            let part = Part { inner, ..part_of(place, scope, source) };
            return self.refuse(&part, Rejection::new(RejectionCode::NoReportFound));
        }
        let rest = std::mem::replace(&mut scope.doubtful, held);
        self.tell_doubtful(scope);
        scope.doubtful = rest;
    }

    /// Notes what cannot be read and does not look like a report.
    pub(super) fn doubt(
        &mut self,
        scope: &mut Scope,
        place: &Place,
        source: &Source<'_>,
        inner: &str,
        rejection: Rejection,
    ) {
        scope.doubtful.push(Doubtful {
            path: place.path.clone(),
            inner: inner.to_owned(),
            file_name: source.file_name.map(str::to_owned),
            bytes: Arc::clone(source.bytes),
            rejection,
        });
    }
}
