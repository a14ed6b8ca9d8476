//! Objects are entered in the ledger in the order in which they came: what becomes of one depends on those before it.

use tokio_util::sync::CancellationToken;

use super::case::row;
use super::judge::{Judging, Work};
use crate::ledger::{Arrival, Later, Ledger, LedgerFault, ObjectRow, insist};

/// An object that has its place in the ledger's order.
pub(super) struct Entering {
    ledger: Ledger,
    row: ObjectRow,
    answer: Later<Arrival>,
}

impl Entering {
    /// Gives an object that has come its place. `None` for one that has had it long since.
    pub(super) async fn begin(with: &Judging, work: &Work) -> Option<Self> {
        let row = match work {
            Work::Fresh(fresh) => row(&fresh.receipt, &fresh.case, &with.site.load()),
            Work::Relayed(relayed) => relayed.row(),
            Work::Again(_) | Work::Ruled(..) => return None,
        };
        let answer = with.ledger.enter(row.clone()).await;
        Some(Self { ledger: with.ledger.clone(), row, answer })
    }

    /// How it stands to those before it.
    ///
    /// # Errors
    /// As [`Ledger::received`], where asking again has not helped.
    pub(super) async fn arrival(self, stop: &CancellationToken) -> Result<Arrival, LedgerFault> {
        let Self { ledger, row, answer } = self;
        let mut answer = Some(answer);
        let ask = || {
            let (first, ledger, row) = (answer.take(), ledger.clone(), row.clone());
            async move {
                match first {
                    Some(answer) => answer.get().await,
                    None => ledger.received(row).await,
                }
            }
        };
        insist(stop, ask).await
    }
}
