//! What an outcome amounts to.

use super::vocabulary::{AuthResult, DkimState, ReasonCode, SpfState};

/// What an outcome amounts to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The DKIM state.
    pub dkim: DkimState,
    /// The SPF state.
    pub spf: SpfState,
    /// With a broken signature: which result it had. A key that was not fetched tells another story than a body
    /// that was changed.
    pub broken_by: Option<AuthResult>,
    /// Whether DKIM passes and aligns by the listed signatures; absent without header From.
    pub recomputed_dkim: Option<bool>,
    /// Whether SPF passes and aligns by the listed checks; absent without header From.
    pub recomputed_spf: Option<bool>,
    /// Whether DMARC passes: as the reporter evaluated it, recomputed where it did not.
    pub dmarc: Option<bool>,
    /// `dmarc` had to be recomputed, at least in part.
    pub dmarc_recomputed: bool,
    /// The evaluation and the recomputation disagree on DKIM or on SPF.
    pub contradiction: bool,
    /// The domain that SPF authenticated as MAIL FROM, whether it aligns or not.
    pub envelope: Option<String>,
    /// Its organizational domain, where that is not header From's own.
    pub authenticated: Option<String>,
    /// The reverse-path is null, as that of bounces and automatic replies, as far as the report shows.
    pub null_reverse_path: bool,
    /// Why DKIM or SPF does not align, as far as the record shows.
    pub detail: Detail,
    /// Why the receiver may have exempted a message that failed DMARC: the reasons that mean forwarding.
    pub forwarding: ForwardingReasons,
}

impl Default for Verdict {
    fn default() -> Self {
        Verdict {
            dkim: DkimState::Unknown,
            spf: SpfState::Unknown,
            broken_by: None,
            recomputed_dkim: None,
            recomputed_spf: None,
            dmarc: None,
            dmarc_recomputed: false,
            contradiction: false,
            envelope: None,
            authenticated: None,
            null_reverse_path: false,
            detail: Detail::default(),
            forwarding: ForwardingReasons::default(),
        }
    }
}

/// Override reasons that speak of forwarding, on a record that failed DMARC (RFC 7489 Appendix C, RFC 9990 §3.1). Whether
/// they overrode anything depends also on the published policy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ForwardingReasons {
    /// `forwarded`.
    pub forwarded: bool,
    /// `mailing_list`.
    pub mailing_list: bool,
    /// `trusted_forwarder`.
    pub trusted_forwarder: bool,
    /// A comment says `arc=pass`: a chain of forwarders that the receiver believes.
    pub arc_pass: bool,
}

impl ForwardingReasons {
    /// Whether there is any.
    #[must_use]
    pub fn any(self) -> bool {
        self != Self::default()
    }
}

/// Why DKIM or SPF does not align, as far as one record shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Detail {
    /// What the reporter's text says of the domain's broken signature.
    pub reason: Option<ReasonCode>,
    /// The SPF record of header From's domain, or of another name of the same organizational domain, could not be evaluated.
    pub spf_fault: Option<SpfFault>,
    /// That was the record of another name than header From's.
    pub spf_fault_elsewhere: bool,
    /// A signature verified for a name of the same organizational domain, and fails alignment by the published `adkim=s`.
    pub strict_dkim: bool,
    /// SPF passed for a name of the same organizational domain, and fails alignment by the published `aspf=s`.
    pub strict_spf: bool,
    /// The record says what the reverse-path is: by `envelope_from`, or by the scope of the SPF check.
    pub envelope_reported: bool,
    /// SPF has a result for no domain: how one evaluator writes a null reverse-path.
    pub spf_without_domain: bool,
}

/// Why an SPF record could not be evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SpfFault {
    /// `temperror`: the name servers did not answer.
    Temporary,
    /// `permerror`: the record, or one that it includes, is wrong.
    Permanent,
    /// `permerror`, and the text says that it needs too many DNS lookups.
    TooManyLookups,
}

impl SpfFault {
    /// All of them.
    pub const ALL: [SpfFault; 3] = [SpfFault::Temporary, SpfFault::Permanent, SpfFault::TooManyLookups];
}
