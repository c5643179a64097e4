//! DMARC records: where receivers find them, what they say, and what is wrong with them.

mod destinations;
mod discovery;
mod place;
mod policy;
mod record;
mod report_uri;
mod review;

pub use destinations::{Feeds, ReportAddress};
pub use discovery::{Discovery, Method, Walk, discover, questions};
pub use policy::Policy;
pub use record::{DmarcRecord, Psd, TagReview, TagState};
pub use report_uri::ReportUri;
pub use review::{DmarcReview, review};
