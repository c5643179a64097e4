//! The enumerations of the report, and what reporters write for them.

use crate::vocabulary::vocabulary;

/// What one word of a report means, and what was odd about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading<T> {
    /// The word is in the vocabulary.
    Known(T),
    /// The word is a known other spelling.
    Alias(T),
    /// The word is not in the vocabulary.
    Unknown,
}

/// A vocabulary whose values are stored by their numbers.
macro_rules! stored_vocabulary {
    ($(#[$doc:meta])* pub enum $name:ident { $($words:tt)+ }) => {
        vocabulary! { $(#[$doc])* pub enum $name { $($words)+ } }

        impl $name {
            /// The value with this number, as stored; unknown numbers come from newer programs.
            #[must_use]
            pub fn from_code(code: u8) -> Option<Self> {
                Self::ALL.get(usize::from(code)).copied()
            }

            /// The number it is stored as.
            #[must_use]
            pub fn code(self) -> u8 {
                self as u8
            }
        }
    };
}

stored_vocabulary! {
    /// A DKIM or SPF result (RFC 8601 §2.7).
    pub enum AuthResult {
        /// Nothing was there to verify.
        None => "none",
        /// Verified.
        Pass => "pass",
        /// Did not verify.
        Fail => "fail",
        /// SPF `~all`.
        SoftFail => "softfail",
        /// No statement.
        Neutral => "neutral",
        /// Verified, and not accepted for a local reason.
        Policy => "policy",
        /// Could not be told, for now.
        TempError => "temperror",
        /// Could not be told, for good.
        PermError => "permerror",
        /// The report does not say, or says something nobody knows.
        Unknown => "unknown",
    }
}

stored_vocabulary! {
    /// What a reporter's text for people (`human_result`) says of a signature or an SPF check.
    pub enum ReasonCode {
        /// The body was changed after it was signed.
        BodyHash => "body_hash",
        /// The signature does not fit: the header was changed, or another key signs.
        SignatureMismatch => "signature_mismatch",
        /// No key is published.
        NoKey => "no_key",
        /// The published key is empty: revoked (RFC 6376 §3.6.1).
        KeyRevoked => "key_revoked",
        /// The published key cannot be read.
        KeySyntax => "key_syntax",
        /// The signature's time is over (`x=`).
        Expired => "expired",
        /// The reporter does not know the algorithm (ed25519).
        UnsupportedAlgorithm => "unsupported_algorithm",
        /// The name servers did not answer.
        DnsTimeout => "dns_timeout",
        /// SPF needs more DNS lookups than are allowed (RFC 7208 §4.6.4).
        TooManyLookups => "too_many_lookups",
        /// The reporter refuses the key as too short: RSA of less than 1024 bits (RFC 8301 §3.2).
        KeyTooShort => "key_too_short",
    }
}

stored_vocabulary! {
    /// What the receiver did with the messages.
    pub enum Disposition {
        /// Nothing.
        None => "none",
        /// Treated as suspicious.
        Quarantine => "quarantine",
        /// Refused.
        Reject => "reject",
        /// DMARC passed under an enforcing policy (RFC 9990).
        Pass => "pass",
        /// The report does not say, or says something nobody knows.
        Unknown => "unknown",
    }
}

impl Disposition {
    /// The policy that asks for what was done, where that is known: what passes is treated as under `none`.
    #[must_use]
    pub fn policy(self) -> Option<&'static str> {
        match self {
            Disposition::None | Disposition::Pass => Some("none"),
            Disposition::Quarantine => Some("quarantine"),
            Disposition::Reject => Some("reject"),
            Disposition::Unknown => None,
        }
    }
}

stored_vocabulary! {
    /// Why the disposition is not the policy's: RFC 7489's words and RFC 9990's.
    pub enum OverrideType {
        /// Forwarded, as far as the receiver can tell.
        Forwarded => "forwarded",
        /// Left out of the percentage that the policy applied to.
        SampledOut => "sampled_out",
        /// Came by a forwarder that the receiver trusts.
        TrustedForwarder => "trusted_forwarder",
        /// Came by a mailing list.
        MailingList => "mailing_list",
        /// The receiver's own rules.
        LocalPolicy => "local_policy",
        /// The policy is being tested (RFC 9990).
        PolicyTestMode => "policy_test_mode",
        /// Something else.
        Other => "other",
        /// A word nobody knows.
        Unknown => "unknown",
    }
}

stored_vocabulary! {
    /// Which identity SPF was checked for.
    pub enum Scope {
        /// MAIL FROM.
        MailFrom => "mfrom",
        /// HELO or EHLO.
        Helo => "helo",
        /// A word nobody knows.
        Unknown => "unknown",
    }
}

impl AuthResult {
    /// Whether a signature with this result is there and did not verify, for whatever reason; a result that nobody can read says
    /// neither.
    #[must_use]
    pub fn is_failed_signature(self) -> bool {
        !matches!(self, AuthResult::Pass | AuthResult::None | AuthResult::Unknown)
    }

    /// What a DKIM result says.
    #[must_use]
    pub fn read_dkim(word: &str) -> Reading<Self> {
        match Self::parse(word) {
            // DKIM has no softfail, and "unknown" is not a result.
            Some(AuthResult::SoftFail | AuthResult::Unknown) => Reading::Unknown,
            Some(result) => Reading::Known(result),
            None if word.eq_ignore_ascii_case("invalid") || word.eq_ignore_ascii_case("error") => {
                Reading::Alias(AuthResult::PermError)
            }
            None => Reading::Unknown,
        }
    }

    /// What an SPF result says.
    #[must_use]
    pub fn read_spf(word: &str) -> Reading<Self> {
        match Self::parse(word) {
            // RFC 7489's schema says that TempError is often written so.
            Some(AuthResult::Unknown) => Reading::Alias(AuthResult::TempError),
            Some(result) => Reading::Known(result),
            None if word.eq_ignore_ascii_case("hardfail") => Reading::Alias(AuthResult::Fail),
            None if word.eq_ignore_ascii_case("error") => Reading::Alias(AuthResult::PermError),
            None => Reading::Unknown,
        }
    }
}

impl Disposition {
    /// What a disposition says.
    #[must_use]
    pub fn read(word: &str) -> Reading<Self> {
        match Self::parse(word) {
            Some(Disposition::Unknown) | None => Reading::Unknown,
            Some(disposition) => Reading::Known(disposition),
        }
    }
}

impl OverrideType {
    /// What an override type says.
    #[must_use]
    pub fn read(word: &str) -> Reading<Self> {
        let spelled: String = word.chars().map(|c| if c == '-' || c.is_ascii_whitespace() { '_' } else { c }).collect();
        match Self::parse(&spelled) {
            Some(OverrideType::Unknown) | None => Reading::Unknown,
            Some(kind) => Reading::Known(kind),
        }
    }
}

impl Scope {
    /// What a scope says.
    #[must_use]
    pub fn read(word: &str) -> Reading<Self> {
        match Self::parse(word) {
            Some(Scope::Unknown) => Reading::Unknown,
            Some(scope) => Reading::Known(scope),
            None if word.eq_ignore_ascii_case("mailfrom") || word.eq_ignore_ascii_case("ehlo") => {
                Reading::Alias(if word.len() == 4 { Scope::Helo } else { Scope::MailFrom })
            }
            None => Reading::Unknown,
        }
    }
}

stored_vocabulary! {
    /// What the listed signatures of a record amount to; exactly one holds.
    pub enum DkimState {
        /// A signature of the domain verified, or the reporter says so.
        Aligned => "aligned",
        /// Signed by other domains only.
        Unaligned => "unaligned",
        /// Signed by the domain, and the signature did not verify.
        Broken => "broken",
        /// No usable signature.
        Unsigned => "unsigned",
        /// Cannot be told from the report.
        Unknown => "unknown",
    }
}

stored_vocabulary! {
    /// What SPF amounts to for a record; exactly one holds.
    pub enum SpfState {
        /// Passed for the domain.
        Aligned => "aligned",
        /// Passed for another domain.
        Unaligned => "unaligned",
        /// Did not pass.
        Fail => "fail",
        /// The envelope's domain publishes no SPF.
        None => "none",
        /// Cannot be told from the report.
        Unknown => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_unknown_word_ever_becomes_a_pass() {
        for word in ["", "passed", "p", "ok", "1", "true", "pass\u{200b}"] {
            assert_eq!(AuthResult::read_dkim(word), Reading::Unknown);
            assert_eq!(AuthResult::read_spf(word), Reading::Unknown);
            assert_eq!(Disposition::read(word), Reading::Unknown);
        }
    }

    #[test]
    fn aliases_differ_by_mechanism() {
        assert_eq!(AuthResult::read_spf("HardFail"), Reading::Alias(AuthResult::Fail));
        assert_eq!(AuthResult::read_spf("unknown"), Reading::Alias(AuthResult::TempError));
        assert_eq!(AuthResult::read_dkim("unknown"), Reading::Unknown);
        assert_eq!(AuthResult::read_dkim("invalid"), Reading::Alias(AuthResult::PermError));
        assert_eq!(AuthResult::read_dkim("TempError"), Reading::Known(AuthResult::TempError));
        assert_eq!(OverrideType::read("Local Policy"), Reading::Known(OverrideType::LocalPolicy));
    }

    #[test]
    fn numbers_stay_with_their_values() {
        assert_eq!(AuthResult::from_code(AuthResult::PermError.code()), Some(AuthResult::PermError));
        assert_eq!(AuthResult::from_code(200), None);
    }
}
