//! Waiting for new mail (RFC 2177).

use std::time::{Duration, Instant};

use super::error::Result;
use super::response::Response;
use super::session::{Part, Session};

impl Session {
    /// Waits in the open folder until something changes there or the time is over. Where the server does not tell by
    /// itself, the time just passes.
    ///
    /// # Errors
    /// See [`Error`](super::Error); [`Stopped`](super::Error::Stopped) when it is time to stop.
    pub fn wait_for_mail(&mut self, most: Duration) -> Result<()> {
        if !self.can("IDLE")? {
            if !self.patience().sleep(most) {
                return Err(super::Error::Stopped);
            }
            return Ok(());
        }
        let until = Instant::now() + most;
        let tag = self.send(&[Part::Plain("IDLE")])?;
        // Some tell of new mail before they ask to go on.
        let (mut idles, mut news) = (false, false);
        let asked = Instant::now() + self.patience().answer;
        let mut useless = self.deadline();
        while !(idles && news) {
            match self.next_before(if idles { until } else { asked }) {
                Ok(Some(Response::Continue(_))) => idles = true,
                Ok(Some(Response::Exists(_))) => news = true,
                Ok(Some(Response::State { tag: Some(done), code, text, .. })) if done == tag => {
                    return Err(super::Error::Refused { code: code.name, text });
                }
                Ok(Some(_)) => useless.useless()?,
                Ok(None) if idles => break,
                Ok(None) => return Err(super::Error::Stalled(self.patience().answer)),
                Err(super::Error::Stopped) => {
                    self.send_line("DONE")?;
                    return Err(super::Error::Stopped);
                }
                Err(error) => return Err(error),
            }
        }
        self.send_line("DONE")?;
        self.finish(&tag, super::wire::Cap::SMALL, &mut |_| false)?;
        Ok(())
    }
}
