//! What can be found about a message: a closed set of codes.

use crate::finding::{self, Code};

/// Something that is missing, weak or worth knowing about a message. The subject is the header field.
pub type Finding = finding::Finding<MessageCode>;

/// What was found; docs/json.md lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageCode {
    /// The body was changed after signing.
    BodyChanged,
    /// The server's DMARC result is not what its other results come to.
    DmarcDiffers,
    /// There is no key.
    KeyMissing,
    /// The key is revoked.
    KeyRevoked,
    /// The key could not be fetched.
    KeyUnreachable,
    /// The key cannot be used.
    KeyUnusable,
    /// It did not verify, and the server does not say why.
    NotVerified,
    /// The signature does not fit header and key.
    SignatureWrong,
    /// It aligns in relaxed mode only, and the domain publishes strict alignment.
    StrictOnly,
    /// `a=` is an algorithm that verifiers do not know.
    Algorithm,
    /// A sealer found the ARC chain broken.
    ArcChain,
    /// Instances are missing from the ARC chain.
    ArcGap,
    /// An ARC set lacks a field, or has one twice.
    ArcIncomplete,
    /// ARC fields without a valid instance.
    ArcInstance,
    /// `b=` has a length that no signature of its algorithm has.
    SignatureLength,
    /// `b=` is not base64.
    SignatureNoBase64,
    /// `bh=` is not a SHA-256 hash.
    BodyHashLength,
    /// How the body is to be read is not covered.
    BodyTypeNotCovered,
    /// `x=` was over when it arrived.
    Expired,
    /// `x=` is not later than `t=`.
    ExpiresBeforeSigned,
    /// Fields that readers see are not covered.
    FieldsNotCovered,
    /// From is not covered.
    FromNotCovered,
    /// `i=` is not at or below `d=`.
    IdentityOutside,
    /// The key is short.
    KeyShort,
    /// The key is too short for verifiers.
    KeyTooShort,
    /// `l=` covers a part of the body.
    BodyLength,
    /// `l=` covers more than there is.
    BodyLengthBeyondBody,
    /// `l=` is not a number.
    BodyLengthNoNumber,
    /// The field is not a list of tags.
    Malformed,
    /// Several From fields.
    ManyFrom,
    /// From names several domains.
    ManyFromDomains,
    /// Required tags are missing.
    MissingTag,
    /// No signature aligns with From.
    NoAlignedSignature,
    /// No From field.
    NoFrom,
    /// From names no domain.
    NoFromDomain,
    /// No Authentication-Results.
    NoResults,
    /// None of the servers that are believed.
    NoTrustedResults,
    /// Another From or Reply-To could be added.
    NotOversigned,
    /// The reverse-path is null.
    NullReversePath,
    /// `q=` names a query method that verifiers do not know.
    Query,
    /// Aligned in relaxed mode only.
    RelaxedOnly,
    /// A tag stands in it twice.
    RepeatedTag,
    /// Signed with rsa-sha1.
    RsaSha1,
    /// Valid for less than a day.
    ShortLife,
    /// Signed in the future.
    SignedInFuture,
    /// Header canonicalization is simple.
    SimpleHeader,
    /// SPF does not align.
    SpfNotAligned,
    /// The results are those of a server that nobody named as his own.
    UnnamedServer,
    /// No signature at all.
    Unsigned,
    /// `v=` is not 1.
    Version,
}

impl Code for MessageCode {
    fn as_str(self) -> &'static str {
        match self {
            MessageCode::BodyChanged => "body-changed",
            MessageCode::DmarcDiffers => "dmarc-differs",
            MessageCode::KeyMissing => "key-missing",
            MessageCode::KeyRevoked => "key-revoked",
            MessageCode::KeyUnreachable => "key-unreachable",
            MessageCode::KeyUnusable => "key-unusable",
            MessageCode::NotVerified => "not-verified",
            MessageCode::SignatureWrong => "signature-wrong",
            MessageCode::StrictOnly => "strict-alignment",
            MessageCode::Algorithm => "algorithm",
            MessageCode::ArcChain => "arc-chain",
            MessageCode::ArcGap => "arc-gap",
            MessageCode::ArcIncomplete => "arc-incomplete",
            MessageCode::ArcInstance => "arc-instance",
            MessageCode::SignatureLength => "b-length",
            MessageCode::SignatureNoBase64 => "b-no-base64",
            MessageCode::BodyHashLength => "bh-length",
            MessageCode::BodyTypeNotCovered => "body-type-not-covered",
            MessageCode::Expired => "expired",
            MessageCode::ExpiresBeforeSigned => "expires-before-signed",
            MessageCode::FieldsNotCovered => "fields-not-covered",
            MessageCode::FromNotCovered => "from-not-covered",
            MessageCode::IdentityOutside => "identity-outside",
            MessageCode::KeyShort => "key-short",
            MessageCode::KeyTooShort => "key-too-short",
            MessageCode::BodyLength => "l",
            MessageCode::BodyLengthBeyondBody => "l-beyond-body",
            MessageCode::BodyLengthNoNumber => "l-no-number",
            MessageCode::Malformed => "malformed",
            MessageCode::ManyFrom => "many-from",
            MessageCode::ManyFromDomains => "many-from-domains",
            MessageCode::MissingTag => "missing-tag",
            MessageCode::NoAlignedSignature => "no-aligned-signature",
            MessageCode::NoFrom => "no-from",
            MessageCode::NoFromDomain => "no-from-domain",
            MessageCode::NoResults => "no-results",
            MessageCode::NoTrustedResults => "no-trusted-results",
            MessageCode::NotOversigned => "not-oversigned",
            MessageCode::NullReversePath => "null-reverse-path",
            MessageCode::Query => "query",
            MessageCode::RelaxedOnly => "relaxed-only",
            MessageCode::RepeatedTag => "repeated-tag",
            MessageCode::RsaSha1 => "rsa-sha1",
            MessageCode::ShortLife => "short-life",
            MessageCode::SignedInFuture => "signed-in-future",
            MessageCode::SimpleHeader => "simple-header",
            MessageCode::SpfNotAligned => "spf-not-aligned",
            MessageCode::UnnamedServer => "unnamed-server",
            MessageCode::Unsigned => "unsigned",
            MessageCode::Version => "version",
        }
    }
}
