//! Why the mail of a path does not pass: one code a path, the first that fits.

use crate::vocabulary::vocabulary;

vocabulary! {
    /// The cause, in the order in which causes are tried: special before general.
    pub enum Cause {
        /// The owner's mail leaves through a gateway or signature service that SPF does not name.
        GatewayNotInSpf => "gateway_not_in_spf",
        /// An own machine writes under its host name.
        HostNameAsFrom => "host_name_as_from",
        /// A person writes under the domain's name in a mailbox elsewhere ("send as").
        OriginElsewhere => "origin_elsewhere",
        /// A forwarder changes the reverse-path; SPF cannot align.
        Forwarding => "forwarding",
        /// A mailing list changes what was signed.
        ListChangesMail => "list_changes_mail",
        /// A filter in front of a recipient hands the mail on.
        RecipientFilter => "recipient_filter",
        /// What is unsigned are bounces and automatic replies (null reverse-path).
        BouncesAndReplies => "bounces_and_replies",
        /// Some machines do not sign.
        SomeMachines => "some_machines",
        /// Mail of some reverse-path domains, or under some foreign `d=`, is not signed as the domain.
        SomeEnvelopes => "some_envelopes",
        /// Only some reporters see it unsigned.
        SomeReporters => "some_reporters",
        /// The domain's own SPF record cannot be evaluated.
        SpfUnevaluable => "spf_unevaluable",
        /// The key of the signature is not published.
        KeyMissing => "key_missing",
        /// The published key is not the one that signs.
        KeyMismatch => "key_mismatch",
        /// The key cannot be fetched: its name servers do not answer.
        KeyUnreachable => "key_unreachable",
        /// Header or body is changed after signing.
        ChangedInTransit => "changed_in_transit",
        /// Signatures fail between two selectors of a rotation.
        Rotation => "rotation",
        /// The signature's algorithm is one that some receivers do not know (ed25519).
        UnsupportedAlgorithm => "unsupported_algorithm",
        /// The published strict alignment is what fails.
        StrictAlignment => "strict_alignment",
        /// Signed by the account's or the service's default domain.
        DefaultSignature => "default_signature",
        /// A service that authenticates others or itself, never this domain.
        DomainNotSetUp => "domain_not_set_up",
        /// The organizational domain signs here, this subdomain does not.
        SubdomainNotSetUp => "subdomain_not_set_up",
        /// Own machines without any signature.
        NoSignature => "no_signature",
        /// None of these, or two that the reports cannot tell apart.
        Unexplained => "unexplained",
    }
}
