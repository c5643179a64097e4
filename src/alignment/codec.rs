//! An outcome as bytes: for its digest with the texts in place, for storage with numbers for the texts.

use super::outcome::{AlignmentMode, Outcome, OverrideReason, Signature, SpfCheck};
use super::verdict::Verdict;
use super::vocabulary::{AuthResult, Disposition, OverrideType, Scope};
use crate::varint;

/// Writes a text, as itself or as a number for it.
pub trait PutText {
    /// Appends the text.
    ///
    /// # Errors
    /// Whatever keeps the numbers may fail.
    fn put(&mut self, out: &mut Vec<u8>, text: &str) -> Result<(), Self::Error>;
    /// What may fail.
    type Error;
}

/// Reads a text that [`PutText`] wrote.
pub trait TakeText {
    /// Takes the text from the front.
    fn take(&mut self, bytes: &mut &[u8]) -> Option<String>;
}

/// Texts in place: their length, then their bytes.
pub struct InPlace;

impl PutText for InPlace {
    type Error = std::convert::Infallible;

    fn put(&mut self, out: &mut Vec<u8>, text: &str) -> Result<(), Self::Error> {
        varint::put(out, text.len() as u64);
        out.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

impl TakeText for InPlace {
    fn take(&mut self, bytes: &mut &[u8]) -> Option<String> {
        let length = usize::try_from(varint::take(bytes)?).ok()?;
        let (text, rest) = bytes.split_at_checked(length)?;
        *bytes = rest;
        String::from_utf8(text.to_vec()).ok()
    }
}

const PRESENT: u8 = 1;

struct Writer<'w, P> {
    out: &'w mut Vec<u8>,
    texts: &'w mut P,
}

impl<P: PutText> Writer<'_, P> {
    fn text(&mut self, text: Option<&str>) -> Result<(), P::Error> {
        match text {
            None => self.out.push(0),
            Some(text) => {
                self.out.push(PRESENT);
                self.texts.put(self.out, text)?;
            }
        }
        Ok(())
    }

    /// Several texts, most of them absent, after one byte that says which are there.
    fn texts<const N: usize>(&mut self, texts: [Option<&str>; N]) -> Result<(), P::Error> {
        let present = texts.iter().enumerate().fold(0, |bits, (at, text)| bits | (u8::from(text.is_some()) << at));
        self.out.push(present);
        for text in texts.into_iter().flatten() {
            self.texts.put(self.out, text)?;
        }
        Ok(())
    }
}

fn tri(value: Option<bool>) -> u8 {
    match value {
        None => 0,
        Some(false) => 1,
        Some(true) => 2,
    }
}

fn untri(value: u8) -> Option<bool> {
    match value {
        1 => Some(false),
        2 => Some(true),
        _ => None,
    }
}

/// Appends an outcome; what it amounts to is not written, it follows from the rest.
///
/// # Errors
/// Those of `texts`.
pub fn encode<P: PutText>(outcome: &Outcome, out: &mut Vec<u8>, texts: &mut P) -> Result<(), P::Error> {
    let mut writer = Writer { out, texts };
    let mode = u8::from(outcome.mode.dkim_strict) | u8::from(outcome.mode.spf_strict) << 1;
    writer.out.push(mode | tri(outcome.evaluated_dkim) << 2 | tri(outcome.evaluated_spf) << 4);
    writer.out.push(outcome.disposition.map_or(0, |value| value.code() + 1));
    writer.texts([
        outcome.header_from.as_deref(),
        outcome.envelope_from.as_deref(),
        outcome.envelope_to.as_deref(),
        outcome.disposition_word.as_deref(),
    ])?;
    varint::put(writer.out, outcome.reasons.len() as u64);
    for reason in &outcome.reasons {
        writer.out.push(reason.kind.code());
        writer.texts([reason.word.as_deref(), reason.comment.as_deref()])?;
    }
    varint::put(writer.out, outcome.dkim.len() as u64);
    for one in &outcome.dkim {
        writer.out.push(one.result.code());
        writer.texts([one.domain.as_deref(), one.selector.as_deref(), one.word.as_deref(), one.human.as_deref()])?;
    }
    varint::put(writer.out, outcome.spf.len() as u64);
    for one in &outcome.spf {
        writer.out.push(one.result.code() | one.scope.map_or(0, |scope| scope.code() + 1) << 4);
        writer.texts([one.domain.as_deref(), one.word.as_deref()])?;
        writer.text(one.human.as_deref())?;
    }
    Ok(())
}

struct Reader<'r, 'b, T> {
    bytes: &'r mut &'b [u8],
    texts: &'r mut T,
}

impl<T: TakeText> Reader<'_, '_, T> {
    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.bytes.split_first()?;
        *self.bytes = rest;
        Some(byte)
    }

    fn count(&mut self) -> Option<usize> {
        usize::try_from(varint::take(self.bytes)?).ok().filter(|&count| count <= self.bytes.len())
    }

    fn texts<const N: usize>(&mut self) -> Option<[Option<String>; N]> {
        let present = self.byte()?;
        let mut found = [const { None }; N];
        for (at, slot) in found.iter_mut().enumerate() {
            if present >> at & 1 == 1 {
                *slot = Some(self.texts.take(self.bytes)?);
            }
        }
        Some(found)
    }
}

/// Takes an outcome from the front and judges it anew; `None` where the bytes are not one.
pub fn decode<T: TakeText>(bytes: &mut &[u8], texts: &mut T) -> Option<Outcome> {
    let mut outcome = decode_unjudged(bytes, texts)?;
    outcome.verdict = Verdict::of(&outcome);
    Some(outcome)
}

/// The same without a verdict, for who knows it.
pub fn decode_unjudged<T: TakeText>(bytes: &mut &[u8], texts: &mut T) -> Option<Outcome> {
    let mut reader = Reader { bytes, texts };
    let flags = reader.byte()?;
    let disposition = match reader.byte()? {
        0 => None,
        code => Some(Disposition::from_code(code - 1)?),
    };
    let [header_from, envelope_from, envelope_to, disposition_word] = reader.texts()?;
    let mut outcome = Outcome {
        mode: AlignmentMode { dkim_strict: flags & 1 != 0, spf_strict: flags & 2 != 0 },
        header_from,
        envelope_from,
        envelope_to,
        disposition,
        disposition_word,
        evaluated_dkim: untri(flags >> 2 & 3),
        evaluated_spf: untri(flags >> 4 & 3),
        reasons: Vec::new(),
        dkim: Vec::new(),
        spf: Vec::new(),
        verdict: Verdict::default(),
    };
    for _ in 0..reader.count()? {
        let kind = OverrideType::from_code(reader.byte()?)?;
        let [word, comment] = reader.texts()?;
        outcome.reasons.push(OverrideReason { kind, word, comment });
    }
    for _ in 0..reader.count()? {
        let result = AuthResult::from_code(reader.byte()?)?;
        let [domain, selector, word, human] = reader.texts()?;
        outcome.dkim.push(Signature { domain, selector, result, word, human });
    }
    for _ in 0..reader.count()? {
        let packed = reader.byte()?;
        let result = AuthResult::from_code(packed & 0x0f)?;
        let scope = match packed >> 4 {
            0 => None,
            code => Some(Scope::from_code(code - 1)?),
        };
        let [domain, word] = reader.texts()?;
        let [human] = reader.texts()?;
        outcome.spf.push(SpfCheck { domain, scope, result, word, human });
    }
    Some(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Irregularities, Record};

    proptest::proptest! {
        #[test]
        fn an_outcome_comes_back_as_it_was(
            from in "[a-z.]{0,12}", words in proptest::collection::vec("[a-z ]{0,9}", 12), strict: bool,
        ) {
            let mut record = Record::default();
            record.identifiers.header_from.set(&from);
            record.identifiers.envelope_from.set(&words[0]);
            record.row.policy_evaluated.disposition.set(&words[1]);
            record.row.policy_evaluated.dkim.set(&words[2]);
            record.row.policy_evaluated.reasons.push().kind.set(&words[3]);
            for pair in words.chunks(2) {
                let one = record.auth_results.dkim.push();
                one.domain.set(&pair[0]);
                one.result.set(&pair[1]);
                let check = record.auth_results.spf.push();
                check.human_result.set(&pair[0]);
                check.scope.set(&pair[1]);
            }
            let mode = AlignmentMode { dkim_strict: strict, spf_strict: !strict };
            let outcome = Outcome::of(&record, mode, &mut Irregularities::default());
            let mut bytes = Vec::new();
            encode(&outcome, &mut bytes, &mut InPlace).unwrap();
            let mut rest = bytes.as_slice();
            proptest::prop_assert_eq!(decode(&mut rest, &mut InPlace), Some(outcome));
            proptest::prop_assert!(rest.is_empty());
        }

        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>) {
            let _ = decode(&mut bytes.as_slice(), &mut InPlace);
        }
    }
}
