//! Ports on loopback that nobody else uses.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the range that the kernel gives to outgoing connections, so that none of them takes a port between
/// its choice and its use.
const FIRST: u16 = 15_000;
const COUNT: u16 = 15_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A port that is free and that no other test of this run is given.
pub fn free() -> u16 {
    // Test processes that run side by side begin at different places.
    let start = std::process::id().wrapping_mul(131) % u32::from(COUNT);
    let start = u16::try_from(start).expect("below COUNT");
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + start.wrapping_add(step) % COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
