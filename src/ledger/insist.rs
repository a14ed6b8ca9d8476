//! Asking the ledger until it has done what it was asked.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::LedgerFault;

/// The wait after the first failure; doubled up to the last.
const FIRST: Duration = Duration::from_millis(200);

/// The longest wait.
const LAST: Duration = Duration::from_secs(30);

/// What makes the ledger panic once more than this is not asked again: others wait behind it.
const PANICS: u32 = 3;

/// Asks again what failed for the sake of disk or database, until it is done or `stop` is given: what an object waits for must
/// not wait for the next start. To be used for what may be told twice.
///
/// # Errors
/// What asking again cannot mend, and after `stop` what the last attempt came to.
pub async fn insist<T, A>(
    stop: &CancellationToken,
    mut ask: impl FnMut() -> A,
) -> Result<T, LedgerFault>
where
    A: Future<Output = Result<T, LedgerFault>>,
{
    let (mut wait, mut panics) = (FIRST, 0);
    loop {
        let fault = match ask().await {
            Err(
                fault @ (LedgerFault::Log(_)
                | LedgerFault::Index(_)
                | LedgerFault::Open { .. }
                | LedgerFault::Behind),
            ) if !stop.is_cancelled() => fault,
            Err(fault @ LedgerFault::Panicked) if panics < PANICS && !stop.is_cancelled() => {
                panics += 1;
                fault
            }
            answer => return answer,
        };
        tracing::error!(%fault, wait_ms = wait.as_millis(), "the ledger failed; it is asked again");
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(wait) => {}
        }
        wait = (wait * 2).min(LAST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Refused;

    #[track_caller]
    fn check(
        script: Vec<Result<u8, LedgerFault>>,
        stopped: bool,
    ) -> (Result<u8, LedgerFault>, usize) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        let stop = CancellationToken::new();
        if stopped {
            stop.cancel();
        }
        let (mut script, mut asked) = (script.into_iter(), 0);
        let answer = runtime.block_on(insist(&stop, || {
            asked += 1;
            std::future::ready(script.next().expect("not asked that often"))
        }));
        (answer, asked)
    }

    #[test]
    fn what_can_be_mended_is_asked_until_it_is_done() {
        let (answer, asked) =
            check(vec![Err(LedgerFault::Behind), Err(LedgerFault::Behind), Ok(7)], false);
        assert_eq!((answer.ok(), asked), (Some(7), 3));
    }

    #[test]
    fn what_cannot_be_mended_is_asked_once() {
        let (answer, asked) = check(vec![Err(LedgerFault::Refused(Refused::OnHold))], false);
        assert!(matches!(answer, Err(LedgerFault::Refused(Refused::OnHold))));
        assert_eq!(asked, 1);
        assert!(matches!(check(vec![Err(LedgerFault::Closed)], false).0, Err(LedgerFault::Closed)));
    }

    #[test]
    fn what_makes_the_ledger_panic_is_asked_three_times_more() {
        let panicked = || Err(LedgerFault::Panicked);
        let (answer, asked) = check(vec![panicked(), panicked(), panicked(), Ok(7)], false);
        assert_eq!((answer.ok(), asked), (Some(7), 4));
        let (answer, asked) = check(vec![panicked(), panicked(), panicked(), panicked()], false);
        assert!(matches!(answer, Err(LedgerFault::Panicked)));
        assert_eq!(asked, 4);
    }

    #[test]
    fn whoever_stops_asks_once() {
        let (answer, asked) = check(vec![Err(LedgerFault::Behind)], true);
        assert!(matches!(answer, Err(LedgerFault::Behind)));
        assert_eq!(asked, 1);
    }
}
