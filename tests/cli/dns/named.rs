//! A real BIND on loopback that knows the names of a test and nothing else.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::needs;

/// A running name server; it ends with the test.
pub(crate) struct Named {
    child: Child,
    address: SocketAddr,
    _folder: TempDir,
}

/// Names below it are answered with SERVFAIL: its zone cannot be loaded.
pub(crate) const BROKEN: &str = "broken.example";
/// How often another port is tried, should somebody take the one chosen.
const ATTEMPTS: usize = 5;
/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(20);

impl Named {
    /// Starts it with lines `name TYPE value`, names without the dot at the end; `None` where BIND is missing.
    pub(crate) fn start(records: &str) -> Option<Self> {
        let program = needs::program("named", "bind9")?;
        for _ in 0..ATTEMPTS {
            let folder = tempfile::Builder::new().prefix("dmarcstat-named").tempdir().unwrap();
            let port = free_port();
            let path = folder.path().display();
            let config = format!(
                "options {{ directory \"{path}\"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion no;
                 max-udp-size 512; pid-file none; session-keyfile none; lock-file none; dnssec-validation no; notify no;
                 allow-transfer {{ none; }}; minimal-responses yes; }};
                 controls {{ }};
                 zone \".\" {{ type primary; file \"root.zone\"; check-names ignore; }};
                 zone \"{BROKEN}\" {{ type primary; file \"nowhere.zone\"; }};\n"
            );
            std::fs::write(folder.path().join("named.conf"), config).unwrap();
            std::fs::write(folder.path().join("root.zone"), zone(records)).unwrap();
            let child = Command::new(&program)
                .args(["-g", "-4", "-n", "1", "-c"])
                .arg(folder.path().join("named.conf"))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(std::fs::File::create(folder.path().join("log")).unwrap())
                .spawn()
                .unwrap();
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            let mut named = Named { child, address, _folder: folder };
            if named.is_up() {
                return Some(named);
            }
            let log = std::fs::read_to_string(named._folder.path().join("log")).unwrap_or_default();
            eprintln!("named did not start on port {port}:\n{log}");
        }
        panic!("named did not start");
    }

    /// Where it listens, as `--resolver` takes it.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Waits until it answers; false where it ended.
    fn is_up(&mut self) -> bool {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        // The SOA of the root.
        let question = [0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 1];
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            let mut answer = [0; 512];
            let _ = socket.send_to(&question, self.address);
            // An answer with a record, not the refusal of a server that has not loaded its zones.
            if socket.recv(&mut answer).is_ok_and(|length| length > 12 && answer[3] & 15 == 0 && answer[7] > 0) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that is free for UDP and TCP at this moment.
fn free_port() -> u16 {
    loop {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = tcp.local_addr().unwrap().port();
        if UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// Everything in one zone, the root: what is not in it does not exist.
fn zone(records: &str) -> String {
    let mut zone =
        "$TTL 60\n. IN SOA ns.test. root.test. 1 3600 600 86400 60\n. IN NS ns.test.\nns.test. IN A 127.0.0.1\n"
            .to_owned();
    writeln!(zone, "{BROKEN}. IN NS ns.test.").unwrap();
    for line in records.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut parts = line.splitn(3, ' ');
        let (name, kind, value) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap_or(""));
        let value = match kind {
            "TXT" => strings(value),
            "CNAME" | "PTR" | "NS" => format!("{value}."),
            "MX" => format!("10 {value}."),
            _ => value.to_owned(),
        };
        writeln!(zone, "{name}. IN {kind} {value}").unwrap();
    }
    zone
}

/// A text as the strings of at most 255 characters that a TXT record is made of.
fn strings(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let escaped = |piece: &[char]| {
        let text: String = piece.iter().collect();
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    };
    characters.chunks(200).map(escaped).collect::<Vec<_>>().join(" ")
}
