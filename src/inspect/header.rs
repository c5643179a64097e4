//! The header of a message, as far as it bears on DMARC.

use crate::mail::{HeaderFields, Hop, addresses};

/// What the header says besides results and signatures.
#[derive(Debug, Default)]
pub(super) struct Header<'m> {
    pub(super) from_fields: usize,
    pub(super) from_addresses: Vec<String>,
    pub(super) names: Vec<String>,
    pub(super) reverse_path: Option<String>,
    pub(super) received_spf: Option<&'m [u8]>,
    pub(super) hops: Vec<Hop>,
}

/// Reads the header of a message.
pub(super) fn read_header(message: &[u8]) -> Header<'_> {
    /// Fields looked at.
    const MOST: usize = 1000;
    let mut header = Header::default();
    for field in HeaderFields::new(message).take(MOST) {
        header.names.push(String::from_utf8_lossy(field.name).to_ascii_lowercase());
        if field.is("From") {
            header.from_fields += 1;
            header.from_addresses.extend(addresses(field.value));
        } else if field.is("Return-Path") && header.reverse_path.is_none() {
            let text = String::from_utf8_lossy(field.value);
            header.reverse_path = Some(text.trim().trim_matches(['<', '>']).to_owned());
        } else if field.is("Received") {
            header.hops.push(Hop::parse(field.value));
        } else if field.is("Received-SPF") {
            header.received_spf.get_or_insert(field.value);
        }
    }
    header
}
