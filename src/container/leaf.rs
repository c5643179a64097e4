//! The parts of a mail that hold no other parts.

use std::sync::Arc;

use super::announce::name_announces;
use super::entity::{as_mail, begins_as_report, smime};
use super::scope::{Place, Scope, Source, Walk, part_of};
use super::sniff::{HEAD, Kind, sniff};
use super::{Transfer, uuencode};
use crate::limits::Cost;
use crate::mail::ContentFields;
use crate::rejection::{Rejection, RejectionCode};

impl Walk<'_> {
    pub(super) fn leaf(
        &mut self,
        scope: &mut Scope,
        kind: &str,
        content: ContentFields,
        transfer: Transfer,
        body: &[u8],
        place: &Place,
    ) {
        if !self.count(Cost::Parts) {
            return;
        }
        self.parts += 1;
        let place = Place { path: format!("{}/part.{}", self.entry_path(place), self.parts), ..place.clone() };
        let file_name = content.file_name.as_deref();
        match kind {
            "message/delivery-status" | "message/global-delivery-status" | "message/disposition-notification" => {
                (scope.returns, scope.not_ours) = (true, true);
                scope.bounce |= scope.may_be_bounce;
            }
            "message/feedback-report" => {
                (scope.failure_report, scope.not_ours) = (true, true);
                let bytes = Arc::new(transfer.decode(body).0.into_owned());
                let source = Source { bytes: &bytes, file_name: None, lenient: false };
                self.found += 1;
                return self.visitor.failure_report(&part_of(&place, scope, &source), &bytes);
            }
            _ => {}
        }
        if scope.bounce || scope.returns {
            return;
        }
        scope.tls_report |= kind.starts_with("application/tlsrpt");
        scope.encrypted |= kind == "application/pgp-encrypted";
        let lower = file_name.map(str::to_ascii_lowercase);
        let is_mail = matches!(kind, "message/rfc822" | "message/global" | "message/news")
            || lower.as_deref().is_some_and(|name| name.ends_with(".eml") || name.ends_with(".emlx"));
        if is_mail {
            let decoded = Arc::new(as_mail(transfer, body));
            return self.nested(scope, &decoded, &place);
        }
        let (decoded, lenient) = transfer.decode_to_sense(body);
        // Text without a name is what people and programs write around reports; a report in it begins as one.
        let is_text = kind.starts_with("text/") && !kind.ends_with("xml");
        // A server that has no delivery-status part quotes the mail that it returns in its text: one that we sent.
        if is_text && file_name.is_none() && scope.is_from_a_server() {
            return;
        }
        let (found, doubtful) = (self.found, scope.doubtful.len());
        if is_text && self.inline(scope, &decoded, &place) {
            if file_name.is_some_and(name_announces) {
                let bytes = Arc::new(decoded.into_owned());
                let source = Source { bytes: &bytes, file_name, lenient };
                if begins_encrypted(&bytes) {
                    self.doubt(scope, &place, &source, "", Rejection::new(RejectionCode::EncryptedMail));
                }
                self.settle_named(scope, &place, &source, "", found, doubtful);
            }
            return;
        }
        if is_text && file_name.is_none() && !begins_as_report(&decoded) {
            return;
        }
        let bytes = Arc::new(decoded.into_owned());
        let source = Source { bytes: &bytes, file_name, lenient };
        if matches!(kind, "application/pkcs7-mime" | "application/x-pkcs7-mime") {
            let code = smime(&content, &bytes);
            scope.encrypted |= code == RejectionCode::EncryptedMail;
            return self.doubt(scope, &place, &source, "", Rejection::new(code));
        }
        if kind == "application/ms-tnef" && sniff(&bytes[..bytes.len().min(HEAD)]) != Kind::Tnef {
            return self.doubt(scope, &place, &source, "", Rejection::new(RejectionCode::Tnef));
        }
        self.attachment(scope, &place, source);
    }

    /// Parts are numbered through a mail and those that lie directly in it; one in an archive or a mailbox has its path.
    fn entry_path(&self, place: &Place) -> String {
        place.path.rsplit_once("/part.").map_or_else(
            || place.path.clone(),
            |(before, number)| {
                if number.bytes().all(|byte| byte.is_ascii_digit()) { before.to_owned() } else { place.path.clone() }
            },
        )
    }

    /// What stands in a text itself: files in uuencode, an encrypted message. True when that was all.
    fn inline(&mut self, scope: &mut Scope, text: &[u8], place: &Place) -> bool {
        if begins_encrypted(text) {
            scope.encrypted = true;
            return true;
        }
        let mut any = false;
        for file in uuencode::files(text) {
            if !self.count(Cost::Parts) {
                return true;
            }
            any = true;
            self.parts += 1;
            let place = Place { path: format!("{}/part.{}", self.entry_path(place), self.parts), ..place.clone() };
            let bytes = Arc::new(file.decode());
            self.attachment(scope, &place, Source { bytes: &bytes, file_name: Some(&file.name), lenient: false });
        }
        any
    }
}

/// Whether an OpenPGP message stands near the beginning of a text.
fn begins_encrypted(text: &[u8]) -> bool {
    memchr::memmem::find(&text[..text.len().min(HEAD)], b"-----BEGIN PGP MESSAGE-----").is_some()
}
