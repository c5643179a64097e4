//! SIGTERM and SIGINT in commands that clean up before they end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::anyhow;

use super::failure::{Failure, Status, say};

/// How long a command may take to end by itself.
const GRACE: Duration = Duration::from_millis(900);

/// Listens to SIGTERM and SIGINT. The first sets the flag that is returned; if the command has not ended a moment later,
/// because a server or another process keeps it waiting, or at a second signal, the process ends with `status`. That is
/// safe at any moment: what is committed stays, and the next run goes on from there.
pub(super) fn listen(status: Status) -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    imp::listen(Arc::clone(&stop), status).map_err(|error| anyhow!("cannot listen to signals: {error}"))?;
    Ok(stop)
}

fn end_soon(stop: &AtomicBool, status: Status, second: &mut dyn FnMut() -> bool) {
    stop.store(true, Ordering::Relaxed);
    let until = std::time::Instant::now() + GRACE;
    while std::time::Instant::now() < until && !second() {
        std::thread::sleep(Duration::from_millis(20));
    }
    say("dmarcstat: stopped by a signal before the end; the next run goes on from here");
    std::process::exit(status as i32);
}

#[cfg(unix)]
mod imp {
    use super::*;

    pub(super) fn listen(stop: Arc<AtomicBool>, status: Status) -> std::io::Result<()> {
        use signal_hook::consts::{SIGINT, SIGTERM};
        let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT])?;
        let wait = move || {
            if signals.forever().next().is_some() {
                end_soon(&stop, status, &mut || signals.pending().next().is_some());
            }
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(wait).map(drop)
    }
}

#[cfg(not(unix))]
mod imp {
    use super::*;

    pub(super) fn listen(stop: Arc<AtomicBool>, status: Status) -> std::io::Result<()> {
        let told = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
            signal_hook::flag::register_conditional_default(signal, Arc::clone(&told))?;
            signal_hook::flag::register(signal, Arc::clone(&told))?;
        }
        let wait = move || {
            while !told.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(50));
            }
            end_soon(&stop, status, &mut || false);
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(wait).map(drop)
    }
}
