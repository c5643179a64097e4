//! Tests that compare the documentation with the tree: files that it names, links, modules, codes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::flat::Layout;
use crate::layers;
use crate::rejection::RejectionCode;
use crate::report::IrregularityCode;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The pages of the documentation, with their texts.
fn pages() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    for folder in ["", "docs", "tests", "fuzz", "fixtures", "fixtures/quirks"] {
        let entries = std::fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
        files.extend(entries.filter(|path| path.extension().is_some_and(|ending| ending == "md")));
    }
    files.sort();
    files.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

/// What stands between backticks on lines that are not code blocks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.starts_with("    ")).flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// Whether a file or folder is there: by its path from the root or one of the folders that pages take for granted, or in the sources by its
/// name alone.
fn is_there(name: &str, sources: &BTreeSet<String>) -> bool {
    ["", "src", "tests", "tests/cli", "tests/cli/imap", "fixtures"]
        .iter()
        .any(|folder| root().join(folder).join(name).exists())
        || sources.contains(name)
}

#[test]
fn files_that_are_named_are_there() {
    let mut files = Vec::new();
    layers::sources(&root().join("src"), &mut files);
    layers::sources(&root().join("tests"), &mut files);
    // Files by their names, folders by theirs with a slash after.
    let names = files.iter().flat_map(|file| {
        let folders = file.parent().into_iter().flat_map(Path::iter).map(|folder| format!("{}/", folder.display()));
        folders.chain(file.file_name().map(|name| name.display().to_string()))
    });
    let sources: BTreeSet<String> = names.collect();
    let (mut named, mut gone) = (0, Vec::new());
    for (page, text) in pages().iter().filter(|(page, _)| !page.ends_with("CHANGELOG.md")) {
        for name in quoted(text) {
            let places = ["src/", "tests/", "docs/", "fuzz/", "fixtures/", "contrib/", "benches/", ".ci/", ".github/"];
            let is_folder = name.ends_with('/') && !name.starts_with(['/', '~']) && !name.contains("://");
            let begins = is_folder || places.iter().any(|at| name.starts_with(at));
            let whole = !name.contains([' ', '<', '*', '…', '$']);
            // What running something makes is not in the tree.
            let made = ["fuzz/corpus", "fuzz/artifacts", "target/"].iter().any(|at| name.starts_with(at));
            if whole && !made && (begins || name.ends_with(".rs")) {
                named += 1;
                if !is_there(name, &sources) {
                    gone.push(format!("{}: {name}", page.strip_prefix(root()).unwrap().display()));
                }
            }
        }
    }
    assert!(gone.is_empty(), "the documentation names files that are not there (renamed?): {gone:#?}");
    assert!(named > 100, "{named} files named");
}

/// The anchor of a heading, as it is made of headings where the pages are read.
fn anchor(heading: &str) -> String {
    let kept = heading
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .collect::<String>();
    kept.trim().replace(' ', "-")
}

/// The headings of a page, but for lines of code that look like some.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut code = false;
    let mut found = BTreeSet::new();
    for line in text.lines() {
        code ^= line.trim_start().starts_with("```");
        if let Some(heading) = line.strip_prefix('#').filter(|_| !code) {
            found.insert(anchor(heading.trim_start_matches('#')));
        }
    }
    found
}

#[test]
fn links_lead_somewhere() {
    let (mut links, mut dead) = (0, Vec::new());
    for (page, text) in pages() {
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.contains("://") || target.contains(['\n', ' ']) {
                continue;
            }
            links += 1;
            let (file, part) = target.split_once('#').map_or((target, None), |(file, part)| (file, Some(part)));
            let path = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            let there = match part {
                None => path.exists(),
                Some(part) => std::fs::read_to_string(&path).is_ok_and(|text| anchors(&text).contains(part)),
            };
            if !there {
                dead.push(format!("{}: {target}", page.strip_prefix(root()).unwrap().display()));
            }
        }
    }
    assert!(dead.is_empty(), "links of the documentation lead nowhere: {dead:#?}");
    assert!(links > 50, "{links} links");
}

#[test]
fn every_module_is_explained() {
    let text = std::fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let explained: BTreeSet<&str> = quoted(&text).collect();
    let missing: Vec<&str> =
        layers::LAYERS.iter().map(|(module, _)| *module).filter(|module| !explained.contains(module)).collect();
    assert!(missing.is_empty(), "docs/architecture.md says nothing of {missing:?}");
}

/// Asserts that each module stands once in the picture of the layers, and what it uses on its line or below.
#[test]
fn the_picture_of_the_layers_is_that_of_the_list() {
    let text = std::fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let picture = text.split("```").find(|block| block.starts_with("text\n command line")).expect("the picture");
    // Behind the name of the layer, and before what is said of it.
    let mut drawn: Vec<(String, usize)> = Vec::new();
    for (row, line) in picture.lines().skip(1).enumerate() {
        let line: String = line.chars().skip(17).collect();
        let names = line.split("   ").next().unwrap_or_default().split(" · ").map(str::trim);
        drawn.extend(names.filter(|name| !name.is_empty() && *name != "│").map(|name| (name.to_owned(), row)));
    }
    let mut names: Vec<&str> = drawn.iter().map(|(name, _)| name.as_str()).collect();
    let mut listed: Vec<&str> = layers::LAYERS.iter().map(|(module, _)| *module).collect();
    names.sort_unstable();
    listed.sort_unstable();
    assert_eq!(names, listed, "modules in the picture of docs/architecture.md and in src/layers.rs");
    let row = |module: &str| drawn.iter().find(|(name, _)| name == module).map(|(_, row)| *row);
    for (module, used) in layers::LAYERS {
        let above: Vec<&&str> = used.iter().filter(|used| row(used) < row(module)).collect();
        assert!(above.is_empty(), "in docs/architecture.md {module} stands below {above:?}, which it uses");
    }
}

#[test]
fn every_file_of_the_tests_is_in_the_tables() {
    let text = std::fs::read_to_string(root().join("tests/README.md")).unwrap();
    let (mut folder, mut listed) = ("", Vec::new());
    for line in text.lines() {
        if line.starts_with('#') {
            folder = quoted(line).next().and_then(|name| name.strip_prefix("cli/")).unwrap_or_default();
        }
        let file = line.split('|').nth(1).filter(|_| line.starts_with("| `")).unwrap_or_default();
        listed.extend(quoted(file).filter(|name| name.ends_with(".rs")).map(|name| format!("{folder}{name}")));
    }
    listed.sort_unstable();
    let mut files = Vec::new();
    let tests = root().join("tests/cli");
    layers::sources(&tests, &mut files);
    let below = |file: &PathBuf| file.strip_prefix(&tests).unwrap().to_string_lossy().replace('\\', "/");
    let mut there: Vec<String> = files.iter().map(below).collect();
    there.sort_unstable();
    assert_eq!(listed, there, "in tests/README.md and in tests/cli/");
}

#[test]
fn every_code_is_explained() {
    let text = std::fs::read_to_string(root().join("docs/codes.md")).unwrap();
    let explained: BTreeSet<&str> = quoted(&text).collect();
    let codes = IrregularityCode::ALL
        .iter()
        .map(|code| code.as_str())
        .chain(RejectionCode::ALL.iter().map(|code| code.as_str()));
    let missing: Vec<&str> = codes.filter(|code| !explained.contains(code)).collect();
    assert!(missing.is_empty(), "docs/codes.md says nothing of {missing:?}");
}

/// The words of a command up to what a shell makes of the rest; quotes hold words together.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in command.chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '|' | ';' | '>' | '#' | '&') => break,
            (None, ' ') => words.push(String::new()),
            _ => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The commands on the lines of code of a page, but for those that stand for others (`…`, `NAME`).
fn commands(text: &str) -> Vec<Vec<String>> {
    let code = text.lines().filter_map(|line| line.strip_prefix("    ").or_else(|| line.strip_prefix("$ ")));
    let parts = code.flat_map(|line| line.split("; ")).filter_map(|part| {
        // What stands before it runs it: `sudo -u dmarcstat dmarcstat …`, a line of crontab.
        let at = part.rfind("dmarcstat ").filter(|&at| at == 0 || part[..at].ends_with(' '))?;
        // The user of that name (`-g dmarcstat FILE`) and the image are not commands.
        part[at..].split(' ').nth(1)?.starts_with(|c: char| c.is_ascii_lowercase()).then(|| words(&part[at..]))
    });
    parts.filter(|words| words.len() > 1 && !words.iter().any(|word| word.contains(['…', '{', '=']))).collect()
}

#[test]
fn commands_in_the_documentation_can_be_typed() {
    let (mut typed, mut wrong) = (0, Vec::new());
    for (page, text) in pages().iter().filter(|(page, _)| !page.ends_with("CHANGELOG.md")) {
        for words in commands(text) {
            typed += 1;
            if let Err(error) = crate::cli::understands(&words) {
                wrong.push(format!("{}: {}: {error}", page.strip_prefix(root()).unwrap().display(), words.join(" ")));
            }
        }
    }
    assert!(wrong.is_empty(), "the documentation has commands that the program refuses: {wrong:#?}");
    assert!(typed > 40, "{typed} commands");
}

#[test]
fn every_page_is_in_the_index() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let docs = pages().into_iter().filter_map(|(page, _)| Some(page.strip_prefix(root()).ok()?.display().to_string()));
    let missing: Vec<String> =
        docs.filter(|page| page.starts_with("docs/") && !readme.contains(&format!("]({page})"))).collect();
    assert!(missing.is_empty(), "README.md links none of {missing:?}");
}

#[test]
fn every_column_of_rows_is_explained() {
    let text = std::fs::read_to_string(root().join("docs/export.md")).unwrap();
    let explained: BTreeSet<&str> = quoted(&text).collect();
    let layout = Layout::own(true);
    let columns: BTreeSet<&str> = layout.columns().iter().map(|column| column.name).collect();
    let missing: Vec<&&str> = columns.difference(&explained).collect();
    assert!(missing.is_empty(), "docs/export.md says nothing of {missing:?}");
    let table = text.split("| column |").nth(1).unwrap().split("\n\n").next().unwrap();
    let rows = table.lines().filter_map(|line| line.split('|').nth(1));
    let gone: Vec<&str> = rows.flat_map(quoted).filter(|name| !columns.contains(name)).collect();
    assert!(gone.is_empty(), "docs/export.md explains columns that are not there: {gone:?}");
}
