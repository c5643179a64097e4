//! What pages are like for those who look at them and for those who do not: width, contrast, landmarks, names, the order of the keyboard.
//!
//! A script of the test's goes through each page in a frame as wide as a phone or a desk, and writes down what it finds wrong. It computes
//! contrast by WCAG 2 (4.5:1; 3:1 for large text) from the colours that the browser says are in effect.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::harness::{Sandbox, files_of, fixture};
use crate::make::{DAY, gzip};
use crate::page::{chromium, hostile_reports};

/// Looks at one document in its frame.
const LOOK: &str = include_str!("look.js");
const PHONE: u32 = 390;
/// Just wide enough for tables.
const TABLET: u32 = 961;
/// Just wide enough for names that are whole.
const NOTEBOOK: u32 = 1121;
const DESK: u32 = 1280;

/// What is wrong with pages at a width, as `page: fault`; nothing at all where there is no browser.
fn faults(sandbox: &Sandbox, name: &str, pages: &[PathBuf], width: u32, more: &[&str]) -> Option<Vec<String>> {
    let quoted = |text: &str| text.replace('&', "&amp;").replace('"', "&quot;");
    let frames: Vec<String> = pages
        .iter()
        .map(|page| {
            // The page lets no script run; that of the test runs outside and looks in.
            let html = std::fs::read_to_string(page).unwrap().replace("default-src 'none';", "");
            let file = page.file_name().unwrap().to_string_lossy();
            format!(
                "<iframe title=\"{file}\" width={width} height=800 style=\"border:0\" srcdoc=\"{}\"></iframe>",
                quoted(&html)
            )
        })
        .collect();
    let outer = format!("<!DOCTYPE html><title>?</title><body>{}<script>{LOOK}</script>", frames.concat());
    let path = sandbox.write(&format!("{name}.html"), outer);
    let mut options = vec!["--virtual-time-budget=20000".to_owned(), "--dump-dom".to_owned()];
    options.extend(more.iter().map(|&option| option.to_owned()));
    let dom = chromium(sandbox, &format!("profile-{name}"), &path, &options)?;
    let (_, rest) = dom.rsplit_once("<title>").unwrap_or_else(|| panic!("no title: {dom:.400}"));
    let found = rest.split("</title>").next().unwrap();
    let found = found.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let found: Value = serde_json::from_str(&found).unwrap_or_else(|error| panic!("{error}: {found:.400}"));
    assert_eq!(found["looked"], pages.len(), "all pages were looked at");
    assert!(found["texts"].as_u64().unwrap() > 20, "there are texts in them: {found}");
    Some(found["faults"].as_array().unwrap().iter().map(|fault| fault.as_str().unwrap().to_owned()).collect())
}

/// A folder of pages of the sample mailbox, with reports on TLS in which something fails.
fn pages(sandbox: &Sandbox) -> Vec<PathBuf> {
    let mailbox = fixture("mailbox").display().to_string();
    for day in 0..9_i64 {
        let time = |second: i64| jiff::Timestamp::from_second(1_794_355_200 + day * DAY + second).unwrap().to_string();
        let report = json!({
            "organization-name": "Posthorn", "contact-info": "tls@posthorn.example", "report-id": format!("tls-{day}"),
            "date-range": { "start-datetime": time(0), "end-datetime": time(DAY - 1) },
            "policies": [{
                "policy": { "policy-type": "sts", "policy-domain": "brightwater.example", "policy-string": ["mode: enforce"] },
                "summary": { "total-successful-session-count": 90, "total-failure-session-count": 7 },
                "failure-details": [{ "result-type": "certificate-expired", "failed-session-count": 7,
                    "receiving-mx-hostname": "a-long-name-of-a-mail-server.brightwater.example" }],
            }],
        });
        sandbox.write(&format!("tls/{day}.json.gz"), gzip(report.to_string()));
    }
    let arguments = ["site", "pages", "--since", "30d", "--as-of", "2026-11-22", "--input", &mailbox, "tls"];
    sandbox.run(arguments).exits(0);
    files_of(&sandbox.path("pages")).into_iter().filter(|path| is_page(path)).collect()
}

fn is_page(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "html")
}

const NOTHING: Vec<String> = Vec::new();

#[test]
fn pages_are_fit_for_phone_desk_dark_and_those_who_hear_them() {
    let sandbox = Sandbox::new();
    let pages = pages(&sandbox);
    assert!(pages.iter().any(|page| page.ends_with("tls.html")));
    let look = |name: &str, width, more: &[&str]| faults(&sandbox, name, &pages, width, more);
    let Some(found) = look("phone", PHONE, &[]) else { return };
    assert_eq!(found, NOTHING);
    assert_eq!(look("tablet", TABLET, &[]), Some(NOTHING));
    assert_eq!(look("notebook", NOTEBOOK, &[]), Some(NOTHING));
    assert_eq!(look("desk", DESK, &[]), Some(NOTHING));
    assert_eq!(look("dark", DESK, &["--blink-settings=preferredColorScheme=0"]), Some(NOTHING));
}

#[test]
fn hostile_names_break_no_page() {
    let sandbox = Sandbox::new();
    let files = hostile_reports(&sandbox);
    let arguments = ["site", "pages", "--as-of", "2026-10-31", "--input"].into_iter().map(str::to_owned);
    sandbox.run(arguments.chain(files)).exits(0);
    let pages: Vec<PathBuf> = files_of(&sandbox.path("pages")).into_iter().filter(|path| is_page(path)).collect();
    let Some(found) = faults(&sandbox, "hostile-phone", &pages, PHONE, &[]) else { return };
    assert_eq!(found, NOTHING);
    assert_eq!(faults(&sandbox, "hostile-tablet", &pages, TABLET, &[]), Some(NOTHING));
    assert_eq!(faults(&sandbox, "hostile-desk", &pages, DESK, &[]), Some(NOTHING));
}

#[test]
fn the_look_finds_what_is_wrong() {
    let sandbox = Sandbox::new();
    let filler = "<p>Text.</p>".repeat(30);
    let bad = format!(
        "<!DOCTYPE html><html><head><title></title></head><body><h1>A</h1><h3>B</h3><p style='color:#999'>pale</p>\
         <div style='width:3000px'>wide</div><a href='x.html'></a><svg role='img'></svg><b id=i></b><b id=i></b>\
         <table><tr><td>1</td></tr></table><a href='y.html' tabindex=3>jumps</a>{filler}</body></html>"
    );
    let page = sandbox.write("bad.html", bad);
    let Some(found) = faults(&sandbox, "bad", &[page], DESK, &[]) else { return };
    let found = found.join("\n");
    for fault in [
        "no language",
        "no title",
        "no main",
        "h3 after h1",
        "contrast 2.8",
        "wider",
        "a link without a name",
        "a picture without a name",
        "two of the id i",
        "a table without headings",
        "tabindex 3",
    ] {
        assert!(found.contains(fault), "{fault}\n{found}");
    }
}
