//! Lets readers see the objects that have been entered, although their transaction is committed a moment later.

use std::collections::HashSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::dicom::uid::Uid;

/// How long a reader waits at most: several times what a transaction stays open, unless the writer fails.
const LONGEST: Duration = Duration::from_millis(200);

/// See the module.
#[derive(Default)]
pub(super) struct Entered {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    /// The SOP Instance UIDs of objects that are entered and not committed; when there are none, nobody waits.
    open: HashSet<Uid>,
    /// Transactions that have ended.
    ended: u64,
}

impl Entered {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Objects of these SOP Instance UIDs have been entered, and are not committed.
    pub(super) fn begin(&self, instances: impl Iterator<Item = Uid>) {
        self.state().open.extend(instances);
    }

    /// Whether an object of this SOP Instance UID is among them.
    pub(super) fn has(&self, sop_instance: &Uid) -> bool {
        self.state().open.contains(sop_instance)
    }

    /// Everything has been committed.
    pub(super) fn end(&self) {
        let mut state = self.state();
        state.ended += 1;
        if !state.open.is_empty() {
            state.open.clear();
            self.ended.notify_all();
        }
    }

    /// Waits until what has been entered by now is committed, or for as long as a reader may wait.
    pub(super) fn wait(&self) {
        let state = self.state();
        let ended = state.ended;
        let is_waited_for = |state: &mut State| !state.open.is_empty() && state.ended == ended;
        drop(self.ended.wait_timeout_while(state, LONGEST, is_waited_for));
    }
}
