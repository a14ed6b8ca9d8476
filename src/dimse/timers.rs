//! How long each wait of an association may last. All of them are finite.

use std::fmt;
use std::time::Duration;

/// The waits, each with a name for the log line that says which one ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Association Request/Reject/Release Timer (PS3.8 §9.1.5).
    Artim,
    /// Between two messages.
    Idle,
    /// Inside a message or a PDU: no byte came, or too few.
    Progress,
    /// A peer that does not take what we send.
    Send,
    /// For the TCP connection.
    Connect,
    /// For the answer to our A-ASSOCIATE-RQ.
    Association,
    /// For the DIMSE response to our request.
    Response,
    /// For the answer to our A-RELEASE-RQ.
    Release,
}

impl fmt::Display for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Artim => "ARTIM",
            Self::Idle => "idle",
            Self::Progress => "progress",
            Self::Send => "send",
            Self::Connect => "connect",
            Self::Association => "association",
            Self::Response => "response",
            Self::Release => "release",
        })
    }
}

/// The settings of all timers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timers {
    /// For a complete A-ASSOCIATE-RQ after the connection, and for the peer to close it after we said the last word.
    /// PS3.8 leaves the value open; 30 s is what most archives use.
    pub artim: Duration,
    /// For the next message on an open association. Modalities pause between series; a minute frees the place of one
    /// that was switched off.
    pub idle: Duration,
    /// For a single byte inside a message, in either direction.
    pub stall: Duration,
    /// How long a message may take before [`Timers::minimum_rate`] is asked of it.
    pub grace: Duration,
    /// Bytes per second that a peer must reach, on average over the message, once [`Timers::grace`] is over. Only time
    /// spent waiting for the peer counts: our own slow disk is not its fault.
    pub minimum_rate: u32,
    /// For the TCP connection to a destination.
    pub connect: Duration,
    /// For a destination's A-ASSOCIATE-AC or -RJ.
    pub association: Duration,
    /// For a destination's response after the last byte of the request. An archive may compress or sync first.
    pub response: Duration,
    /// For a destination's A-RELEASE-RP.
    pub release: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            artim: Duration::from_secs(30),
            idle: Duration::from_secs(60),
            stall: Duration::from_secs(30),
            grace: Duration::from_secs(30),
            minimum_rate: 8 << 10,
            connect: Duration::from_secs(10),
            association: Duration::from_secs(30),
            response: Duration::from_secs(120),
            release: Duration::from_secs(10),
        }
    }
}

/// How a message has come along so far: what [`Timers::minimum_rate`] is measured on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Pace {
    bytes: u64,
    waited: Duration,
}

impl Pace {
    /// Counts what one wait brought.
    pub(crate) fn add(&mut self, bytes: usize, waited: Duration) {
        self.bytes = self.bytes.saturating_add(bytes as u64);
        self.waited = self.waited.saturating_add(waited);
    }

    /// How long the next wait may last: never longer than the stall time, and not so long that the average falls
    /// below the minimum rate.
    pub(crate) fn patience(&self, timers: &Timers) -> Duration {
        let rate = u64::from(timers.minimum_rate.max(1));
        let earned = timers.grace.saturating_add(Duration::from_millis(
            self.bytes.saturating_mul(1_000).checked_div(rate).unwrap_or(u64::MAX),
        ));
        earned.saturating_sub(self.waited).min(timers.stall)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: usize, waited: u64, want: u64) {
        let mut pace = Pace::default();
        pace.add(bytes, Duration::from_secs(waited));
        assert_eq!(pace.patience(&Timers::default()), Duration::from_secs(want));
    }

    #[test]
    fn a_message_that_has_begun_may_stall_for_half_a_minute() {
        check(0, 0, 30);
        check(1 << 30, 60, 30);
    }

    #[test]
    fn a_peer_below_the_minimum_rate_runs_out_of_time() {
        check(0, 29, 1);
        check(8 << 10, 29, 2);
        check(0, 31, 0);
        check(80 << 10, 39, 1);
        check(80 << 10, 41, 0);
    }
}
