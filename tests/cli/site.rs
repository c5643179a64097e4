//! The folder of pages, and answers as pages.

use std::collections::BTreeSet;
use std::path::Path;

use crate::harness::{Sandbox, files_of, fixture};
use crate::make::{DKIM_AND_SPF, Report, record};
use crate::page::{hostile_reports, width_on_a_phone};

const TODAY: [&str; 2] = ["--as-of", "2026-11-22"];

/// The names of the files of a folder.
fn names(folder: &Path) -> BTreeSet<String> {
    files_of(folder).iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

/// The pages that a page leads to.
fn links(html: &str) -> Vec<&str> {
    html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

fn sample(sandbox: &Sandbox, folder: &str) {
    let mailbox = fixture("mailbox").display().to_string();
    let arguments = ["site", folder, "--since", "14d"].into_iter().chain(TODAY);
    sandbox.run(arguments.chain(["--input", &mailbox])).exits(0);
}

#[test]
fn every_page_is_there_and_leads_only_to_others() {
    let sandbox = Sandbox::new();
    sample(&sandbox, "out/site");
    let folder = sandbox.path("out/site");
    let files = names(&folder);
    for name in ["index.html", "domain-brightwater.example.html", "domain-brightwater.example-paths.html"] {
        assert!(files.contains(name), "{name}: {files:?}");
    }
    let listed = std::fs::read_to_string(folder.join("dmarcstat-pages.txt")).unwrap();
    let listed: BTreeSet<String> = listed.lines().chain(["dmarcstat-pages.txt"]).map(str::to_owned).collect();
    assert_eq!(listed, files);
    let mut reached: BTreeSet<String> = ["index.html".to_owned(), "dmarcstat-pages.txt".to_owned()].into();
    for name in files.iter().filter(|name| name.ends_with(".html")) {
        let html = std::fs::read_to_string(folder.join(name)).unwrap();
        for missing in ["<script", " src=", "javascript:", "http-equiv=\"refresh\"", "@import", "<iframe"] {
            assert!(!html.contains(missing), "{name}: {missing}");
        }
        assert!(html.contains("default-src 'none'") && html.matches("<h1").count() == 1, "{name}");
        for link in links(&html) {
            assert!(files.contains(link), "{name} leads to {link}");
            reached.insert(link.to_owned());
        }
    }
    assert_eq!(reached, files, "every page can be reached");
    let index = std::fs::read_to_string(folder.join("index.html")).unwrap();
    assert!(index.contains("● not-") && index.contains("class=\"marks\""), "{index}");
    let paths = std::fs::read_to_string(folder.join("domain-brightwater.example-paths.html")).unwrap();
    assert!(paths.contains("Mail per day by outcome") && paths.contains("Mail per day by sender"));
}

#[test]
fn the_page_of_a_path_is_what_explain_says_of_it() {
    let sandbox = Sandbox::new();
    sample(&sandbox, "site");
    let mailbox = fixture("mailbox").display().to_string();
    let read = |name: &str| std::fs::read_to_string(sandbox.path(name)).unwrap();
    // Above the heading is how pages lead to each other.
    let below_heading = |html: &str| html.split_once("<h1").expect("a heading").1.to_owned();
    for domain in ["brightwater.example", "brightwater-shop.example"] {
        let paths = read(&format!("site/domain-{domain}-paths.html"));
        let pages: BTreeSet<&str> = links(&paths).into_iter().filter(|link| link.starts_with("path-")).collect();
        assert!(pages.len() > 2, "{pages:?}");
        for page in pages {
            let id = page.trim_start_matches("path-").trim_end_matches(".html");
            let asked = ["explain", id, "-d", domain, "--since", "14d", "--html", "alone.html", "--input", &mailbox];
            sandbox.run(asked.into_iter().chain(TODAY)).exits(0);
            assert_eq!(below_heading(&read(&format!("site/{page}"))), below_heading(&read("alone.html")), "{page}");
        }
    }
}

#[test]
fn a_folder_of_something_else_is_left_alone_and_old_pages_go() {
    let sandbox = Sandbox::new();
    sandbox.write("mine/letter.txt", "x");
    let mailbox = fixture("mailbox").display().to_string();
    let ask = |folder: &str| sandbox.run(["site", folder, "--as-of", "2026-11-22", "--input", &mailbox]);
    ask("mine").exits(1).says("letter.txt");
    assert_eq!(names(&sandbox.path("mine")).len(), 1);
    let old = Report::new("old").records(vec![record("192.0.2.1", 5, "example.com", DKIM_AND_SPF)]).xml();
    let old = sandbox.write("old.xml", old).display().to_string();
    sandbox.run(["site", "pages", "--as-of", "2026-10-03", "--input", &old]).exits(0);
    assert!(names(&sandbox.path("pages")).contains("domain-example.com.html"));
    // A run that was stopped half way is not an obstacle.
    sandbox.write("pages/.dmarcstat-half", "x");
    ask("pages").exits(0);
    let now = names(&sandbox.path("pages"));
    assert!(!now.contains("domain-example.com.html") && now.contains("domain-brightwater.example.html"), "{now:?}");
    sandbox.write("pages/notes.txt", "x");
    ask("pages").exits(1).says("notes.txt");
}

#[test]
fn answers_are_pages() {
    let sandbox = Sandbox::new();
    let mailbox = fixture("mailbox").display().to_string();
    for question in
        [&["unsigned"][..], &["sources"], &["explain", "microsoft 365 (brightwater)"], &["changes"], &["selectors"]]
    {
        let page = sandbox.path(&format!("{}.html", question[0]));
        let ask = |more: &[&str]| {
            let options = ["--since", "14d", "--as-of", "2026-11-22", "--input", &mailbox];
            sandbox.run(question.iter().chain(more).chain(&options)).exits(0)
        };
        let ran = ask(&["--html", page.to_str().unwrap()]);
        assert!(ran.text().contains("page written to") && ran.text().lines().count() == 1, "{ran}");
        let html = std::fs::read_to_string(&page).unwrap();
        assert!(html.starts_with("<!DOCTYPE html>") && links(&html).is_empty(), "{}", page.display());
        assert_eq!(html, ask(&["--format", "html"]).text());
        // Code is code: no backtick stands in a page, and nothing to be copied is cut.
        assert!(!html.contains('`') && !html.contains("…</code>") && !html.contains("…</pre>"), "{}", page.display());
        let Some(measured) = width_on_a_phone(&sandbox, &page) else { continue };
        assert!(measured.starts_with("375 "), "{}: {measured}", page.display());
    }
}

#[test]
fn hostile_names_stay_in_the_folder() {
    let sandbox = Sandbox::new();
    let files = hostile_reports(&sandbox);
    let arguments = ["site", "pages", "--as-of", "2026-10-31", "--input"].into_iter().map(str::to_owned);
    sandbox.run(arguments.chain(files)).exits(0);
    for name in names(&sandbox.path("pages")) {
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-')), "{name}");
        let page = sandbox.path("pages").join(&name);
        let html = std::fs::read_to_string(&page).unwrap();
        for bad in ["<script", "\" onload", "\u{202e}", "\u{200b}"] {
            assert!(!html.contains(bad), "{name}: {bad:?}");
        }
    }
}
