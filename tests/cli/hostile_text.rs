//! Text of strangers: what they write into reports and mails is shown as text, and does nothing.

use serde_json::Value;

use crate::harness::{Ran, Sandbox};
use crate::make::{DKIM_AND_SPF, Report, gzip, mail, record};

/// What terminals obey, as XML can carry it and as it cannot.
const REFERENCES: &str = "&#27;[2J&#27;]0;owned&#7;&#x9b;31m&#127;&#8;&#13;&#10;&#9;&#0;&#x85;";
const LITERAL: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{7f}\u{8}\u{c}\u{b}\u{85}";

/// Every text field of a report, with `evil` in each.
fn report(id: &str, evil: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><feedback><version>1.0{evil}</version><report_metadata><org_name>Org {evil}</org_name>\
         <email>a@b.example {evil}</email><extra_contact_info>https://b.example/ {evil}</extra_contact_info>\
         <report_id>{id} {evil} id</report_id><date_range><begin>1790812800</begin><end>1790899199</end></date_range>\
         <error>error {evil}</error><generator>generator {evil}</generator></report_metadata>\
         <policy_published><domain>example.com</domain><discovery_method>psl{evil}</discovery_method>\
         <adkim>r{evil}</adkim><aspf>s{evil}</aspf><p>none{evil}</p><sp>none{evil}</sp><np>x{evil}</np><pct>9{evil}</pct>\
         <fo>1{evil}</fo><testing>n{evil}</testing></policy_published>\
         <record><row><source_ip>192.0.2.1{evil}</source_ip><count>2</count><policy_evaluated>\
         <disposition>none{evil}</disposition><dkim>pass{evil}</dkim><spf>fail{evil}</spf>\
         <reason><type>other{evil}</type><comment>comment {evil}</comment></reason></policy_evaluated></row>\
         <identifiers><header_from>example.com{evil}</header_from><envelope_from>b.example{evil}</envelope_from>\
         <envelope_to>c.example{evil}</envelope_to></identifiers><auth_results><dkim><domain>example.com{evil}</domain>\
         <selector>s1{evil}</selector><result>pass{evil}</result><human_result>human {evil}</human_result></dkim>\
         <spf><domain>b.example{evil}</domain><scope>mfrom{evil}</scope><result>pass{evil}</result>\
         <human_result>human {evil}</human_result></spf></auth_results></record>{}</feedback>",
        record("192.0.2.2", 3, "example.com", DKIM_AND_SPF)
    )
}

/// Asserts that nothing but text and line ends is in what people see. JSON escapes what it must and is exact beyond.
#[track_caller]
fn assert_plain(ran: &Ran) {
    let json = ran.stdout.starts_with(b"{");
    for (stream, text) in [("output", ran.text()), ("error", ran.stderr.as_str())] {
        let exact = |c: char| json && stream == "output" && c >= '\u{7f}';
        let bad = text.char_indices().find(|&(_, c)| c != '\n' && c.is_control() && !exact(c));
        if let Some((at, c)) = bad {
            let around: String = text[..at].chars().rev().take(60).collect::<Vec<_>>().into_iter().rev().collect();
            panic!("{c:?} on standard {stream} after {around:?}\n{}", ran.to_string().escape_debug());
        }
    }
}

/// Asks everything there is to ask, in every form, and asserts that all of it is plain.
fn ask_everything(sandbox: &Sandbox) {
    let list = sandbox.run(["reports", "--since", "all", "--format", "json"]).json();
    let ids: Vec<String> =
        list["reports"].as_array().into_iter().flatten().map(|report| report["id"].to_string()).collect();
    let entries = sandbox.run(["quarantine", "--format", "json"]).json();
    let entries: Vec<String> =
        entries["entries"].as_array().into_iter().flatten().map(|entry| entry["id"].to_string()).collect();
    let mut questions: Vec<Vec<&str>> = vec![vec!["quarantine"], vec!["reports", "no \u{1b}[2J such"]];
    for command in ["unsigned", "sources", "reports"] {
        questions.push(vec![command, "--since", "all"]);
    }
    questions.push(vec!["unsigned", "--since", "all", "--all"]);
    questions.push(vec!["selectors", "--since", "all", "--all", "--by-address"]);
    questions.push(vec!["changes", "--since", "all"]);
    let sources = sandbox.run(["sources", "--since", "all", "--format", "json"]).json();
    let paths: Vec<&str> =
        sources["paths"].as_array().into_iter().flatten().filter_map(|path| path["id"].as_str()).collect();
    questions.extend(paths.iter().map(|id| vec!["explain", id, "--since", "all"]));
    questions.push(vec!["explain", "no \u{1b}[2J such", "--since", "all"]);
    questions.extend(ids.iter().map(|id| vec!["reports", id]));
    questions.extend(entries.iter().map(|id| vec!["quarantine", "show", id]));
    for fields in ["own", "parsedmarc"] {
        let export = |format: &str| {
            let ran = sandbox.run(["export", "--since", "all", "--paths", "--fields", fields, "--format", format]);
            assert_plain(&ran);
            ran
        };
        assert_no_formulas(&export("csv"));
        crate::export::lines(&export("jsonl"));
    }
    for format in ["table", "markdown", "csv", "json", "html"] {
        for question in &questions {
            let ran = sandbox.run(question.iter().chain(&["--format", format]));
            assert_plain(&ran);
            if format == "json" && ran.status == 0 {
                ran.json();
            }
            if format == "csv" {
                assert_no_formulas(&ran);
            }
        }
    }
}

#[track_caller]
fn assert_no_formulas(ran: &Ran) {
    let mut rows = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(&ran.stdout[..]);
    for row in rows.records() {
        for cell in &row.expect("a row") {
            let formula = cell.trim_start().starts_with(['=', '+', '-', '@', '\t', '\r']);
            assert!(!formula || cell.parse::<f64>().is_ok(), "{cell:?} is a formula to a spreadsheet\n{ran}");
        }
    }
}

#[test]
fn control_characters_are_shown_as_text() {
    let sandbox = Sandbox::new();
    sandbox.write("references.xml", report("refs", REFERENCES));
    sandbox.write("literal.xml", report("literal", LITERAL));
    sandbox.write("packed.gz", gzip(report("latin", LITERAL).replace("UTF-8", "x\u{1b}[31m")));
    let subject = format!("Subject: =?utf-8?q?=1B[2J=07=C2=9B?= {LITERAL}\nX: ");
    for (name, kind) in [("mail.eml", "application/gzip"), ("odd.eml", "application/x-7z\u{1b}[2J")] {
        let bytes = mail("esc\u{1b}[2J", kind, "re\u{1b}[2J\u{9b}port.gz", &gzip(report(name, LITERAL)));
        sandbox.write(name, String::from_utf8(bytes).unwrap().replace("Subject: ", &subject));
    }
    let broken = mail("broken", "application/gzip", "b\u{1b}[2J.gz", &gzip(report("b", LITERAL))[..80]);
    sandbox.write("broken.eml", String::from_utf8(broken).unwrap().replace("Subject: ", &subject));
    sandbox.write("torn.xml", report("torn", LITERAL).replace("</identifiers>", &format!("</x{LITERAL}>")));
    sandbox.write("attribute.xml", report("a", "").replace("<feedback>", "<feedback xmlns=\"&#27;[2J\u{1b}[31m\">"));
    let mut files: Vec<String> = ["references.xml", "literal.xml", "packed.gz", "mail.eml", "odd.eml", "broken.eml"]
        .into_iter()
        .chain(["torn.xml", "attribute.xml", "gone\u{1b}[2J\u{9b}.xml"])
        .map(str::to_owned)
        .collect();
    if cfg!(unix) {
        files.push("name\u{1b}[2J\n\u{7}.xml".to_owned());
        sandbox.write(&files[files.len() - 1], report("name", LITERAL));
    }
    for format in ["table", "markdown", "json"] {
        for loud in ["-v", "-q"] {
            let ran =
                sandbox.run(["ingest", loud, "--format", format].into_iter().chain(files.iter().map(String::as_str)));
            assert_plain(&ran);
            assert_eq!(ran.status, 3, "{ran}");
        }
    }
    let (answer, _) = sandbox.ingest(&files.iter().map(|name| sandbox.path(name)).collect::<Vec<_>>());
    let known = answer["reports"]["duplicate"].as_u64().unwrap();
    assert!(known >= 3, "reports are read for all that: {answer:#}");
    ask_everything(&sandbox);
}

#[test]
fn mistakes_on_the_command_line_are_shown_as_text() {
    let sandbox = Sandbox::new();
    sandbox.write("config\u{1b}.toml", "[database]\n\"k\\u001b[2J\" = 1\n");
    let lines: [&[&str]; 4] = [
        &["sources", "--db", "no\u{1b}[2J.db"],
        &["sources", "--config", "no\u{1b}[2J.toml"],
        &["sources", "--config", "config\u{1b}.toml"],
        &["sources", "--domain", "\u{1b}[2J..", "--input", "x"],
    ];
    for line in lines {
        let ran = sandbox.run(line);
        assert_plain(&ran);
        assert!(matches!(ran.status, 1 | 2) && !ran.stderr.is_empty(), "{ran}");
    }
}

#[test]
fn a_cell_is_no_formula() {
    let sandbox = Sandbox::new();
    for (number, evil) in ["=cmd()", "+1+1", "-2-2", "@SUM(A1)", " =cmd()", "=1;|'x", "\"=cmd()"].iter().enumerate() {
        let escaped = evil.replace('"', "&quot;");
        let from =
            record("=cmd()", 4, &escaped, &DKIM_AND_SPF.replace("example.com", &escaped).replace("s1", &escaped));
        let xml = Report::new(&escaped).org(&escaped).day(number as i64).records(vec![from]).xml();
        sandbox.write(&format!("{number}.xml"), xml.replace("dmarc@mailhaven.example", &escaped));
        sandbox.write(&format!("={number}.xml"), "<feedback>");
    }
    sandbox.run(["ingest", "."]).exits(3);
    ask_everything(&sandbox);
}

#[test]
fn a_cell_breaks_out_of_no_table() {
    let sandbox = Sandbox::new();
    let evil = "a | b](https://x.example) <script>alert(1)</script> `c` \\| &amp;lt;";
    let escaped = evil.replace('<', "&lt;");
    sandbox.write("pipe.xml", Report::new(&escaped).org(&escaped).xml());
    sandbox.run(["ingest", "pipe.xml"]).exits(0);
    let ran = sandbox.run(["reports", "--since", "all", "--format", "markdown"]).exits(0);
    let bare = ran.text().replace("\\]", "");
    assert!(!bare.contains("<script>") && !bare.contains("](https"), "{ran}");
    let bars = |line: &str| line.replace("\\\\", "").replace("\\|", "").matches('|').count();
    let counts: Vec<usize> = ran.text().lines().filter(|line| line.starts_with('|')).map(bars).collect();
    assert!(counts.len() >= 3 && counts.windows(2).all(|pair| pair[0] == pair[1]), "{counts:?}\n{ran}");
}

#[test]
fn sql_in_a_report_id_is_text() {
    let sandbox = Sandbox::new();
    let id = "1'; DROP TABLE report; --\" OR 1=1 %_ ?1 :x";
    sandbox.write("sql.xml", Report::new(id).org("o'; DELETE FROM name; --").xml());
    sandbox.write("good.xml", Report::new("good").day(1).xml());
    sandbox.run(["ingest", "sql.xml", "good.xml"]).exits(0);
    let answer = sandbox.run(["reports", "--since", "all", "--format", "json"]).exits(0).json();
    let reports = answer["reports"].as_array().unwrap();
    assert_eq!(reports.len(), 2);
    assert!(reports.iter().any(|report| report["report_id"] == id && report["org_name"] == "o'; DELETE FROM name; --"));
    let one = sandbox.run(["reports", id, "--format", "json"]).exits(0).json();
    assert_eq!((&one["report"]["report_id"], &one["report"]["messages"]), (&Value::from(id), &Value::from(5)));
    sandbox.run(["reports", "x' OR '1'='1"]).exits(1);
    sandbox.run(["sources", "--since", "all", "--domain", "example.com' OR '1'='1"]).exits(2);
}
