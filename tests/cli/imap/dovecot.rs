//! A real Dovecot, started on loopback for the tests of one process, and its mailboxes.
//!
//! One server has several faces, an address of loopback each, which differ in certificate and capabilities. Every test
//! takes a user of its own, so that none disturbs another. The server runs without privileges, as the user of the
//! tests or, where that is root, as nobody.

use std::fs;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::certificates::Authority;
pub(crate) use super::maildir::User;
use super::token_server::TokenServer;

/// Everything in order: a certificate for the address, all capabilities.
pub(crate) const GOOD: &str = "127.0.0.1";
/// Its certificate has expired.
pub(crate) const EXPIRED: &str = "127.0.0.2";
/// Its certificate is another's.
pub(crate) const OTHER_NAME: &str = "127.0.0.3";
/// Announces UIDPLUS and not MOVE.
pub(crate) const WITHOUT_MOVE: &str = "127.0.0.4";
/// Announces neither MOVE nor UIDPLUS.
pub(crate) const WITHOUT_UIDPLUS: &str = "127.0.0.5";
/// Speaks no TLS.
pub(crate) const WITHOUT_TLS: &str = "127.0.0.6";
/// Its certificate is by an authority that nobody knows.
pub(crate) const STRANGER: &str = "127.0.0.7";

/// The password of every user.
pub(crate) const PASSWORD: &str = "correct horse \"battery\" \\staple";

/// The server.
pub(crate) struct Dovecot {
    folder: PathBuf,
    /// The port of plain text and STARTTLS.
    pub(crate) imap: u16,
    /// The port of TLS.
    pub(crate) imaps: u16,
    /// Whom it asks about OAuth2 tokens.
    pub(crate) tokens: TokenServer,
    pub(super) owner: Owner,
    users: AtomicUsize,
    /// When this closes, however the tests end, the server is stopped and its folder removed.
    _lifeline: ChildStdin,
    _keeper: Child,
}

/// How a user's folders are named to the outside.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Namespace {
    /// No prefix, a dot: what Dovecot does with a Maildir unless told.
    Dot,
    /// No prefix, a slash.
    Slash,
    /// Everything below `INBOX.`, as with Courier and Cyrus.
    BelowInbox,
}

/// Who runs the server and owns the mail.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    user: String,
    group: String,
    /// Ids to change to, where the tests run as root.
    ids: Option<(u32, u32)>,
}

impl Dovecot {
    /// The server of this process, started on first use; nothing where Dovecot is missing and that is allowed.
    pub(crate) fn shared() -> Option<&'static Dovecot> {
        static SHARED: OnceLock<Option<Dovecot>> = OnceLock::new();
        SHARED.get_or_init(Dovecot::start).as_ref()
    }

    /// Starts a server; nothing where Dovecot is missing and that is allowed.
    pub(crate) fn start() -> Option<Dovecot> {
        if !cfg!(target_os = "linux") {
            eprintln!("LEFT OUT: this test needs a loopback with many addresses, which only Linux has");
            return None;
        }
        let program = crate::needs::program("dovecot", "dovecot-imapd")?;
        let owner = Owner::find();
        let tokens = TokenServer::start();
        // A port that was free a moment ago may be taken when the server comes to it.
        let started = (0..5)
            .find_map(|_| Dovecot::try_start(&program, &owner, &tokens).map_err(|reason| eprintln!("{reason}")).ok());
        Some(started.expect("Dovecot starts"))
    }

    fn try_start(program: &Path, owner: &Owner, tokens: &TokenServer) -> Result<Dovecot, String> {
        let folder = tempfile::Builder::new().prefix("dmarcstat-dovecot").tempdir().expect("a folder").keep();
        let (imap, imaps) = (free_port(), free_port());
        for name in ["run", "state", "mail"] {
            fs::create_dir(folder.join(name)).expect("a folder");
        }
        let authority = Authority::named("dmarcstat tests");
        fs::write(folder.join("ca.crt"), authority.certificate()).expect("a file");
        authority.issue(GOOD, 2020..2099).write(&folder, "good");
        authority.issue(EXPIRED, 2020..2021).write(&folder, "expired");
        authority.issue("imap.example.net", 2020..2099).write(&folder, "other");
        Authority::named("somebody else").issue(STRANGER, 2020..2099).write(&folder, "stranger");
        fs::write(folder.join("users"), users()).expect("a file");
        let introspection = tokens.url("introspect");
        let oauth = format!(
            "introspection_mode = post\nintrospection_url = {introspection}\nusername_attribute = username\n\
             active_attribute = active\nactive_value = true\n"
        );
        fs::write(folder.join("oauth2.ext"), oauth).expect("a file");
        let greeting = format!("ready {}", folder.display());
        fs::write(folder.join("dovecot.conf"), configuration(&folder, owner, (imap, imaps), &greeting))
            .expect("a file");
        own_all(owner, &folder);
        let (mut keeper, lifeline) = keep(program, &folder, owner);
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(15) {
            if greets(imap, &greeting) && TcpStream::connect((GOOD, imaps)).is_ok() {
                let users = AtomicUsize::default();
                let (tokens, owner) = (tokens.clone(), owner.clone());
                return Ok(Dovecot { folder, imap, imaps, tokens, owner, users, _lifeline: lifeline, _keeper: keeper });
            }
            if keeper.try_wait().expect("a child").is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
        drop(lifeline);
        let _ = keeper.wait();
        Err(format!("Dovecot did not come up\n{log}"))
    }

    /// The certificate of the authority that signed the server's.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.folder.join("ca.crt")
    }

    /// What the server wrote into its log.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// A new user, whose name begins like this, with an empty inbox.
    pub(crate) fn user(&self, name: &str, namespace: Namespace) -> User<'_> {
        let number = self.users.fetch_add(1, Ordering::Relaxed);
        let name = format!("{name}{number}@{}", namespace.domain());
        let home = self.folder.join("mail").join(&name);
        let user = User { dovecot: self, name, home };
        user.create("");
        self.owner.own(&user.home);
        self.owner.own(&user.maildir());
        user
    }
}

impl Namespace {
    /// The part after the `@` in the names of users who have it.
    fn domain(self) -> &'static str {
        match self {
            Namespace::Dot => "dot",
            Namespace::Slash => "slash",
            Namespace::BelowInbox => "below",
        }
    }
}

/// The table of users, which goes by domain, so that it need not change: anybody may log in.
fn users() -> String {
    let settings = [
        (Namespace::Dot, ""),
        (Namespace::Slash, "userdb_namespace/inbox/separator=/"),
        (Namespace::BelowInbox, "userdb_namespace/inbox/prefix=INBOX. userdb_namespace/inbox/separator=."),
    ];
    settings.map(|(of, settings)| format!("{}:{{PLAIN}}{PASSWORD}::::::{settings}\n", of.domain())).concat()
}

impl Owner {
    fn find() -> Self {
        let id = |arguments: &[&str]| {
            let output = Command::new("id").args(arguments).output().expect("id runs");
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        };
        if id(&["-u"]) == "0" {
            let number = |flag| id(&[flag, "nobody"]).parse().expect("a number");
            let ids = Some((number("-u"), number("-g")));
            return Owner { user: "nobody".to_owned(), group: id(&["-gn", "nobody"]), ids };
        }
        Owner { user: id(&["-un"]), group: id(&["-gn"]), ids: None }
    }

    /// Hands a file or folder to the owner.
    pub(super) fn own(&self, path: &Path) {
        if let Some((user, group)) = self.ids {
            std::os::unix::fs::chown(path, Some(user), Some(group)).expect("root may");
        }
    }
}

fn own_all(owner: &Owner, path: &Path) {
    owner.own(path);
    if path.is_dir() {
        fs::read_dir(path).expect("a folder").for_each(|entry| own_all(owner, &entry.expect("an entry").path()));
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port()
}

fn greets(port: u16, greeting: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect((GOOD, port)) else { return false };
    stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a limit");
    let mut said = vec![0; 1024];
    let length = stream.read(&mut said).unwrap_or(0);
    String::from_utf8_lossy(&said[..length]).contains(greeting)
}

/// Runs below a shell what waits for the tests to end. However they do, by a panic or a kill, their end of the pipe
/// closes then; the server is stopped and its folder removed.
const KEEPER: &str = r#"
exec 3<&0
"$1" -F -c "$2/dovecot.conf" </dev/null >"$2/output" 2>&1 3<&- &
server=$!
{ read -r _; kill "$server"; } <&3 2>/dev/null &
waiter=$!
wait "$server"
kill "$waiter" 2>/dev/null
rm -rf "$2"
"#;

fn keep(program: &Path, folder: &Path, owner: &Owner) -> (Child, ChildStdin) {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", KEEPER, "keeper"]).arg(program).arg(folder).current_dir("/");
    // The keeper outlives the tests for a moment; nobody must wait for it to close their output.
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Some((user, group)) = owner.ids {
        command.uid(user).gid(group);
    }
    let mut child = command.spawn().expect("a shell");
    let lifeline = child.stdin.take().expect("a pipe");
    (child, lifeline)
}

fn configuration(folder: &Path, owner: &Owner, (imap, imaps): (u16, u16), greeting: &str) -> String {
    let Owner { user, group, .. } = owner;
    let folder = folder.display();
    let face = |address: &str, rest: &str| format!("local {address} {{\n{rest}\n}}\n");
    let certificate = |name: &str| format!("  ssl_cert = <{folder}/{name}.crt\n  ssl_key = <{folder}/{name}.key");
    let capabilities = |list: &str| format!("  protocol imap {{\n    imap_capability = {list}\n  }}");
    let faces = [
        face(EXPIRED, &certificate("expired")),
        face(OTHER_NAME, &certificate("other")),
        face(STRANGER, &certificate("stranger")),
        face(WITHOUT_MOVE, &capabilities("IMAP4rev1 SASL-IR NAMESPACE UIDPLUS IDLE")),
        face(WITHOUT_UIDPLUS, &capabilities("IMAP4rev1 NAMESPACE")),
        face(WITHOUT_TLS, "  ssl = no"),
    ]
    .concat();
    format!(
        "base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
login_greeting = {greeting}
protocols = imap
listen = {GOOD} {EXPIRED} {OTHER_NAME} {WITHOUT_MOVE} {WITHOUT_UIDPLUS} {WITHOUT_TLS} {STRANGER}
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  chroot =
  service_count = 0
  process_min_avail = 1
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
mail_location = maildir:~/Maildir
mail_fsync = never
mail_max_userip_connections = 100
namespace inbox {{
  inbox = yes
}}
rawlog_dir = %h/rawlog
ssl = yes
ssl_cert = <{folder}/good.crt
ssl_key = <{folder}/good.key
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2 oauthbearer
auth_failure_delay = 0
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/oauth2.ext
}}
passdb {{
  driver = passwd-file
  mechanisms = plain login
  args = scheme=PLAIN username_format=%d {folder}/users
}}
userdb {{
  driver = passwd-file
  args = username_format=%d {folder}/users
  default_fields = uid={user} gid={group} home={folder}/mail/%u
}}
{faces}"
    )
}
