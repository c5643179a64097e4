//! A small OAuth2 server: it gives out tokens, and tells a mail server whose they are.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What the server knows and has seen.
#[derive(Default)]
struct State {
    /// Users by their living tokens.
    tokens: HashMap<String, String>,
    /// What the next answers of the token endpoint for a client are, and when they run out: the token, seconds it lives.
    grants: HashMap<String, Vec<(String, u64)>>,
    /// Refresh tokens that come with a client's tokens.
    refresh: HashMap<String, String>,
    /// Requests to the token endpoint: their forms.
    asked: Vec<HashMap<String, String>>,
}

/// The server; it lives as long as the process.
#[derive(Clone)]
pub(crate) struct TokenServer {
    port: u16,
    state: Arc<Mutex<State>>,
}

impl TokenServer {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let server = TokenServer { port, state: Arc::default() };
        let answering = server.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let server = answering.clone();
                // A client that goes away in the middle is not a concern of the server's.
                std::thread::spawn(move || drop(server.answer(connection)));
            }
        });
        server
    }

    /// The URL of an endpoint: `token` or `introspect`.
    pub(crate) fn url(&self, endpoint: &str) -> String {
        format!("http://127.0.0.1:{}/{endpoint}", self.port)
    }

    /// Makes a token good for a user, until it is revoked.
    pub(crate) fn allow(&self, token: &str, user: &str) {
        self.lock().tokens.insert(token.to_owned(), user.to_owned());
    }

    /// Makes a token good for nothing.
    pub(crate) fn revoke(&self, token: &str) {
        self.lock().tokens.remove(token);
    }

    /// What a client is given when it asks, one after the other: a token, and how many seconds it is said to live.
    /// The last is given again and again.
    pub(crate) fn grant(&self, client: &str, tokens: &[(&str, u64)]) {
        let tokens = tokens.iter().rev().map(|(token, seconds)| ((*token).to_owned(), *seconds)).collect();
        self.lock().grants.insert(client.to_owned(), tokens);
    }

    /// Lets a refresh token come with a client's tokens.
    pub(crate) fn refresh(&self, client: &str, token: &str) {
        self.lock().refresh.insert(client.to_owned(), token.to_owned());
    }

    /// The last form that a client sent to the token endpoint.
    pub(crate) fn last_form(&self, client: &str) -> HashMap<String, String> {
        let is_its = |form: &&HashMap<String, String>| form.get("client_id").is_some_and(|id| id == client);
        self.lock().asked.iter().rev().find(is_its).cloned().unwrap_or_default()
    }

    /// How often a client has asked for a token.
    pub(crate) fn asked(&self, client: &str) -> usize {
        self.lock().asked.iter().filter(|form| form.get("client_id").is_some_and(|id| id == client)).count()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no panic while it was held")
    }

    fn answer(&self, connection: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(connection.try_clone()?);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let path = line.split(' ').nth(1).unwrap_or("").to_owned();
        let (mut length, mut basic) = (0, None);
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').unwrap_or((&line, ""));
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().unwrap_or(0),
                "authorization" => basic = value.trim().strip_prefix("Basic ").map(client_of),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let mut form = fields(&String::from_utf8_lossy(&body));
        if let Some(client) = basic {
            form.entry("client_id".to_owned()).or_insert(client);
        }
        let (status, answer) = match path.as_str() {
            "/introspect" => (200, self.introspect(&form)),
            "/token" => self.token(form),
            "/device" => (200, device()),
            _ => (404, serde_json::json!({ "error": "not_found" })),
        };
        let answer = answer.to_string();
        let mut connection = connection;
        write!(
            connection,
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{answer}",
            answer.len()
        )
    }

    /// RFC 7662.
    fn introspect(&self, form: &HashMap<String, String>) -> serde_json::Value {
        let state = self.lock();
        match form.get("token").and_then(|token| state.tokens.get(token)) {
            Some(user) => serde_json::json!({ "active": true, "username": user }),
            None => serde_json::json!({ "active": false }),
        }
    }

    /// RFC 6749, section 5.
    fn token(&self, form: HashMap<String, String>) -> (u16, serde_json::Value) {
        let mut state = self.lock();
        let client = form.get("client_id").cloned().unwrap_or_default();
        state.asked.push(form);
        let Some(tokens) = state.grants.get_mut(&client) else {
            let error = "invalid_client";
            return (401, serde_json::json!({ "error": error, "error_description": "no such client" }));
        };
        let next = if tokens.len() > 1 { tokens.pop() } else { tokens.last().cloned() };
        let (token, seconds) = next.unwrap_or_default();
        let mut answer = serde_json::json!({ "access_token": token, "token_type": "Bearer", "expires_in": seconds });
        if let Some(refresh) = state.refresh.get(&client) {
            answer["refresh_token"] = refresh.as_str().into();
        }
        (200, answer)
    }
}

/// RFC 8628, section 3.2; whoever asks has typed the code already.
fn device() -> serde_json::Value {
    serde_json::json!({
        "device_code": "device", "user_code": "WDJB-MJHT", "verification_uri": "https://login.example.com/device",
        "expires_in": 600, "interval": 0,
    })
}

/// The client's id out of basic authentication.
fn client_of(encoded: &str) -> String {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    unescape(text.split(':').next().unwrap_or(""))
}

/// The fields of a form.
fn fields(body: &str) -> HashMap<String, String> {
    body.split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (unescape(name), unescape(value)))
        .collect()
}

fn unescape(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits: Vec<u8> = rest.by_ref().take(2).collect();
                u8::from_str_radix(&String::from_utf8_lossy(&digits), 16).unwrap_or(b'?')
            }
            byte => byte,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
