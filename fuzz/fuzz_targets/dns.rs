//! The text of a record: DMARC, SPF, DKIM; and a whole review of a domain where every name has that text.

#![no_main]

use dmarcstat::dns::dkim::{DkimRecord, rsa_key};
use dmarcstat::dns::dmarc::DmarcRecord;
use dmarcstat::dns::spf::SpfRecord;
use dmarcstat::dns::{Answer, Kind, Lookup, Origin, Question, Records, Request, Selector, audit};
use libfuzzer_sys::fuzz_target;

/// Says the same whatever is asked.
struct Echo(String);

impl Lookup for Echo {
    fn look_up(&self, questions: &[Question]) -> Vec<Answer> {
        let answer = |question: &Question| match question.kind {
            Kind::Txt => Answer::Found(Records { aliases: Vec::new(), values: vec![self.0.clone()] }),
            Kind::Cname | Kind::Mx => {
                Answer::Found(Records { aliases: Vec::new(), values: vec![self.0.to_lowercase()] })
            }
            _ => Answer::NoData,
        };
        questions.iter().map(answer).collect()
    }
}

fuzz_target!(|bytes: &[u8]| {
    let _ = rsa_key(bytes);
    let text = String::from_utf8_lossy(bytes).into_owned();
    let _ = (DmarcRecord::parse(&text), SpfRecord::parse(&text), DkimRecord::parse(&text));
    let selector = text.chars().take(20).collect();
    let selectors = [Selector { domain: "example.com".to_owned(), selector, origin: Origin::Verified }];
    let request = Request { domain: "example.com", selectors: &selectors, ..Request::default() };
    let _ = audit(&Echo(text), &request);
});
