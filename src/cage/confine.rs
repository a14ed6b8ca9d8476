//! The bars: what a worker gives up before it sees a frame.
//!
//! Three rows of them, each of which would do where the others have a gap. Limits: memory, CPU time, no file to be written, no
//! process. Landlock: no file, no socket, no signal to others. seccomp: no system call but those that computing takes; another one
//! ends the worker at once.

use std::collections::BTreeMap;
use std::io;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetStatus,
    Scope,
};
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, Signal, getpid, set_dumpable_behavior,
    set_parent_process_death_signal, setrlimit,
};
use rustix::thread::set_no_new_privs;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};

use super::protocol::{Bars, Landlock, SHARED, Terms};

/// Address space beyond what it may fill: program text, libraries, stacks, and what allocators reserve and do not use.
const ROOM: u64 = 1 << 30;

/// What the program itself needs of the memory that it may fill.
const OWN: u64 = 32 << 20;

/// The Landlock that is asked for: files, TCP, abstract sockets and signals. A kernel that has less gives what it has.
const LANDLOCK: ABI = ABI::V6;

/// Ties a worker to the gate: it ends with it, and shows its memory to nobody.
pub(super) fn tie() -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(set_no_new_privs(true)?)
}

/// Puts everything in force that this machine has.
///
/// # Errors
/// When a limit cannot be set, which no kernel refuses.
pub(super) fn confine(terms: Terms) -> io::Result<Bars> {
    limit(terms)?;
    let landlock = landlock();
    // Landlock takes a descriptor to put in force; from here on nothing is opened any more.
    set(Resource::Nofile, 0)?;
    Ok(Bars { landlock, seccomp: seccomp() })
}

fn limit(terms: Terms) -> io::Result<()> {
    // Private memory that can be written to; the shared memory is not among it.
    set(Resource::Data, terms.memory.saturating_add(OWN))?;
    set(Resource::As, terms.memory.saturating_add(SHARED + ROOM))?;
    set(Resource::Cpu, terms.cpu)?;
    set(Resource::Fsize, 0)?;
    set(Resource::Core, 0)?;
    set(Resource::Nproc, 0)
}

/// Sets a limit, or leaves it where it is lower already.
fn set(resource: Resource, most: u64) -> io::Result<()> {
    let now = rustix::process::getrlimit(resource);
    let most = now.maximum.map_or(most, |maximum| maximum.min(most));
    Ok(setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?)
}

/// Denies all of what Landlock knows.
pub(super) fn landlock() -> Landlock {
    let denied = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(LANDLOCK))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(LANDLOCK)))
        .and_then(|rules| rules.scope(Scope::from_all(LANDLOCK)))
        .and_then(Ruleset::create)
        .and_then(landlock::RulesetCreated::restrict_self);
    match denied.map(|status| status.ruleset) {
        Ok(RulesetStatus::FullyEnforced) => Landlock::Full,
        Ok(RulesetStatus::PartiallyEnforced) => Landlock::Partial,
        Ok(RulesetStatus::NotEnforced) | Err(_) => Landlock::Absent,
    }
}

/// Puts the filter in force; `false` when the machine has none, or another one forbids it.
fn seccomp() -> bool {
    filter().is_ok_and(|filter| seccompiler::apply_filter(&filter).is_ok())
}

/// The system calls that are left, those of a thread that computes in memory it has.
fn filter() -> Result<BpfProgram, seccompiler::BackendError> {
    use libc::{
        SYS_brk, SYS_clock_gettime, SYS_exit, SYS_exit_group, SYS_futex, SYS_getpid, SYS_getrandom,
        SYS_gettid, SYS_madvise, SYS_mmap, SYS_mprotect, SYS_mremap, SYS_munmap, SYS_recvfrom,
        SYS_restart_syscall, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn,
        SYS_sched_yield, SYS_sendto, SYS_sigaltstack, SYS_tgkill, SYS_write,
    };
    let only =
        |conditions: Vec<SeccompCondition>| SeccompRule::new(conditions).map(|rule| vec![rule]);
    let argument = |number, operator, value| {
        SeccompCondition::new(number, SeccompCmpArgLen::Qword, operator, value)
    };
    let not_executable =
        || argument(2, SeccompCmpOp::MaskedEq(libc::PROT_EXEC.unsigned_abs().into()), 0);
    let own = u64::from(getpid().as_raw_nonzero().get().unsigned_abs());
    let mut rules: BTreeMap<libc::c_long, Vec<SeccompRule>> = [
        SYS_brk,
        SYS_clock_gettime,
        SYS_exit,
        SYS_exit_group,
        SYS_futex,
        SYS_getpid,
        SYS_getrandom,
        SYS_gettid,
        SYS_madvise,
        SYS_mremap,
        SYS_munmap,
        SYS_restart_syscall,
        // What a process does that aborts: it says why to nobody, and is told apart from one that tried to get out.
        SYS_rt_sigaction,
        SYS_rt_sigprocmask,
        SYS_rt_sigreturn,
        SYS_sched_yield,
        SYS_sigaltstack,
    ]
    .into_iter()
    .map(|call| (call, Vec::new()))
    .collect();
    rules.insert(SYS_mmap, only(vec![not_executable()?])?);
    rules.insert(SYS_mprotect, only(vec![not_executable()?])?);
    // Packets to and from the gate, on its own socket, to no other address.
    rules.insert(SYS_recvfrom, only(vec![argument(0, SeccompCmpOp::Eq, 0)?])?);
    let to_the_gate = vec![argument(0, SeccompCmpOp::Eq, 0)?, argument(4, SeccompCmpOp::Eq, 0)?];
    rules.insert(SYS_sendto, only(to_the_gate)?);
    // Standard error, which is nowhere.
    rules.insert(SYS_write, only(vec![argument(0, SeccompCmpOp::Eq, 2)?])?);
    rules.insert(SYS_tgkill, only(vec![argument(0, SeccompCmpOp::Eq, own)?])?);
    let machine = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules, SeccompAction::KillProcess, SeccompAction::Allow, machine)?.try_into()
}
