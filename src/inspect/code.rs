//! What can be found about a message: a closed set of codes.

use crate::finding;
use crate::vocabulary::vocabulary;

/// Something that is missing, weak or worth knowing about a message. The subject is the header field.
pub type Finding = finding::Finding<MessageCode>;

vocabulary! {
    /// What was found; docs/json.md lists them.
    pub enum MessageCode {
        /// The body was changed after signing.
        BodyChanged => "body-changed",
        /// The server's DMARC result is not what its other results come to.
        DmarcDiffers => "dmarc-differs",
        /// There is no key.
        KeyMissing => "key-missing",
        /// The key is revoked.
        KeyRevoked => "key-revoked",
        /// The key could not be fetched.
        KeyUnreachable => "key-unreachable",
        /// The key cannot be used.
        KeyUnusable => "key-unusable",
        /// It did not verify, and the server does not say why.
        NotVerified => "not-verified",
        /// The signature does not fit header and key.
        SignatureWrong => "signature-wrong",
        /// It aligns in relaxed mode only, and the domain publishes strict alignment.
        StrictOnly => "strict-alignment",
        /// `a=` is an algorithm that verifiers do not know.
        Algorithm => "algorithm",
        /// A sealer found the ARC chain broken.
        ArcChain => "arc-chain",
        /// Instances are missing from the ARC chain.
        ArcGap => "arc-gap",
        /// An ARC set lacks a field, or has one twice.
        ArcIncomplete => "arc-incomplete",
        /// ARC fields without a valid instance.
        ArcInstance => "arc-instance",
        /// `b=` has a length that no signature of its algorithm has.
        SignatureLength => "b-length",
        /// `b=` is not base64.
        SignatureNoBase64 => "b-no-base64",
        /// `bh=` is not a SHA-256 hash.
        BodyHashLength => "bh-length",
        /// How the body is to be read is not covered.
        BodyTypeNotCovered => "body-type-not-covered",
        /// `x=` was over when it arrived.
        Expired => "expired",
        /// `x=` is not later than `t=`.
        ExpiresBeforeSigned => "expires-before-signed",
        /// Fields that readers see are not covered.
        FieldsNotCovered => "fields-not-covered",
        /// From is not covered.
        FromNotCovered => "from-not-covered",
        /// `i=` is not at or below `d=`.
        IdentityOutside => "identity-outside",
        /// The key is short.
        KeyShort => "key-short",
        /// The key is too short for verifiers.
        KeyTooShort => "key-too-short",
        /// `l=` covers a part of the body.
        BodyLength => "l",
        /// `l=` covers more than there is.
        BodyLengthBeyondBody => "l-beyond-body",
        /// `l=` is not a number.
        BodyLengthNoNumber => "l-no-number",
        /// The field is not a list of tags.
        Malformed => "malformed",
        /// Several From fields.
        ManyFrom => "many-from",
        /// From names several domains.
        ManyFromDomains => "many-from-domains",
        /// Required tags are missing.
        MissingTag => "missing-tag",
        /// No signature aligns with From.
        NoAlignedSignature => "no-aligned-signature",
        /// No From field.
        NoFrom => "no-from",
        /// From names no domain.
        NoFromDomain => "no-from-domain",
        /// No Authentication-Results.
        NoResults => "no-results",
        /// None of the servers that are believed.
        NoTrustedResults => "no-trusted-results",
        /// Another From or Reply-To could be added.
        NotOversigned => "not-oversigned",
        /// The reverse-path is null.
        NullReversePath => "null-reverse-path",
        /// `q=` names a query method that verifiers do not know.
        Query => "query",
        /// Aligned in relaxed mode only.
        RelaxedOnly => "relaxed-only",
        /// A tag stands in it twice.
        RepeatedTag => "repeated-tag",
        /// Signed with rsa-sha1.
        RsaSha1 => "rsa-sha1",
        /// Valid for less than a day.
        ShortLife => "short-life",
        /// Signed in the future.
        SignedInFuture => "signed-in-future",
        /// Header canonicalization is simple.
        SimpleHeader => "simple-header",
        /// SPF does not align.
        SpfNotAligned => "spf-not-aligned",
        /// The results are those of a server that nobody named as his own.
        UnnamedServer => "unnamed-server",
        /// No signature at all.
        Unsigned => "unsigned",
        /// `v=` is not 1.
        Version => "version",
    }
}
