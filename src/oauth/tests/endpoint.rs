//! A token endpoint on this machine.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use oauth2::url::form_urlencoded;
use serde_json::Value;

pub(super) type Form = HashMap<String, String>;

/// A token endpoint; the handler gets the path and the form, and says status and body.
pub(super) struct Endpoint {
    pub(super) url: String,
    pub(super) asked: Arc<Mutex<Vec<Form>>>,
}

impl Endpoint {
    pub(super) fn new(handler: impl Fn(&str, &Form, usize) -> (u16, Value) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        // Ends with the process; nobody waits for it.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                let Some((path, form)) = read_request(&mut stream) else { continue };
                let number = {
                    let mut seen = seen.lock().unwrap();
                    seen.push(form.clone());
                    seen.len()
                };
                let (status, body) = handler(&path, &form, number);
                let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
            }
        });
        Endpoint { url, asked }
    }

    pub(super) fn asked(&self) -> Vec<Form> {
        self.asked.lock().unwrap().clone()
    }
}

fn read_request(stream: &mut impl Read) -> Option<(String, Form)> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let head = bytes.windows(4).position(|end| end == b"\r\n\r\n");
        if let Some(head) = head {
            let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
            let length: usize = text.split("content-length: ").nth(1)?.split("\r\n").next()?.parse().ok()?;
            if bytes.len() >= head + 4 + length {
                let path = text.split(' ').nth(1)?.to_owned();
                let form = form_urlencoded::parse(&bytes[head + 4..]).into_owned().collect();
                return Some((path, form));
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}
