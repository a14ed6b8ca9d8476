//! What a destination's answer means for the object that was sent to it.
//!
//! One table for all destinations. What is not in it counts as a fault of the object: it is tried a few times and then held
//! for a person, never dropped and never sent for ever.

use crate::dicom::status::{Status, StatusClass};

/// What came of one attempt to send an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Attempt {
    /// The destination answered with a status.
    Answered(Status),
    /// There was no answer.
    Failed(Failure),
}

/// Why there was no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    /// Its name could not be resolved.
    Unresolved,
    /// No connection could be made.
    Unreachable,
    /// The connection ended in the middle.
    ConnectionLost,
    /// The destination did not answer in time.
    TimedOut,
    /// The destination aborted the association (A-ABORT).
    Aborted,
    /// The destination refused the association (A-ASSOCIATE-RJ).
    Rejected {
        /// Result: 1 permanent, 2 transient.
        result: u8,
        /// Source: 1 service user, 2 and 3 service provider.
        source: u8,
        /// Reason, which depends on the source (PS3.8 table 9-21).
        reason: u8,
    },
    /// TLS could not be agreed on.
    Tls,
    /// No presentation context fits the object, converted or not.
    NoContext,
    /// The answer was for another message, or was no C-STORE response.
    WrongAnswer,
    /// The folder of a folder destination cannot be written.
    FolderUnwritable,
}

/// What an attempt means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The destination has the object.
    Stored {
        /// What it remarked.
        warning: Option<Status>,
    },
    /// It has not, for the cause named.
    NotStored(Cause),
}

/// Whose fault it is that an object was not stored, which decides when it is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The destination's or the network's, for now.
    Transient,
    /// The configuration's, here or there: a person must act.
    Configuration,
    /// The object's: this destination will not have it.
    Content,
}

impl Cause {
    /// The word for it in logs and lists.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Configuration => "configuration",
            Self::Content => "content",
        }
    }
}

/// What an attempt means for the object.
#[must_use]
pub fn outcome(attempt: Attempt) -> Outcome {
    match attempt {
        Attempt::Answered(status) => answered(status),
        Attempt::Failed(failure) => Outcome::NotStored(cause_of(failure)),
    }
}

fn answered(status: Status) -> Outcome {
    match status.class() {
        StatusClass::Success => Outcome::Stored { warning: None },
        StatusClass::Warning => Outcome::Stored { warning: Some(status) },
        // What the peer has already is where it should be.
        StatusClass::Failure if status == Status::DUPLICATE_SOP_INSTANCE => {
            Outcome::Stored { warning: Some(status) }
        }
        StatusClass::Failure => Outcome::NotStored(match status.0 {
            // Out of resources; processing failure; resource limitation; duplicate invocation, which the next
            // association cures.
            0xA700..=0xA7FF | 0x0110 | 0x0213 | 0x0210 => Cause::Transient,
            _ => Cause::Content,
        }),
        // Neither answers a C-STORE. Tried a few times, then held.
        StatusClass::Cancel | StatusClass::Pending => Outcome::NotStored(Cause::Content),
    }
}

fn cause_of(failure: Failure) -> Cause {
    match failure {
        Failure::Unresolved
        | Failure::Unreachable
        | Failure::ConnectionLost
        | Failure::TimedOut
        | Failure::Aborted
        | Failure::WrongAnswer
        | Failure::FolderUnwritable => Cause::Transient,
        // PS3.8 table 9-21: result 2 is transient; what is permanent says that a title, the application context or
        // the protocol version is not what the destination expects.
        Failure::Rejected { result: 2, .. } => Cause::Transient,
        Failure::Rejected { .. } | Failure::Tls => Cause::Configuration,
        Failure::NoContext => Cause::Content,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(statuses: &[u16], want: impl Fn(Status) -> Outcome) {
        for status in statuses.iter().copied().map(Status) {
            assert_eq!(outcome(Attempt::Answered(status)), want(status), "{status}");
        }
    }

    #[track_caller]
    fn check_failures(failures: &[Failure], want: Cause) {
        for failure in failures.iter().copied() {
            assert_eq!(outcome(Attempt::Failed(failure)), Outcome::NotStored(want), "{failure:?}");
        }
    }

    #[test]
    fn success_warnings_and_duplicates_are_stored() {
        check(&[0x0000], |_| Outcome::Stored { warning: None });
        let warned = |status| Outcome::Stored { warning: Some(status) };
        check(&[0xB000, 0xB006, 0xB007, 0xBFFF, 0x0001, 0x0107, 0x0116, 0x0111], warned);
    }

    #[test]
    fn lack_of_resources_is_transient() {
        let want = |_| Outcome::NotStored(Cause::Transient);
        check(&[0xA700, 0xA701, 0xA7FF, 0x0110, 0x0213, 0x0210], want);
    }

    #[test]
    fn what_speaks_of_the_object_or_is_unknown_is_content() {
        let statuses = [
            0xA900, 0xC000, 0xCFFF, 0x0117, 0x0122, 0x0124, 0x0211, 0x0212, 0xFE00, 0xFF00, 0x1234,
        ];
        check(&statuses, |_| Outcome::NotStored(Cause::Content));
        check_failures(&[Failure::NoContext], Cause::Content);
    }

    #[test]
    fn a_destination_that_cannot_be_reached_is_transient() {
        let congested = Failure::Rejected { result: 2, source: 3, reason: 1 };
        let failures = [
            Failure::Unresolved,
            Failure::Unreachable,
            Failure::ConnectionLost,
            Failure::TimedOut,
            Failure::Aborted,
            Failure::WrongAnswer,
            Failure::FolderUnwritable,
            congested,
        ];
        check_failures(&failures, Cause::Transient);
    }

    #[test]
    fn a_destination_that_does_not_want_us_is_misconfigured() {
        let rejected = |source, reason| Failure::Rejected { result: 1, source, reason };
        let failures =
            [rejected(1, 3), rejected(1, 7), rejected(1, 1), rejected(2, 2), Failure::Tls];
        check_failures(&failures, Cause::Configuration);
    }
}
