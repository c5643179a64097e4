//! The review as a page: what is in it, and what it looks like in a browser.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{Sandbox, fixture};
use crate::make::{DKIM_AND_SPF, Report, record};
use crate::needs::program;

/// The page of the sample mailbox's review.
fn page(sandbox: &Sandbox) -> PathBuf {
    let (path, mailbox) = (sandbox.path("review.html"), fixture("mailbox"));
    let (html, mailbox) = (path.to_str().unwrap(), mailbox.to_str().unwrap());
    let arguments = ["readiness", "brightwater.example", "--as-of", "2026-11-22", "--since", "30d", "--html", html];
    sandbox.run(arguments.into_iter().chain(["--input", mailbox])).exits(4);
    path
}

#[test]
fn the_page_stands_alone_and_says_how_it_came_about() {
    let sandbox = Sandbox::new();
    let html = std::fs::read_to_string(page(&sandbox)).unwrap();
    for missing in
        ["<script", "http-equiv=\"refresh\"", " src=", "href=", "@import", "javascript:", "onload", "<iframe"]
    {
        assert!(!html.contains(missing), "{missing}");
    }
    // Addresses may be named; nothing is fetched from them.
    assert!(html.contains("default-src 'none'"));
    for there in [
        "<!DOCTYPE html><html lang=\"en\">",
        "name=\"viewport\"",
        "not ready for p=reject",
        "role=\"img\" aria-label=\"Of 2",
        "Bar chart of messages each day",
        "<th scope=\"col\">",
        "<th scope=\"row\">",
        "min_days=28",
        "2026-10-23 to 2026-11-21",
        concat!("dmarcstat ", env!("CARGO_PKG_VERSION")),
        "prefers-color-scheme:dark",
    ] {
        assert!(html.contains(there), "{there}");
    }
    assert_eq!(html.matches("<h1").count(), 1);
}

#[test]
fn a_page_that_cannot_be_written_is_an_error_and_leaves_nothing() {
    let sandbox = Sandbox::new();
    let mailbox = fixture("mailbox");
    let gone = sandbox.path("no/such/folder/review.html");
    let arguments = ["readiness", "brightwater.example", "--html", gone.to_str().unwrap(), "--input"];
    sandbox.run(arguments.into_iter().chain([mailbox.to_str().unwrap()])).exits(1).says("cannot write");
    let folder = sandbox.path("a-folder");
    std::fs::create_dir(&folder).unwrap();
    let arguments = ["readiness", "brightwater.example", "--html", folder.to_str().unwrap(), "--input"];
    sandbox.run(arguments.into_iter().chain([mailbox.to_str().unwrap()])).exits(1).says("cannot write");
    assert_eq!(std::fs::read_dir(sandbox.work()).unwrap().count(), 1);
}

/// Everything in the folder of a sandbox, and the database.
fn files(sandbox: &Sandbox) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(sandbox.work()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
    files.sort();
    files
}

#[test]
fn no_file_that_is_not_ours_is_written_over() {
    let sandbox = Sandbox::new();
    let xml = sandbox.write("r.xml", Report::new("r").xml()).display().to_string();
    for db in ["own.db", "second.db"] {
        sandbox.run(["ingest", &xml, "--db", db]).exits(0);
    }
    sandbox.write("config.toml", "[owner]\ndomains = [\"example.com\"]\n");
    sandbox.write("empty.toml", "");
    sandbox.write("letter.txt", "Dear Sir or Madam");
    sandbox.write("other.html", "<!DOCTYPE html><html><head><title>dmarcstat</title></head></html>");
    sandbox.write("other.prom", "# HELP node_up Whether.\n");
    std::fs::hard_link(sandbox.path("own.db"), sandbox.path("hard.db")).unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("own.db", sandbox.path("link.db")).unwrap();
        std::os::unix::fs::symlink("config.toml", sandbox.path("link.toml")).unwrap();
    }
    let before = files(&sandbox);
    let commands: [&[&str]; 8] = [
        &["unsigned", "--html"],
        &["sources", "--html"],
        &["selectors", "--html"],
        &["changes", "--html"],
        &["tls", "--html"],
        &["explain", "192.0.2.1", "--html"],
        &["readiness", "example.com", "--html"],
        &["metrics", "-o"],
    ];
    let run = |command: &[&str], file: &str, db: &str, config: &str| {
        let place = [file, "--db", db, "--config", config, "--since", "all"];
        sandbox.run(command.iter().chain(&place))
    };
    let refused = |command: &[&str], file: &str, db: &str, config: &str, why: &str| {
        let ran = run(command, file, db, config).exits(2).says(&format!("dmarcstat: {file} {why}"));
        assert!(ran.stdout.is_empty(), "{ran}");
        assert!(files(&sandbox) == before, "{file} was touched\n{ran}");
    };
    for command in commands {
        refused(command, "own.db", "own.db", "config.toml", "belongs to the database");
        refused(command, "config.toml", "own.db", "config.toml", "is the configuration file");
        refused(command, "second.db", "own.db", "config.toml", "exists and is no ");
    }
    let (page, metrics) = (commands[0], commands[7]);
    for command in [page, metrics] {
        refused(command, "hard.db", "own.db", "config.toml", "belongs to the database");
        refused(command, "own.db-wal", "own.db", "config.toml", "belongs to the database");
        refused(command, "./own.db-shm", "own.db", "config.toml", "belongs to the database");
        refused(command, "empty.toml", "own.db", "empty.toml", "is the configuration file");
        refused(command, "letter.txt", "own.db", "config.toml", "exists and is no ");
        refused(command, "other.html", "own.db", "config.toml", "exists and is no ");
        refused(command, "other.prom", "own.db", "config.toml", "exists and is no ");
        if cfg!(unix) {
            refused(command, "own.db", "link.db", "config.toml", "belongs to the database");
            refused(command, "own.db-wal", "link.db", "config.toml", "belongs to the database");
            refused(command, "link.db", "own.db", "config.toml", "belongs to the database");
            refused(command, "link.toml", "own.db", "config.toml", "is the configuration file");
        }
    }
    // What is new, empty, or was written by the same command, is written; a page is no metrics file.
    sandbox.write("empty.html", "");
    sandbox.write("empty.prom", "");
    for (command, file) in [(page, "new.html"), (page, "empty.html"), (metrics, "new.prom"), (metrics, "empty.prom")] {
        for _ in 0..2 {
            run(command, file, "own.db", "config.toml").exits(0);
        }
        assert!(std::fs::metadata(sandbox.path(file)).unwrap().len() > 1000, "{file}");
    }
    run(page, "new.prom", "own.db", "config.toml").exits(2).says("is no page of dmarcstat");
    run(metrics, "new.html", "own.db", "config.toml").exits(2).says("is no metrics file of dmarcstat");
}

/// Reports in which every text that a stranger may write is hostile.
pub(crate) fn hostile_reports(sandbox: &Sandbox) -> Vec<String> {
    let evil = "&lt;script&gt;alert(1)&lt;/script&gt;&quot; onload=&quot;x &#x202e;&#x200b;";
    let long = "x".repeat(3000);
    let results = DKIM_AND_SPF.replace("s1", &format!("{evil}{long}"));
    let reason = format!("<reason><type>{evil}</type><comment>{evil}{long}</comment></reason></policy_evaluated>");
    let failing = record("203.0.113.9", 2, "example.com", &DKIM_AND_SPF.replace("pass", "fail"))
        .replace("</policy_evaluated>", &reason);
    let hosts = record("203.0.113.10", 30, &format!("{evil}.example.com"), DKIM_AND_SPF);
    let long_host = record("203.0.113.11", 30, &format!("{long}.example.com"), DKIM_AND_SPF);
    let mut paths = Vec::new();
    for day in 0..30 {
        let records =
            vec![record("192.0.2.1", 50, "example.com", &results), failing.clone(), hosts.clone(), long_host.clone()];
        let report = Report::new(&format!("r{day}")).org(&format!("{evil}{long}")).day(day).records(records);
        let xml =
            report.xml().replace("<p>none</p>", "<p>reject</p>").replace("<sp>none</sp>", &format!("<sp>{evil}</sp>"));
        paths.push(sandbox.write(&format!("{day}.xml"), xml).display().to_string());
    }
    paths
}

/// A review of them.
fn hostile_page(sandbox: &Sandbox) -> PathBuf {
    let paths = hostile_reports(sandbox);
    let html = sandbox.path("hostile.html");
    let mut arguments =
        vec!["readiness", "example.com", "--as-of", "2026-10-31", "--html", html.to_str().unwrap(), "--input"];
    arguments.extend(paths.iter().map(String::as_str));
    sandbox.run(arguments).exits(4);
    html
}

#[test]
fn hostile_text_is_text() {
    let sandbox = Sandbox::new();
    let html = std::fs::read_to_string(hostile_page(&sandbox)).unwrap();
    assert!(html.contains("&lt;script&gt;"));
    for bad in ["<script", "\" onload", "\u{202e}", "\u{200b}"] {
        assert!(!html.contains(bad), "{bad:?}");
    }
    assert!(html.len() < 200_000, "{}", html.len());
}

/// Debian's Chromium, without a window and without a word to anybody; what it prints.
pub(crate) fn chromium(sandbox: &Sandbox, profile: &str, page: &Path, more: &[String]) -> Option<String> {
    let browser = program("chromium", "chromium")?;
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg(format!("--user-data-dir={}", sandbox.path(profile).display()))
        .args(more)
        .arg(format!("file://{}", page.display()))
        .output()
        .expect("chromium runs");
    assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What a page measures of itself in a frame as wide as a phone: a script of the test's writes it into the document.
pub(crate) fn width_on_a_phone(sandbox: &Sandbox, page: &Path) -> Option<String> {
    let html = std::fs::read_to_string(page).unwrap();
    // A browser's window is never narrower than 500 pixels; a frame is.
    let framed = html.replace("default-src 'none';", "").replace('&', "&amp;").replace('"', "&quot;");
    let measure = "const d=document.querySelector('iframe').contentDocument.documentElement;\
        document.title=d.scrollWidth+' '+d.scrollHeight;document.body.textContent=document.title";
    let outer = format!(
        "<!DOCTYPE html><body><iframe width=375 height=800 style='border:0' srcdoc=\"{framed}\" onload=\"{measure}\"></iframe>"
    );
    let path = sandbox.write("frame.html", outer);
    let options = ["--virtual-time-budget=5000".to_owned(), "--dump-dom".to_owned()];
    let dom = chromium(sandbox, "profile-frame", &path, &options)?;
    let (_, rest) = dom.split_once("<title>").unwrap_or_else(|| panic!("no measure: {dom:.400}"));
    Some(rest.split('<').next().unwrap().to_owned())
}

/// The pixels of a picture as rows of RGBA, by a reader of PNG that knows what Chromium writes.
fn pixels(path: &Path) -> (usize, Vec<u8>) {
    let bytes = std::fs::read(path).unwrap();
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let (width, depth, kind) = (number(16), bytes[24], bytes[25]);
    assert!(depth == 8 && matches!(kind, 2 | 6), "depth {depth}, kind {kind}");
    let channels = if kind == 6 { 4 } else { 3 };
    let (mut at, mut packed) = (8, Vec::new());
    while at + 8 <= bytes.len() {
        let length = number(at);
        if &bytes[at + 4..at + 8] == b"IDAT" {
            packed.extend_from_slice(&bytes[at + 8..at + 8 + length]);
        }
        at += length + 12;
    }
    let mut raw = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::ZlibDecoder::new(packed.as_slice()), &mut raw).unwrap();
    let stride = width * channels;
    let mut out: Vec<u8> = Vec::with_capacity(raw.len());
    for row in raw.chunks(stride + 1).filter(|row| row.len() == stride + 1) {
        let begin = out.len();
        for (column, &byte) in row[1..].iter().enumerate() {
            let left = if column >= channels { out[begin + column - channels] } else { 0 };
            let up = if begin > 0 { out[begin + column - stride] } else { 0 };
            let corner = if begin > 0 && column >= channels { out[begin + column - stride - channels] } else { 0 };
            let paeth = {
                let (a, b, c) = (i32::from(left), i32::from(up), i32::from(corner));
                let estimate = a + b - c;
                let (pa, pb, pc) = ((estimate - a).abs(), (estimate - b).abs(), (estimate - c).abs());
                if pa <= pb && pa <= pc {
                    left
                } else if pb <= pc {
                    up
                } else {
                    corner
                }
            };
            let predicted = match row[0] {
                0 => 0,
                1 => left,
                2 => up,
                3 => ((u16::from(left) + u16::from(up)) / 2) as u8,
                _ => paeth,
            };
            out.push(byte.wrapping_add(predicted));
        }
    }
    (channels, out)
}

/// How bright a picture is, from 0 to 255, and how many colours it has.
fn look(path: &Path) -> (u64, usize) {
    let (channels, pixels) = pixels(path);
    let mut colours = std::collections::BTreeSet::new();
    let (mut sum, mut count) = (0_u64, 0_u64);
    for pixel in pixels.chunks(channels).step_by(7) {
        sum += pixel[..3].iter().map(|&value| u64::from(value)).sum::<u64>() / 3;
        count += 1;
        colours.insert(pixel[..3].to_vec());
    }
    (sum / count, colours.len())
}

#[test]
fn light_and_dark_are_pictures_of_something() {
    let sandbox = Sandbox::new();
    let page = page(&sandbox);
    let shot = |name: &str, more: &[&str]| {
        let picture = sandbox.path(&format!("{name}.png"));
        let mut options = vec!["--window-size=1000,3000".to_owned(), format!("--screenshot={}", picture.display())];
        options.extend(more.iter().map(|&text| text.to_owned()));
        chromium(&sandbox, &format!("profile-{name}"), &page, &options).map(|_| look(&picture))
    };
    let Some((light, colours)) = shot("light", &[]) else { return };
    let Some((dark, dark_colours)) = shot("dark", &["--blink-settings=preferredColorScheme=0"]) else { return };
    assert!(colours > 100 && dark_colours > 100, "blank: {colours} and {dark_colours} colours");
    assert!(light > 200 && dark < 80, "brightness {light} in light, {dark} in dark");
}

/// A review of two hundred paths, of which many want work, and thirty subdomains.
fn large_page(sandbox: &Sandbox) -> PathBuf {
    let unsigned = "<spf><domain>example.com</domain><scope>mfrom</scope><result>pass</result></spf>";
    let mut records = Vec::new();
    for network in 0..200 {
        let results = if network % 3 == 0 { DKIM_AND_SPF } else { unsigned };
        records.push(record(&format!("10.0.{network}.1"), 5, "example.com", results));
    }
    for name in 0..30 {
        records.push(record("10.1.0.1", 2, &format!("s{name}.example.com"), DKIM_AND_SPF));
    }
    let mut paths = Vec::new();
    for org in ["Mailhaven", "Postbox", "Inbound"] {
        for day in 0..30 {
            let report = Report::new(&format!("{org}-{day}")).org(org).day(day).records(records.clone());
            paths.push(sandbox.write(&format!("{org}-{day}.xml"), report.xml()));
        }
    }
    let html = sandbox.path("large.html");
    let mut arguments =
        vec!["readiness", "example.com", "--as-of", "2026-10-31", "--html", html.to_str().unwrap(), "--input"];
    arguments.extend(paths.iter().map(|path| path.to_str().unwrap()));
    sandbox.run(arguments).exits(4);
    html
}

#[test]
fn it_prints_on_two_or_three_pages() {
    let sandbox = Sandbox::new();
    for page in [page(&sandbox), large_page(&sandbox)] {
        let pdf = sandbox.path("review.pdf");
        let options = ["--no-pdf-header-footer".to_owned(), format!("--print-to-pdf={}", pdf.display())];
        if chromium(&sandbox, "profile-pdf", &page, &options).is_none() {
            return;
        }
        let bytes = std::fs::read(pdf).unwrap();
        let count = |what: &[u8]| bytes.windows(what.len()).filter(|part| *part == what).count();
        let pages = count(b"/Type /Page") - count(b"/Type /Pages");
        assert!((2..=3).contains(&pages), "{pages} pages of {}", page.display());
    }
}

#[test]
fn nothing_is_wider_than_a_phone() {
    let sandbox = Sandbox::new();
    for page in [page(&sandbox), hostile_page(&sandbox)] {
        let Some(measured) = width_on_a_phone(&sandbox, &page) else { return };
        let (width, height) = measured.split_once(' ').unwrap_or_else(|| panic!("{measured}"));
        assert_eq!(width, "375", "{}", page.display());
        assert!(height.parse::<u32>().unwrap() > 2000, "{height}");
    }
}
