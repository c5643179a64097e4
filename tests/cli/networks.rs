//! Names of networks by a database of autonomous systems. The database is made here, byte by byte.

use std::net::IpAddr;

use serde_json::Value;

use crate::harness::Sandbox;
use crate::make::{Report, record};

/// The head of a value of the format: a kind and its size.
fn head(kind: u8, size: usize) -> Vec<u8> {
    let (size, more) = if size < 29 { (size as u8, None) } else { (29, Some((size - 29) as u8)) };
    let mut bytes = if kind < 8 { vec![kind << 5 | size] } else { vec![size, kind - 7] };
    bytes.extend(more);
    bytes
}

fn text(text: &str) -> Vec<u8> {
    [head(2, text.len()), text.as_bytes().to_vec()].concat()
}

fn number(kind: u8, number: u32) -> Vec<u8> {
    let bytes: Vec<u8> = number.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    [head(kind, bytes.len()), bytes].concat()
}

fn map(pairs: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let values = pairs.iter().flat_map(|(key, value)| [text(key), value.clone()].concat());
    head(7, pairs.len()).into_iter().chain(values).collect()
}

const UINT16: u8 = 5;
const UINT32: u8 = 6;
const UINT64: u8 = 9;
const ARRAY: u8 = 11;

/// A database with these networks and what it says of each. Networks of IPv4 stand below ::/96.
fn database(networks: &[(&str, u32, Vec<u8>)]) -> Vec<u8> {
    // Each node has two branches: another node, or the place of a value among the data.
    let mut nodes: Vec<[Option<Result<usize, usize>>; 2]> = vec![[None; 2]];
    let mut data: Vec<u8> = Vec::new();
    for (address, length, value) in networks {
        let (bits, length) = match address.parse().unwrap() {
            IpAddr::V4(v4) => (u128::from(u32::from(v4)), length + 96),
            IpAddr::V6(v6) => (u128::from(v6), *length),
        };
        let mut node = 0;
        for depth in 0..length {
            let side = (bits >> (127 - depth) & 1) as usize;
            if depth + 1 == length {
                nodes[node][side] = Some(Err(data.len()));
            } else if let Some(Ok(next)) = nodes[node][side] {
                node = next;
            } else {
                nodes.push([None; 2]);
                let next = nodes.len() - 1;
                nodes[node][side] = Some(Ok(next));
                node = next;
            }
        }
        data.extend(value);
    }
    let count = nodes.len();
    let mut bytes: Vec<u8> = Vec::new();
    for branch in nodes.iter().flatten() {
        let place = match branch {
            None => count,
            Some(Ok(node)) => *node,
            Some(Err(offset)) => count + 16 + offset,
        };
        bytes.extend(&(place as u32).to_be_bytes()[1..]);
    }
    bytes.extend([0; 16]);
    bytes.extend(data);
    bytes.extend(b"\xab\xcd\xefMaxMind.com");
    bytes.extend(map(&[
        ("node_count", number(UINT32, count as u32)),
        ("record_size", number(UINT16, 24)),
        ("ip_version", number(UINT16, 6)),
        ("database_type", text("Test-ASN")),
        ("languages", head(ARRAY, 0)),
        ("binary_format_major_version", number(UINT16, 2)),
        ("binary_format_minor_version", number(UINT16, 0)),
        ("build_epoch", number(UINT64, 1_790_000_000)),
        ("description", map(&[])),
    ]));
    bytes
}

fn paths(sandbox: &Sandbox) -> Vec<Value> {
    let answer = sandbox.run(["sources", "--since", "all", "--config", "config.toml", "--format", "json"]);
    answer.exits(0).json()["paths"].as_array().unwrap().clone()
}

fn sender_of(paths: &[Value], address: &str) -> String {
    let path = paths.iter().find(|path| path["source_ips"][0] == address).expect(address);
    path["sender"].as_str().unwrap().to_owned()
}

#[test]
fn networks_are_called_by_their_autonomous_systems() {
    let sandbox = Sandbox::new();
    let failing = "<spf><domain>example.com</domain><result>fail</result></spf>";
    let addresses = ["203.0.113.9", "198.51.100.9", "2001:db8:7::9", "192.0.2.9"];
    let records = addresses.map(|address| record(address, 3, "example.com", failing)).to_vec();
    sandbox.write("in/a.xml", Report::new("a").records(records).xml());
    sandbox.run(["ingest", "in"]).exits(0);
    sandbox.write("config.toml", "");
    let without = paths(&sandbox);
    assert_eq!(sender_of(&without, "203.0.113.9"), "203.0.113.0/24");
    let bytes = database(&[
        (
            "203.0.113.0",
            24,
            map(&[
                ("autonomous_system_number", number(UINT32, 64500)),
                (
                    "autonomous_system_organization",
                    text("Example\u{1b}[31m Lines, a provider with a name that goes on and on"),
                ),
            ]),
        ),
        ("198.51.100.0", 25, map(&[("asn", text("AS64501")), ("as_name", text("Rented Racks"))])),
        ("2001:db8::", 32, map(&[("autonomous_system_number", number(UINT32, 64502))])),
    ]);
    sandbox.write("asn.mmdb", &bytes);
    sandbox.write("config.toml", "[providers]\nasn_database = \"asn.mmdb\"\n");
    let with = paths(&sandbox);
    let first = "AS64500 Example[31m Lines, a provider wi, 203.0.113.0/24";
    assert_eq!(sender_of(&with, "203.0.113.9"), first);
    assert_eq!(sender_of(&with, "198.51.100.9"), "AS64501 Rented Racks, 198.51.100.0/24");
    assert_eq!(sender_of(&with, "2001:db8:7::9"), "AS64502, 2001:db8:7::/48");
    assert_eq!(sender_of(&with, "192.0.2.9"), "192.0.2.0/24");
    // Names, and nothing else.
    for key in ["id", "role", "class", "named_by"] {
        let of = |paths: &[Value]| {
            let mut all: Vec<String> =
                paths.iter().map(|path| format!("{} {}", path["source_ips"], path[key])).collect();
            all.sort();
            all
        };
        assert_eq!(of(&with), of(&without), "{key}");
    }
    let remedies: Vec<String> = with.iter().map(|path| path["remedy"]["steps"].to_string()).collect();
    assert!(remedies.iter().any(|steps| steps.contains("ip = [\\\"203.0.113.9\\\"]")), "{remedies:?}");
    let explained = sandbox.run(["explain", "203.0.113.0/24", "--since", "all", "--config", "config.toml"]).exits(0);
    assert!(explained.text().contains("AS64500"), "{explained}");
}

#[test]
fn a_database_that_cannot_be_read_is_named() {
    let sandbox = Sandbox::new();
    sandbox.write("in/a.xml", Report::new("a").xml());
    sandbox.run(["ingest", "in"]).exits(0);
    sandbox.write("config.toml", "[providers]\nasn_database = \"asn.mmdb\"\n");
    let ask = ["sources", "--since", "all", "--config", "config.toml"];
    sandbox.run(ask).exits(1).says("asn.mmdb");
    sandbox.write("asn.mmdb", "no database");
    sandbox.run(ask).exits(1).says("asn.mmdb");
    // Cut off anywhere, it is an error or says nothing.
    let whole = database(&[("203.0.113.0", 24, map(&[("asn", text("AS64500"))]))]);
    for length in [10, whole.len() / 2, whole.len() - 40, whole.len() - 1] {
        sandbox.write("asn.mmdb", &whole[whole.len() - length..]);
        assert!([0, 1].contains(&sandbox.run(ask).status));
    }
}
