//! The memory that a gate and a worker share, and the descriptors that a worker begins with: all of the module that is
//! `unsafe`.
//!
//! The gate never maps it. It copies bytes in and out by system calls, so that a worker which writes while the gate reads
//! spoils its own answer and nothing else.
#![allow(unsafe_code, reason = "a mapping, and descriptors that nobody owns")]

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

use memmap2::{MmapMut, MmapOptions};
use rustix::buffer::spare_capacity;
use rustix::fs::{
    FallocateFlags, MemfdFlags, SealFlags, fallocate, fcntl_add_seals, ftruncate, memfd_create,
};
use rustix::io::{pread, pwrite};

/// The gate's side.
pub(super) struct Shared(OwnedFd);

impl Shared {
    /// Memory of `size` bytes, all zero and none of it taken yet. Its size is sealed: neither side can take away under the other
    /// what it reads, nor make it grow.
    pub(super) fn new(size: u64) -> io::Result<Self> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let memory = memfd_create("markgate-frame", flags)?;
        ftruncate(&memory, size)?;
        fcntl_add_seals(&memory, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        Ok(Self(memory))
    }

    /// The same memory for the worker.
    pub(super) fn share(&self) -> io::Result<OwnedFd> {
        self.0.try_clone()
    }

    /// Copies bytes in.
    pub(super) fn write(&self, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = pwrite(&self.0, bytes, at)?;
            bytes = bytes.get(written..).unwrap_or_default();
            at += written as u64;
        }
        Ok(())
    }

    /// Copies the first `length` bytes out.
    pub(super) fn read(&self, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(length);
        while bytes.len() < length {
            let at = bytes.len() as u64;
            // A `Vec` may have more room than it was asked for: what is read beyond `length` is cut off below.
            if pread(&self.0, spare_capacity(&mut bytes), at)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        bytes.truncate(length);
        Ok(bytes)
    }

    /// Gives the memory of the first `length` bytes back.
    pub(super) fn forget(&self, length: u64) -> io::Result<()> {
        let how = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        Ok(fallocate(&self.0, how, 0, length)?)
    }
}

/// The worker's side: all of it, readable and writable.
///
/// # Errors
/// When there is no such memory, or no room to map it.
pub(super) fn map(memory: impl AsFd, size: u64) -> io::Result<MmapMut> {
    let size = usize::try_from(size).map_err(|_| io::ErrorKind::OutOfMemory)?;
    // SAFETY: the file is sealed against shrinking, so every page of the mapping exists as long as it does. The gate, the only
    // other process that has it, writes to it before it sends a request and not again until it has the answer; the worker
    // looks at it between the two alone.
    unsafe { MmapOptions::new().len(size).map_mut(memory.as_fd().as_raw_fd()) }
}

/// Where the kernel lists the descriptors of this process.
const OPEN: &str = "/proc/self/fd";

/// Closes every descriptor from `first` on: whatever the gate itself was started with and never knew of.
///
/// # Errors
/// When it cannot be told which there are.
pub(super) fn close_from(first: RawFd) -> io::Result<()> {
    let strays: Vec<RawFd> = std::fs::read_dir(OPEN)?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|descriptor| *descriptor >= first)
        .collect();
    // The folder itself was among them while it was read, and is closed by now.
    let is_open = |stray: &RawFd| std::fs::symlink_metadata(format!("{OPEN}/{stray}")).is_ok();
    for stray in strays.into_iter().filter(is_open) {
        // SAFETY: this is the first thing that the worker does. It has one thread and keeps nothing open itself, so nobody in this
        // process owns a descriptor that is there.
        unsafe { rustix::io::close(stray) };
    }
    Ok(())
}
