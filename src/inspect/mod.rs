//! One received message: do its signatures and SPF align with From, and what is missing or weak.
//!
//! Nothing is verified here: the keys are in DNS, and what a mail program saves is often no longer what arrived. What a
//! signature came to is the word of a server (`Authentication-Results`), and only one's own can be believed. What a
//! signature covers, as whom it signs and how strong it is, stands in the message itself.
//!
//! Of a failure report the message that it encloses is inspected, by the word of the reporter.

mod answer;
mod arc;
mod broken;
mod code;
mod enclosed;
mod findings;
mod header;
mod place;
mod results;
mod review;
mod signature;

pub use answer::{
    Aligned, ArcSet, Authserv, FailureReport, HandOver, Inspection, PathMatch, Place, Published, ResultsField,
    SignatureReview, SpfReview,
};
pub use code::{Finding, MessageCode};
pub use enclosed::inspect;
pub use place::place;
pub use review::NotAMessage;
