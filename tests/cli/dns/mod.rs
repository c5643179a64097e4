//! `dmarcstat dns` and `--resolve` against a real name server.

mod named;
mod receivers;
mod records;
mod resolve;

use std::fmt::Write as _;

/// A report on example.com of 2026-11-01: an address and the signatures of its mail, each record of ten messages with
/// failing SPF.
pub(super) fn report(records: &[(&str, &str)]) -> String {
    let mut report = "<feedback><report_metadata><org_name>reporter</org_name><report_id>1</report_id>\
        <date_range><begin>1793491200</begin><end>1793577599</end></date_range></report_metadata>\
        <policy_published><domain>example.com</domain><p>none</p></policy_published>"
        .to_owned();
    for (address, signatures) in records {
        write!(
            report,
            "<record><row><source_ip>{address}</source_ip><count>10</count><policy_evaluated><disposition>none</disposition>\
             <dkim>{}</dkim><spf>fail</spf></policy_evaluated></row><identifiers><header_from>example.com</header_from></identifiers>\
             <auth_results>{signatures}<spf><domain>example.com</domain><result>fail</result></spf></auth_results></record>",
            if signatures.contains("pass") { "pass" } else { "fail" }
        )
        .unwrap();
    }
    report + "</feedback>"
}
