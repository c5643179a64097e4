//! Makes reports, mails and archives for tests.

use std::fmt::Write as _;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

/// The first second of 2026-10-01.
pub(crate) const OCTOBER: i64 = 1_790_812_800;
pub(crate) const DAY: i64 = 86_400;

/// Numbers that look random and are the same on every run.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, below: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below.max(1)
    }
}

/// A report of the usual form.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) org: String,
    pub(crate) id: String,
    pub(crate) domain: String,
    pub(crate) begin: i64,
    pub(crate) records: Vec<String>,
}

impl Report {
    pub(crate) fn new(id: &str) -> Self {
        Report {
            org: "Mailhaven".to_owned(),
            id: id.to_owned(),
            domain: "example.com".to_owned(),
            begin: OCTOBER,
            records: vec![record("192.0.2.1", 5, "example.com", DKIM_AND_SPF)],
        }
    }

    /// The first day of the period, counted from 2026-10-01.
    pub(crate) fn day(mut self, day: i64) -> Self {
        self.begin = OCTOBER + day * DAY;
        self
    }

    pub(crate) fn domain(mut self, domain: &str) -> Self {
        self.domain = domain.to_owned();
        self
    }

    pub(crate) fn org(mut self, org: &str) -> Self {
        self.org = org.to_owned();
        self
    }

    pub(crate) fn records(mut self, records: Vec<String>) -> Self {
        self.records = records;
        self
    }

    pub(crate) fn xml(&self) -> String {
        let Report { org, id, domain, begin, records } = self;
        let end = begin + DAY - 1;
        let mut xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feedback><version>1.0</version><report_metadata>\
             <org_name>{org}</org_name><email>dmarc@mailhaven.example</email><report_id>{id}</report_id>\
             <date_range><begin>{begin}</begin><end>{end}</end></date_range></report_metadata>\
             <policy_published><domain>{domain}</domain><adkim>r</adkim><aspf>r</aspf><p>none</p><sp>none</sp>\
             <pct>100</pct></policy_published>"
        );
        records.iter().for_each(|record| xml.push_str(record));
        xml.push_str("</feedback>\n");
        xml
    }
}

pub(crate) const DKIM_AND_SPF: &str = "<dkim><domain>example.com</domain><selector>s1</selector><result>pass</result>\
                                       </dkim><spf><domain>example.com</domain><scope>mfrom</scope><result>pass\
                                       </result></spf>";

/// A record with what lies in `auth_results`; evaluated as it says there.
pub(crate) fn record(address: &str, count: u64, from: &str, results: &str) -> String {
    let verdict = |there: bool| if there { "pass" } else { "fail" };
    let dkim = verdict(results.contains("<dkim>") && results.contains("pass"));
    let spf = verdict(results.contains("<spf>") && results.contains("pass"));
    format!(
        "<record><row><source_ip>{address}</source_ip><count>{count}</count><policy_evaluated><disposition>none\
         </disposition><dkim>{dkim}</dkim><spf>{spf}</spf></policy_evaluated></row><identifiers><header_from>{from}\
         </header_from></identifiers><auth_results>{results}</auth_results></record>\n"
    )
}

/// A number of records, no two alike.
pub(crate) fn many_records(number: u64, dice: &mut Dice) -> Vec<String> {
    (0..number)
        .map(|at| {
            let address = format!("10.{}.{}.{}", at >> 16 & 255, at >> 8 & 255, at & 255);
            let selector = format!("s{}", dice.roll(7));
            let results = DKIM_AND_SPF.replace("s1", &selector);
            record(&address, 1 + dice.roll(9), "example.com", &results)
        })
        .collect()
}

pub(crate) fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes.as_ref()).expect("memory");
    encoder.finish().expect("memory")
}

/// A zip of members, deflated.
pub(crate) fn zip<N: AsRef<str>, B: AsRef<[u8]>>(members: &[(N, B)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(name.as_ref(), zip::write::SimpleFileOptions::default()).expect("a member");
        writer.write_all(bytes.as_ref()).expect("memory");
    }
    writer.finish().expect("a zip").into_inner()
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
    let mut lines = String::new();
    for line in text.as_bytes().chunks(76) {
        let _ = writeln!(lines, "{}", std::str::from_utf8(line).expect("base64"));
    }
    lines
}

/// A mail with one attachment.
pub(crate) fn mail(id: &str, kind: &str, file_name: &str, bytes: &[u8]) -> Vec<u8> {
    format!(
        "From: dmarc@mailhaven.example\nTo: rua@example.com\nDate: Fri, 02 Oct 2026 03:04:05 +0000\n\
         Subject: Report Domain: example.com Submitter: mailhaven.example Report-ID: <{id}>\n\
         Message-ID: <{id}@mailhaven.example>\nMIME-Version: 1.0\nContent-Type: {kind}; name=\"{file_name}\"\n\
         Content-Disposition: attachment; filename=\"{file_name}\"\nContent-Transfer-Encoding: base64\n\n{}",
        base64(bytes)
    )
    .into_bytes()
}

/// A signature that a report lists: `d=`, `s=`, its result.
pub(crate) type Signature<'s> = (&'s str, &'s str, &'s str);

/// A record whose evaluation is that of its signatures and its SPF check (domain, result), which align where they are
/// example.com's or of a name below it. `done` says what was done, and why, by whether one of them passes.
pub(crate) fn evaluated(
    from: &str,
    address: &str,
    count: u64,
    dkim: &[Signature<'_>],
    spf: (&str, &str),
    done: impl Fn(bool) -> (&'static str, String),
) -> String {
    let own = |name: &str| name == "example.com" || name.ends_with(".example.com");
    let by_dkim = dkim.iter().any(|(domain, _, result)| own(domain) && *result == "pass");
    let by_spf = own(spf.0) && spf.1 == "pass";
    let [dkim_word, spf_word] = [by_dkim, by_spf].map(|passes| if passes { "pass" } else { "fail" });
    let (disposition, reason) = done(by_dkim || by_spf);
    let signature = |(domain, selector, result): &Signature<'_>| {
        format!("<dkim><domain>{domain}</domain><selector>{selector}</selector><result>{result}</result></dkim>")
    };
    let signatures: String = dkim.iter().map(signature).collect();
    format!(
        "<record><row><source_ip>{address}</source_ip><count>{count}</count><policy_evaluated><disposition>{disposition}\
         </disposition><dkim>{dkim_word}</dkim><spf>{spf_word}</spf>{reason}</policy_evaluated></row><identifiers>\
         <header_from>{from}</header_from></identifiers><auth_results>{signatures}<spf><domain>{}</domain>\
         <result>{}</result></spf></auth_results></record>",
        spf.0, spf.1
    )
}
