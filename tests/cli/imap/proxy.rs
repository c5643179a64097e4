//! A bad line: a proxy on loopback that delays, cuts, stalls and garbles what a server says.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What becomes of one connection.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// The line is cut after this many bytes of what the server says.
    Cut(u64),
    /// Nothing more comes after this many bytes, in either direction, and the line stays.
    Stall(u64),
    /// After the first number of bytes as many as the second says are turned into others.
    Garble(u64, u64),
    /// The line is cut when the client has said this many bytes, before the server hears the last of them.
    CutClient(u64),
}

/// How much may be under way in one direction, in pieces; more than any line of the tests holds.
const UNDER_WAY: usize = 4096;
const PIECE: usize = 1 << 16;

/// The proxy; it lives as long as the process.
pub(crate) struct Proxy {
    /// The port to connect to.
    pub(crate) port: u16,
    connections: Arc<AtomicUsize>,
    said: Arc<AtomicU64>,
}

impl Proxy {
    /// A line to a port of this machine that takes half the round trip for each direction, and whose connections have
    /// these faults, in turn. Those that come after have none.
    pub(crate) fn start(port: u16, round_trip: Duration, faults: &[Option<Fault>]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let proxy = Proxy {
            port: listener.local_addr().expect("an address").port(),
            connections: Arc::default(),
            said: Arc::default(),
        };
        let (connections, said) = (Arc::clone(&proxy.connections), Arc::clone(&proxy.said));
        let faults = Mutex::new(faults.iter().copied().collect::<VecDeque<_>>());
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                connections.fetch_add(1, Ordering::Relaxed);
                let fault = faults.lock().expect("no panic while it was held").pop_front().flatten();
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                connect(&client, &server, round_trip / 2, fault, &said);
            }
        });
        proxy
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// How many bytes servers have said to clients.
    pub(crate) fn said(&self) -> u64 {
        self.said.load(Ordering::Relaxed)
    }
}

fn connect(client: &TcpStream, server: &TcpStream, delay: Duration, fault: Option<Fault>, said: &Arc<AtomicU64>) {
    for stream in [client, server] {
        let _ = stream.set_nodelay(true);
    }
    let own = |stream: &TcpStream| stream.try_clone().expect("another handle");
    let (from_server, from_client) = match fault {
        Some(Fault::CutClient(_)) => (None, fault),
        Some(Fault::Stall(_)) => (fault, fault),
        _ => (fault, None),
    };
    // A stall begins with what the server said, and then holds for what the client says too.
    let stalled = Arc::new(AtomicU64::new(0));
    let down = Way { from: own(server), to: own(client), delay, fault: from_server, said: Some(Arc::clone(said)) };
    let up = Way { from: own(client), to: own(server), delay, fault: from_client, said: None };
    for way in [down, up] {
        let stalled = Arc::clone(&stalled);
        std::thread::spawn(move || way.run(&stalled));
    }
}

/// One direction of a connection.
struct Way {
    from: TcpStream,
    to: TcpStream,
    delay: Duration,
    fault: Option<Fault>,
    said: Option<Arc<AtomicU64>>,
}

impl Way {
    fn run(self, stalled: &AtomicU64) {
        let (sender, receiver) = sync_channel(UNDER_WAY);
        let to = self.to.try_clone().expect("another handle");
        let writer = std::thread::spawn(move || write(&receiver, to));
        let (from, to) = (self.from.try_clone().expect("another handle"), self.to.try_clone().expect("another handle"));
        let cut = self.read(&sender, stalled).is_err();
        drop(sender);
        let _ = writer.join();
        if cut {
            let _ = from.shutdown(Shutdown::Both);
            let _ = to.shutdown(Shutdown::Both);
        } else {
            let _ = to.shutdown(Shutdown::Write);
        }
    }

    /// Hands on what comes until it ends; an error where the line is cut.
    fn read(mut self, sender: &SyncSender<(Instant, Vec<u8>)>, stalled: &AtomicU64) -> io::Result<()> {
        let down = self.said.is_some();
        let mut passed = 0u64;
        let mut piece = vec![0; PIECE];
        loop {
            let length = self.from.read(&mut piece)?;
            if length == 0 {
                return Ok(());
            }
            let mut bytes = piece[..length].to_vec();
            let left = |at: u64| usize::try_from(at.saturating_sub(passed)).unwrap_or(usize::MAX).min(length);
            let mut cut = false;
            match self.fault {
                Some(Fault::Cut(at) | Fault::CutClient(at)) => {
                    bytes.truncate(left(at));
                    cut = bytes.len() < length;
                }
                Some(Fault::Stall(at)) if down => {
                    bytes.truncate(left(at));
                    if bytes.len() < length {
                        stalled.store(1, Ordering::Relaxed);
                    }
                }
                Some(Fault::Stall(_)) if stalled.load(Ordering::Relaxed) == 1 => bytes.clear(),
                Some(Fault::Garble(at, count)) => {
                    bytes[left(at)..left(at + count)].iter_mut().for_each(|byte| *byte = !*byte);
                }
                _ => {}
            }
            passed += length as u64;
            if let Some(said) = &self.said {
                said.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            }
            if !bytes.is_empty() && sender.send((Instant::now() + self.delay, bytes)).is_err() {
                return Ok(());
            }
            if cut {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
        }
    }
}

/// Writes each piece when its time has come.
fn write(receiver: &Receiver<(Instant, Vec<u8>)>, mut to: TcpStream) {
    while let Ok((due, bytes)) = receiver.recv() {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        if to.write_all(&bytes).is_err() {
            // Whoever writes to this end learns that nobody reads.
            let _ = to.shutdown(Shutdown::Both);
            return;
        }
    }
}
