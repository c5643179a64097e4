//! What the program says of itself: help, version, manual pages, completions.

use crate::harness::{Sandbox, files_of};

/// Every command that `--help` lists.
fn commands(sandbox: &Sandbox) -> Vec<String> {
    let ran = sandbox.run(["--help"]).exits(0);
    let (_, list) = ran.text().split_once("Commands:\n").expect("a list of commands");
    let names = list.lines().take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("   "));
    let names: Vec<String> = names.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect();
    assert!(names.len() > 15, "{names:?}");
    names
}

#[test]
fn help_is_in_groups() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run(["unsigned", "-h"]).exits(0);
    let headings: Vec<&str> = ran.text().lines().filter(|line| line.ends_with(':') && !line.starts_with(' ')).collect();
    assert_eq!(headings, ["Options:", "Which reports:", "Everywhere:"], "{ran}");
    let part = |heading: &str| ran.text().split(heading).nth(1).unwrap().split("\n\n").next().unwrap().to_owned();
    assert!(part("\nOptions:").contains("--exit-code") && !part("\nOptions:").contains("--since"), "{ran}");
    assert!(
        part("\nWhich reports:").contains("-s, --since") && part("\nWhich reports:").contains("-d, --domain"),
        "{ran}"
    );
    assert!(part("\nEverywhere:").contains("-f, --format") && part("\nEverywhere:").contains("--json"), "{ran}");
    let whole = sandbox.run(["--help"]).exits(0);
    assert!(
        ["Exit statuses:", "DMARCSTAT_CONFIG", "/etc/dmarcstat/config.toml"]
            .iter()
            .all(|part| whole.text().contains(part))
    );
}

#[test]
fn mistakes_are_told_in_one_voice() {
    let sandbox = Sandbox::new();
    for (arguments, said) in [
        (&["sources", "--sinc", "7d"][..], "'--sinc'"),
        (&["nonsense"], "'nonsense'"),
        (&["sources", "--since", "7x"], "use 7d"),
        (&["fetch", "--timeout", "0"], "more than nothing"),
        (&["sources", "--json", "--format", "csv"], "--format"),
    ] {
        let ran = sandbox.run(arguments).exits(2);
        assert!(ran.stderr.starts_with("dmarcstat: ") && ran.stderr.contains(said) && ran.stdout.is_empty(), "{ran}");
    }
}

#[test]
fn the_version_says_what_answers_depend_on() {
    let sandbox = Sandbox::new();
    let short = sandbox.run(["-V"]).exits(0);
    assert_eq!(short.text().trim_end(), format!("dmarcstat {}", env!("CARGO_PKG_VERSION")));
    let long = sandbox.run(["--version"]).exits(0);
    let mut lines = long.text().lines();
    assert_eq!(lines.next(), short.text().lines().next());
    for (line, name) in lines.zip(["commit", "SQLite", "public suffix list", "catalogue of senders", "live DNS"]) {
        let (what, value) = line.split_once(':').unwrap();
        assert!(what == name && !value.trim().is_empty(), "{long}");
        if name == "public suffix list" || name == "catalogue of senders" {
            assert!(value.trim().parse::<jiff::civil::Date>().is_ok(), "{long}");
        }
    }
    assert!(long.text().contains(rusqlite::version()), "{long}");
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let sandbox = Sandbox::new();
    sandbox.run(["man", "made/man"]).exits(0);
    let pages: Vec<String> = files_of(&sandbox.path("made/man"))
        .iter()
        .map(|page| page.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    for command in commands(&sandbox).iter().filter(|command| *command != "help") {
        let name = format!("dmarcstat-{command}.1");
        assert!(pages.contains(&name), "{name} is missing among {pages:?}");
        let page = std::fs::read_to_string(sandbox.path("made/man").join(&name)).unwrap();
        let help = sandbox.run([command, "--help"]).exits(0);
        let about = help.text().lines().next().unwrap().split_whitespace().next().unwrap().to_owned();
        assert!(page.contains(".SH NAME") && page.contains(&about), "{name}: {about}");
        let short: Vec<&str> = help.text().lines().take_while(|line| !line.is_empty()).collect();
        assert!(short.join(" ").len() <= 130, "{name}: more than a sentence before the first empty line: {short:?}");
    }
    let first = std::fs::read_to_string(sandbox.path("made/man/dmarcstat.1")).unwrap();
    assert!(first.contains("Exit statuses") && first.contains("DMARCSTAT_DB"), "{first}");
    sandbox.write("file", "");
    sandbox.run(["man", "file/man"]).exits(1).says("file/man");
}

#[test]
fn every_shell_completes_every_command() {
    let sandbox = Sandbox::new();
    let commands = commands(&sandbox);
    for shell in ["bash", "elvish", "fish", "nushell", "powershell", "zsh"] {
        let ran = sandbox.run(["completions", shell]).exits(0);
        for command in commands.iter().filter(|command| *command != "help") {
            assert!(ran.text().contains(command.as_str()), "{shell}: {command}");
        }
    }
}
