//! How much memory the allocator keeps for itself.
#![allow(unsafe_code, reason = "the allocator is told by a function of C")]

use std::ffi::c_int;
use std::thread::available_parallelism;

/// Has the threads share heaps. glibc makes one for each thread, up to eight times the number of processors, and what one of them
/// has given back serves no other: a gate has many threads that are seldom at work at the same time. Small pieces are kept by each
/// thread anyhow, so that they do not wait for each other.
pub(super) fn share() {
    let processors = available_parallelism().map_or(1, usize::from);
    let told = tell(heaps(processors));
    if !told {
        tracing::debug!("each thread has a heap of its own");
    }
}

/// As many as there are threads at work in them at a time, by and large.
fn heaps(processors: usize) -> c_int {
    c_int::try_from(processors / 2).unwrap_or(c_int::MAX).max(1)
}

#[cfg(target_env = "gnu")]
fn tell(heaps: c_int) -> bool {
    // SAFETY: it takes two numbers and changes a setting of the allocator, under the allocator's own lock.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, heaps) == 1 }
}

#[cfg(not(target_env = "gnu"))]
fn tell(_heaps: c_int) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_processors_share_a_heap_and_one_has_one() {
        for (processors, want) in [(1, 1), (2, 1), (3, 1), (4, 2), (64, 32)] {
            assert_eq!(heaps(processors), want, "{processors}");
        }
    }

    #[cfg(target_env = "gnu")]
    #[test]
    fn the_allocator_takes_the_number() {
        assert!(tell(heaps(2)));
    }
}
