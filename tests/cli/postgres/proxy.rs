//! Stands between the program and the server and counts the round trips: how often an answer follows on what was asked.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A way to a server, on which round trips are counted. It ends with the tests.
pub(crate) struct Proxy {
    port: u16,
    trips: Arc<AtomicUsize>,
}

impl Proxy {
    /// To a server on a port of this machine.
    pub(crate) fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let trips = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&trips);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else { return };
                // The program has said something that was not answered yet; what it takes its leave with never is.
                let asked = Arc::new(AtomicBool::new(false));
                let (from_server, to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                let (noted, counted) = (Arc::clone(&asked), Arc::clone(&counted));
                std::thread::spawn(move || pass(client, server, || noted.store(true, Ordering::SeqCst)));
                std::thread::spawn(move || {
                    pass(from_server, to_client, || {
                        if asked.swap(false, Ordering::SeqCst) {
                            counted.fetch_add(1, Ordering::SeqCst);
                        }
                    });
                });
            }
        });
        Proxy { port, trips }
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// How many round trips there were since it was asked last.
    pub(crate) fn trips(&self) -> usize {
        self.trips.swap(0, Ordering::SeqCst)
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, mut seen: impl FnMut()) {
    let mut buffer = [0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        seen();
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
