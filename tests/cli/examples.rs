//! The examples in README.md and docs/, run as a reader would run them, and held against what is printed.
//!
//! An example is a block that begins with ```` ```console ````: lines that begin with `$ ` are commands, what follows each is its
//! output, on standard output and standard error. A line `…` stands for any number of lines. The blocks of a page run one after the
//! other by a shell, in a folder that holds `fixtures`, with a database of the page's own.
//!
//! `DMARCSTAT_TEST_UPDATE=1 cargo test --test cli examples` writes into the pages what is printed, but for outputs with a `…`.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::harness::Sandbox;

const OPENING: &str = "```console";

/// A command and what the page says that it prints.
struct Example {
    command: String,
    output: Vec<String>,
}

/// A page, cut at its examples.
enum Piece {
    Line(String),
    Example(Example),
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut within = false;
    for line in text.lines() {
        match (within, line.strip_prefix("$ ")) {
            (true, _) if line == "```" => within = false,
            (true, Some(command)) => {
                pieces.push(Piece::Example(Example { command: command.to_owned(), output: Vec::new() }));
                continue;
            }
            (true, None) => {
                let Some(Piece::Example(example)) = pieces.last_mut() else { panic!("no command before: {line}") };
                example.output.push(line.to_owned());
                continue;
            }
            (false, _) => within = line == OPENING,
        }
        pieces.push(Piece::Line(line.to_owned()));
    }
    pieces
}

/// What the command prints, by lines. How long it took is not compared.
fn printed(sandbox: &Sandbox, command: &str) -> Vec<String> {
    let program = Path::new(env!("CARGO_BIN_EXE_dmarcstat")).parent().unwrap();
    let own = sandbox.command([""; 0]);
    let mut shell = std::process::Command::new("sh");
    shell.env_clear().envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let path = std::env::join_paths([program, Path::new("/usr/bin"), Path::new("/bin")]).unwrap();
    shell.env("PATH", path).env("LC_ALL", "C.UTF-8").current_dir(sandbox.work()).stdin(Stdio::null());
    let output = shell.arg("-c").arg(format!("{{ {command}\n}} 2>&1")).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| timeless(line.trim_end())).collect()
}

fn timeless(line: &str) -> String {
    let seconds = |text: &str| text.strip_suffix(" s)").is_some_and(|number| number.parse::<f64>().is_ok());
    match line.rsplit_once('(') {
        Some((before, after)) if seconds(after) => format!("{before}(0.1 s)"),
        _ => line.to_owned(),
    }
}

/// Whether the lines are those wanted, where `…` is any number of lines.
fn fits(wanted: &[String], lines: &[String]) -> bool {
    match wanted.split_first() {
        None => lines.is_empty(),
        Some((first, rest)) if first.trim() == "…" => (0..=lines.len()).any(|skipped| fits(rest, &lines[skipped..])),
        Some((first, rest)) => lines.first() == Some(first) && fits(rest, &lines[1..]),
    }
}

fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<PathBuf> = docs.filter(|path| path.extension().is_some_and(|ending| ending == "md")).collect();
    pages.push(root.join("README.md"));
    pages.sort();
    pages
}

/// Runs the examples of a page: how many there are, what does not hold, and the page as it would be.
fn run(page: &Path) -> (usize, Vec<String>, String) {
    let sandbox = Sandbox::new().columns(100);
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    std::os::unix::fs::symlink(fixtures, sandbox.path("fixtures")).unwrap();
    let (mut count, mut wrong, mut lines) = (0, Vec::new(), Vec::new());
    for piece in pieces(&std::fs::read_to_string(page).unwrap()) {
        let example = match piece {
            Piece::Line(line) => {
                lines.push(line);
                continue;
            }
            Piece::Example(example) => example,
        };
        count += 1;
        lines.push(format!("$ {}", example.command));
        let printed = printed(&sandbox, &example.command);
        let elided = example.output.iter().any(|line| line.trim() == "…");
        if fits(&example.output, &printed) {
            lines.extend(example.output);
            continue;
        }
        let page = page.file_name().unwrap().display();
        wrong.push(format!("{page}: $ {}\n{}\n", example.command, printed.join("\n")));
        lines.extend(if elided { example.output } else { printed });
    }
    (count, wrong, lines.join("\n") + "\n")
}

#[test]
fn every_example_prints_what_the_page_says() {
    let update = std::env::var_os("DMARCSTAT_TEST_UPDATE").is_some();
    let (mut count, mut wrong) = (0, Vec::new());
    for page in pages() {
        let (examples, differs, text) = run(&page);
        count += examples;
        if update && !differs.is_empty() {
            std::fs::write(&page, text).unwrap();
        }
        wrong.extend(differs);
    }
    assert!(wrong.is_empty(), "the pages say otherwise than the program:\n{}", wrong.join("\n"));
    assert!(count > 10, "{count} examples");
}

#[test]
fn an_ellipsis_is_any_number_of_lines() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert!(fits(&lines("a\n…\nd"), &lines("a\nb\nc\nd")));
    assert!(fits(&lines("a\n…"), &lines("a")));
    assert!(!fits(&lines("a\n…\nd"), &lines("a\nb")));
    assert!(!fits(&lines("a"), &lines("a\nb")));
}
