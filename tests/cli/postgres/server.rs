//! A real PostgreSQL server on loopback, that ends with the tests, also when those are killed.

use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::harness::{Ran, Sandbox};
use crate::needs;

/// The password of the user `postgres`, who may do everything.
pub(crate) const PASSWORD: &str = "only here";

/// A server with a folder of its own.
pub(crate) struct PostgresServer {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    owner: Option<(u32, u32)>,
    databases: AtomicUsize,
    running: Option<(Child, ChildStdin)>,
}

/// The server that all tests share which do not disturb it; nothing where there is no PostgreSQL.
pub(crate) fn shared() -> Option<&'static PostgresServer> {
    static SHARED: OnceLock<Option<PostgresServer>> = OnceLock::new();
    SHARED.get_or_init(PostgresServer::start).as_ref()
}

/// Runs the server below a shell that waits for the tests to end. However they do, their end of the pipe closes then.
const KEEPER: &str = r#"
exec 3<&0
"$1" -D "$2/data" -p "$3" -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off \
    -c log_statement=all -c "log_line_prefix=%a " -c max_connections=50 </dev/null >>"$2/log" 2>&1 3<&- &
server=$!
{ read -r _; kill -QUIT "$server"; } <&3 2>/dev/null &
waiter=$!
wait "$server"
kill "$waiter" 2>/dev/null
[ -e "$2/keep" ] || rm -rf "$2"
"#;

impl PostgresServer {
    /// Makes a server and starts it.
    pub(crate) fn start() -> Option<Self> {
        let programs = needs::postgresql()?;
        let id = |flag: &str| {
            let said = Command::new("id").args([flag, "postgres"]).output().expect("id runs");
            String::from_utf8_lossy(&said.stdout).trim().parse::<u32>().ok()
        };
        let me = Command::new("id").arg("-u").output().expect("id runs");
        // It refuses to run as root.
        let owner = (me.stdout.trim_ascii() == b"0").then(|| (id("-u").expect("a user"), id("-g").expect("a group")));
        let root = tempfile::Builder::new().prefix("dmarcstat-postgres").tempdir().expect("a folder").keep();
        if let Some((user, group)) = owner {
            std::os::unix::fs::chown(&root, Some(user), Some(group)).expect("root may");
        }
        std::fs::write(root.join("password"), PASSWORD).expect("a file");
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
        let mut server =
            PostgresServer { programs, folder: root, port, owner, databases: AtomicUsize::new(0), running: None };
        let mut initdb = server.program("initdb");
        initdb
            .arg("-D")
            .arg(server.folder.join("data"))
            .arg(format!("--pwfile={}", server.folder.join("password").display()));
        let made = initdb.args(["-U", "postgres", "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "-N"]).output();
        let made = made.expect("initdb runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        server.run();
        Some(server)
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("PGPASSWORD", PASSWORD)
            .env("LC_ALL", "C")
            .current_dir("/");
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        command
    }

    /// Starts it, and waits until it answers.
    pub(crate) fn run(&mut self) {
        let _ = std::fs::remove_file(self.folder.join("keep"));
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", KEEPER, "keeper"])
            .arg(self.programs.join("postgres"))
            .arg(&self.folder)
            .arg(self.port.to_string());
        command.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        let mut child = command.spawn().expect("a shell");
        let lifeline = child.stdin.take().expect("a pipe");
        self.running = Some((child, lifeline));
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(30) {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() && self.sql("postgres", "SELECT 1").is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(30));
        }
        panic!("PostgreSQL did not come up\n{}", self.log());
    }

    /// Kills it, as a power failure does; its data stay.
    pub(crate) fn kill(&mut self) {
        std::fs::write(self.folder.join("keep"), "").expect("a file");
        if let Some((mut child, lifeline)) = self.running.take() {
            drop(lifeline);
            child.wait().expect("a child");
        }
    }

    /// Copies a file to where the server keeps its own, readable by it alone.
    pub(crate) fn place(&self, name: &str, file: &Path) {
        let place = self.folder.join("data").join(name);
        std::fs::copy(file, &place).expect("a copy");
        std::fs::set_permissions(&place, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("its owner may");
        if let Some((user, group)) = self.owner {
            std::os::unix::fs::chown(&place, Some(user), Some(group)).expect("root may");
        }
    }

    /// What it wrote into its log.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Executes SQL as the user `postgres`; what it answers or complains.
    pub(crate) fn sql(&self, database: &str, sql: &str) -> Result<String, String> {
        let port = self.port.to_string();
        let mut psql = self.program("psql");
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", &port, "-U", "postgres"]);
        let said = psql.args(["-d", database, "-c", sql]).output().expect("psql runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if said.status.success() { Ok(text(&said.stdout)) } else { Err(text(&said.stderr)) }
    }

    /// A new, empty database; its name.
    pub(crate) fn database(&self) -> String {
        let name = format!("reports{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}")).unwrap();
        name
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The URL of a database, for a user.
    pub(crate) fn url(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/{database}", self.port)
    }

    /// The program in a sandbox, with a database on this server.
    pub(crate) fn command(&self, sandbox: &Sandbox, database: &str, arguments: &[&str]) -> Command {
        let mut command = sandbox.command(arguments);
        command.env("DMARCSTAT_DB", self.url("postgres", database)).env("PGPASSWORD", PASSWORD);
        command
    }

    /// Runs it.
    pub(crate) fn ask(&self, sandbox: &Sandbox, database: &str, arguments: &[&str]) -> Ran {
        Ran::of(self.command(sandbox, database, arguments))
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        let stopped = self.running.is_none();
        if let Some((mut child, lifeline)) = self.running.take() {
            drop(lifeline);
            let _ = child.wait();
        }
        if stopped {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}
