//! `--resolve`: host names of sending addresses.

use std::net::UdpSocket;
use std::process::{Command, Stdio};

use super::named::{BROKEN, Named};
use super::report;
use crate::harness::{Ran, Sandbox};
use crate::needs;

/// One address has a name that its zone confirms, one a name that it does not, one no name, and one nobody can say.
fn names() -> String {
    format!(
        "10.2.0.192.in-addr.arpa PTR mx1.partner.example
         mx1.partner.example A 192.0.2.10
         10.100.51.198.in-addr.arpa PTR mail.google.com
         mail.google.com A 192.0.2.99
         10.113.0.203.in-addr.arpa CNAME 10.{BROKEN}"
    )
}

const ADDRESSES: [&str; 4] = ["192.0.2.10", "198.51.100.10", "100.64.0.10", "203.0.113.10"];

fn filled() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("report.xml", report(&ADDRESSES.map(|address| (address, ""))));
    sandbox.run(["ingest", "report.xml"]).exits(0);
    sandbox
}

/// Sender and rule of every path.
fn paths(sandbox: &Sandbox, arguments: &[&str]) -> Vec<String> {
    let all = ["sources", "--since", "all", "--format", "json"].iter().chain(arguments);
    let answer = sandbox.run(all).exits(0).json();
    let paths = answer["paths"].as_array().unwrap();
    let mut paths: Vec<String> = paths
        .iter()
        .map(|path| format!("{}: {}", path["named_by"].as_str().unwrap(), path["sender"].as_str().unwrap()))
        .collect();
    paths.sort_unstable();
    paths
}

const UNNAMED: [&str; 4] =
    ["network: 100.64.0.0/24", "network: 192.0.2.0/24", "network: 198.51.100.0/24", "network: 203.0.113.0/24"];
const NAMED: [&str; 4] =
    ["network: 100.64.0.0/24", "network: 198.51.100.0/24", "network: 203.0.113.0/24", "reverse DNS: partner.example"];

#[test]
fn names_that_are_confirmed_count_and_are_kept() {
    let Some(named) = Named::start(&names()) else { return };
    let sandbox = filled();
    assert_eq!(paths(&sandbox, &[]), UNNAMED);
    assert_eq!(paths(&sandbox, &["--resolve", "always", "--resolver", &named.address()]), NAMED);
    drop(named);
    // Kept: no server is there any more, and none is needed.
    assert_eq!(paths(&sandbox, &[]), NAMED);
    assert_eq!(paths(&sandbox, &["--resolve", "never"]), UNNAMED);
}

/// All of these are confirmed, and two of them are those of whoever rents there.
#[test]
fn names_of_hosters_and_names_made_of_the_address_name_nobody() {
    let Some(named) = Named::start(
        "10.2.0.192.in-addr.arpa PTR mail.ordinary.example
         mail.ordinary.example A 192.0.2.10
         10.100.51.198.in-addr.arpa PTR vps-0a1b2c3d.vps.ovh.net
         vps-0a1b2c3d.vps.ovh.net A 198.51.100.10
         10.0.64.100.in-addr.arpa PTR mo582.mail-out.ovh.net
         mo582.mail-out.ovh.net A 100.64.0.10
         10.113.0.203.in-addr.arpa PTR line-203-0-113-10.ordinary.example
         line-203-0-113-10.ordinary.example A 203.0.113.10",
    ) else {
        return;
    };
    let found = paths(&filled(), &["--resolve", "always", "--resolver", &named.address()]);
    let ovh = "catalogue: reverse DNS: OVHcloud mail";
    let expected = [ovh, "network: 198.51.100.0/24", "network: 203.0.113.0/24", "reverse DNS: ordinary.example"];
    assert_eq!(found, expected);
}

#[test]
fn files_leave_nothing_behind() {
    let Some(named) = Named::start(&names()) else { return };
    let sandbox = Sandbox::new();
    sandbox.write("report.xml", report(&ADDRESSES.map(|address| (address, ""))));
    let address = named.address();
    assert_eq!(paths(&sandbox, &["--resolve", "always", "--resolver", &address, "--input", "report.xml"]), NAMED);
    assert!(!sandbox.db().exists());
}

#[test]
fn a_silent_server_leaves_the_answer_as_it_is() {
    let sandbox = filled();
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let ran = sandbox.run(["sources", "--since", "all", "--resolve", "always", "--resolver", &address]).exits(0);
    let ran = ran.says("the host names of 4 of 4 addresses could not be looked up");
    assert!(ran.text().contains("192.0.2.0/24"), "{ran}");
    // That nobody answered is not remembered as "no name".
    let Some(named) = Named::start(&names()) else { return };
    assert_eq!(paths(&sandbox, &["--resolve", "always", "--resolver", &named.address()]), NAMED);
}

#[test]
fn nobody_is_asked_without_a_terminal() {
    let sandbox = filled();
    let witness = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = witness.local_addr().unwrap().to_string();
    for resolve in ["auto", "never"] {
        assert_eq!(paths(&sandbox, &["--resolve", resolve, "--resolver", &address]), UNNAMED);
    }
    witness.set_nonblocking(true).unwrap();
    assert_eq!(witness.recv(&mut [0; 512]).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

/// Runs on a terminal.
fn on_a_terminal(script: &std::path::Path, sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    let program = sandbox.command(arguments);
    let line: Vec<String> = std::iter::once(program.get_program())
        .chain(program.get_args())
        .map(|word| format!("'{}'", word.to_str().unwrap()))
        .collect();
    let mut terminal = Command::new(script);
    terminal.args(["-qec", &line.join(" "), "/dev/null"]).current_dir(sandbox.work()).env_clear();
    terminal.envs(program.get_envs().filter_map(|(name, value)| value.map(|value| (name, value))));
    terminal.env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
    Ran::of(terminal).exits(0)
}

#[test]
fn on_a_terminal_those_that_nothing_else_names_are_looked_up() {
    let (Some(named), Some(script)) = (Named::start(&names()), needs::program("script", "bsdutils")) else { return };
    let sandbox = filled();
    let ran = on_a_terminal(&script, &sandbox, &["sources", "--since", "all", "--resolver", &named.address()]);
    assert!(ran.text().contains("partner.example"), "{ran}");
    assert_eq!(paths(&sandbox, &[]), NAMED);
}

#[test]
fn a_silent_server_is_waited_for_once_an_hour() {
    let Some(script) = needs::program("script", "bsdutils") else { return };
    let sandbox = filled();
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    silent.set_nonblocking(true).unwrap();
    let asked = || std::iter::from_fn(|| silent.recv(&mut [0; 512]).ok()).count();
    let address = silent.local_addr().unwrap().to_string();
    let question = ["sources", "--since", "all", "--resolver", &address];
    let ran = on_a_terminal(&script, &sandbox, &question);
    assert!(ran.text().contains("--resolve never") && asked() > 0, "{ran}");
    let ran = on_a_terminal(&script, &sandbox, &question);
    assert!(!ran.text().contains("--resolve never") && asked() == 0, "{ran}");
    // Who asks for it gets it.
    sandbox.run(question.iter().chain(&["--resolve", "always"])).exits(0);
    assert!(asked() > 0);
    let Some(named) = Named::start(&names()) else { return };
    assert_eq!(paths(&sandbox, &["--resolve", "always", "--resolver", &named.address()]), NAMED);
}
