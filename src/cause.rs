//! Why the mail of a path does not pass: one code a path, the first that fits.

use serde::{Deserialize, Serialize};

/// The cause, in the order in which causes are tried: special before general.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The owner's mail leaves through a gateway or signature service that SPF does not name.
    GatewayNotInSpf,
    /// An own machine writes under its host name.
    HostNameAsFrom,
    /// A person writes under the domain's name in a mailbox elsewhere ("send as").
    OriginElsewhere,
    /// A forwarder changes the reverse-path; SPF cannot align.
    Forwarding,
    /// A mailing list changes what was signed.
    ListChangesMail,
    /// A filter in front of a recipient hands the mail on.
    RecipientFilter,
    /// What is unsigned are bounces and automatic replies (null reverse-path).
    BouncesAndReplies,
    /// Some machines do not sign.
    SomeMachines,
    /// Mail of some reverse-path domains, or under some foreign `d=`, is not signed as the domain.
    SomeEnvelopes,
    /// Only some reporters see it unsigned.
    SomeReporters,
    /// The domain's own SPF record cannot be evaluated.
    SpfUnevaluable,
    /// The key of the signature is not published.
    KeyMissing,
    /// The published key is not the one that signs.
    KeyMismatch,
    /// The key cannot be fetched: its name servers do not answer.
    KeyUnreachable,
    /// Header or body is changed after signing.
    ChangedInTransit,
    /// Signatures fail between two selectors of a rotation.
    Rotation,
    /// The signature's algorithm is one that some receivers do not know (ed25519).
    UnsupportedAlgorithm,
    /// The published strict alignment is what fails.
    StrictAlignment,
    /// Signed by the account's or the service's default domain.
    DefaultSignature,
    /// A service that authenticates others or itself, never this domain.
    DomainNotSetUp,
    /// The organizational domain signs here, this subdomain does not.
    SubdomainNotSetUp,
    /// Own machines without any signature.
    NoSignature,
    /// None of these, or two that the reports cannot tell apart.
    Unexplained,
}

impl Cause {
    /// All of them, in the order in which they are tried.
    pub const ALL: [Cause; 23] = [
        Cause::GatewayNotInSpf,
        Cause::HostNameAsFrom,
        Cause::OriginElsewhere,
        Cause::Forwarding,
        Cause::ListChangesMail,
        Cause::RecipientFilter,
        Cause::BouncesAndReplies,
        Cause::SomeMachines,
        Cause::SomeEnvelopes,
        Cause::SomeReporters,
        Cause::SpfUnevaluable,
        Cause::KeyMissing,
        Cause::KeyMismatch,
        Cause::KeyUnreachable,
        Cause::ChangedInTransit,
        Cause::Rotation,
        Cause::UnsupportedAlgorithm,
        Cause::StrictAlignment,
        Cause::DefaultSignature,
        Cause::DomainNotSetUp,
        Cause::SubdomainNotSetUp,
        Cause::NoSignature,
        Cause::Unexplained,
    ];

    /// The code in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::GatewayNotInSpf => "gateway_not_in_spf",
            Cause::HostNameAsFrom => "host_name_as_from",
            Cause::OriginElsewhere => "origin_elsewhere",
            Cause::Forwarding => "forwarding",
            Cause::ListChangesMail => "list_changes_mail",
            Cause::RecipientFilter => "recipient_filter",
            Cause::BouncesAndReplies => "bounces_and_replies",
            Cause::SomeMachines => "some_machines",
            Cause::SomeEnvelopes => "some_envelopes",
            Cause::SomeReporters => "some_reporters",
            Cause::SpfUnevaluable => "spf_unevaluable",
            Cause::KeyMissing => "key_missing",
            Cause::KeyMismatch => "key_mismatch",
            Cause::KeyUnreachable => "key_unreachable",
            Cause::ChangedInTransit => "changed_in_transit",
            Cause::Rotation => "rotation",
            Cause::UnsupportedAlgorithm => "unsupported_algorithm",
            Cause::StrictAlignment => "strict_alignment",
            Cause::DefaultSignature => "default_signature",
            Cause::DomainNotSetUp => "domain_not_set_up",
            Cause::SubdomainNotSetUp => "subdomain_not_set_up",
            Cause::NoSignature => "no_signature",
            Cause::Unexplained => "unexplained",
        }
    }
}
