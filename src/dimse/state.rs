//! The state table of PS3.8 §9.2 (table 9-10), in the standard's own names so that it can be proofread against it.
//!
//! Pure: what an [`Action`] does, `link` does.

/// The thirteen states (PS3.8 §9.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum State {
    /// Idle: no connection.
    Sta1,
    /// Connection open, awaiting A-ASSOCIATE-RQ.
    Sta2,
    /// Awaiting our decision on the request.
    Sta3,
    /// Awaiting the connection.
    Sta4,
    /// Awaiting A-ASSOCIATE-AC or -RJ.
    Sta5,
    /// Association established.
    Sta6,
    /// Awaiting A-RELEASE-RP.
    Sta7,
    /// Awaiting our answer to A-RELEASE-RQ.
    Sta8,
    /// Release collision, requestor side: awaiting our answer.
    Sta9,
    /// Release collision, acceptor side: awaiting A-RELEASE-RP.
    Sta10,
    /// Release collision, requestor side: awaiting A-RELEASE-RP.
    Sta11,
    /// Release collision, acceptor side: awaiting our answer.
    Sta12,
    /// Our last word is said: awaiting the close of the connection.
    Sta13,
}

/// The nineteen events (PS3.8 §9.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Event {
    /// Evt1: we want an association.
    AssociateRequest,
    /// Evt2: our connection is open.
    TransportConfirmed,
    /// Evt3.
    AssociateAc,
    /// Evt4.
    AssociateRj,
    /// Evt5: a peer's connection is open.
    TransportIndicated,
    /// Evt6.
    AssociateRq,
    /// Evt7: we accept.
    Accept,
    /// Evt8: we reject.
    Reject,
    /// Evt9: we have data to send.
    SendData,
    /// Evt10.
    PData,
    /// Evt11: we want to release.
    ReleaseRequest,
    /// Evt12.
    ReleaseRq,
    /// Evt13.
    ReleaseRp,
    /// Evt14: we answer a release request.
    ReleaseResponse,
    /// Evt15: we want to abort.
    AbortRequest,
    /// Evt16.
    Abort,
    /// Evt17: the connection is closed.
    TransportClosed,
    /// Evt18: the ARTIM timer has expired.
    ArtimExpired,
    /// Evt19: an unrecognized or invalid PDU.
    InvalidPdu,
}

/// What an event leads to (PS3.8 §9.2.3, tables 9-6 to 9-9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    /// Open the connection.
    Ae1,
    /// Send A-ASSOCIATE-RQ.
    Ae2,
    /// The association is accepted.
    Ae3,
    /// The association is rejected; close.
    Ae4,
    /// Start ARTIM.
    Ae5,
    /// Stop ARTIM; ask who decides.
    Ae6,
    /// Send A-ASSOCIATE-AC.
    Ae7,
    /// Send A-ASSOCIATE-RJ, start ARTIM.
    Ae8,
    /// Send P-DATA-TF.
    Dt1,
    /// Data has come.
    Dt2,
    /// Send A-RELEASE-RQ.
    Ar1,
    /// The peer wants to release.
    Ar2,
    /// The release is done; close.
    Ar3,
    /// Send A-RELEASE-RP, start ARTIM.
    Ar4,
    /// Stop ARTIM.
    Ar5,
    /// Data has come while we wait for the release.
    Ar6,
    /// Send P-DATA-TF although the peer wants to release.
    Ar7,
    /// Both want to release.
    Ar8,
    /// Send A-RELEASE-RP.
    Ar9,
    /// The peer has answered our release request.
    Ar10,
    /// Send A-ABORT, start ARTIM.
    Aa1,
    /// Stop ARTIM; close.
    Aa2,
    /// The peer has aborted; close.
    Aa3,
    /// The connection was lost.
    Aa4,
    /// Stop ARTIM.
    Aa5,
    /// Pass over the PDU.
    Aa6,
    /// Send A-ABORT.
    Aa7,
    /// Send A-ABORT of the service-provider, start ARTIM.
    Aa8,
}

/// Which end of the association this is: it decides who answers first when both want to release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    /// Sent the A-ASSOCIATE-RQ.
    Requestor,
    /// Got it.
    Acceptor,
}

/// The table: `None` where it has a blank, which only a mistake of ours can reach.
#[allow(clippy::enum_glob_use, clippy::match_same_arms)]
pub(crate) fn step(state: State, event: Event, role: Role) -> Option<(Action, State)> {
    use Action::*;
    use State::*;
    let established = matches!(state, Sta6 | Sta7 | Sta8 | Sta9 | Sta10 | Sta11 | Sta12);
    Some(match (event, state) {
        (Event::AssociateRequest, Sta1) => (Ae1, Sta4),
        (Event::TransportConfirmed, Sta4) => (Ae2, Sta5),
        (Event::TransportIndicated, Sta1) => (Ae5, Sta2),

        (Event::AssociateAc, Sta5) => (Ae3, Sta6),
        (Event::AssociateRj, Sta5) => (Ae4, Sta1),
        (Event::AssociateRq, Sta2) => (Ae6, Sta3),
        (Event::Accept, Sta3) => (Ae7, Sta6),
        (Event::Reject, Sta3) => (Ae8, Sta13),

        (Event::SendData, Sta6) => (Dt1, Sta6),
        (Event::SendData, Sta8) => (Ar7, Sta8),
        (Event::PData, Sta6) => (Dt2, Sta6),
        (Event::PData, Sta7) => (Ar6, Sta7),

        (Event::ReleaseRequest, Sta6) => (Ar1, Sta7),
        (Event::ReleaseRq, Sta6) => (Ar2, Sta8),
        (Event::ReleaseRq, Sta7) => match role {
            Role::Requestor => (Ar8, Sta9),
            Role::Acceptor => (Ar8, Sta10),
        },
        (Event::ReleaseRp, Sta7 | Sta11) => (Ar3, Sta1),
        (Event::ReleaseRp, Sta10) => (Ar10, Sta12),
        (Event::ReleaseResponse, Sta8 | Sta12) => (Ar4, Sta13),
        (Event::ReleaseResponse, Sta9) => (Ar9, Sta11),

        (Event::AbortRequest, Sta4) => (Aa2, Sta1),
        (Event::AbortRequest, Sta3 | Sta5) => (Aa1, Sta13),
        (Event::AbortRequest, _) if established => (Aa1, Sta13),
        (Event::Abort, Sta2 | Sta13) => (Aa2, Sta1),
        (Event::Abort, Sta3 | Sta5) => (Aa3, Sta1),
        (Event::Abort, _) if established => (Aa3, Sta1),

        (Event::TransportClosed, Sta2) => (Aa5, Sta1),
        (Event::TransportClosed, Sta3 | Sta4 | Sta5) => (Aa4, Sta1),
        (Event::TransportClosed, Sta13) => (Ar5, Sta1),
        (Event::TransportClosed, _) if established => (Aa4, Sta1),
        (Event::ArtimExpired, Sta2 | Sta13) => (Aa2, Sta1),

        // From here on: PDUs that have no place where they come.
        (Event::AssociateRq | Event::InvalidPdu, Sta13) => (Aa7, Sta13),
        (
            Event::AssociateAc
            | Event::AssociateRj
            | Event::PData
            | Event::ReleaseRq
            | Event::ReleaseRp,
            Sta13,
        ) => (Aa6, Sta13),
        (
            Event::AssociateAc
            | Event::AssociateRj
            | Event::PData
            | Event::ReleaseRq
            | Event::ReleaseRp
            | Event::InvalidPdu,
            Sta2,
        ) => (Aa1, Sta13),
        (
            Event::AssociateAc
            | Event::AssociateRj
            | Event::AssociateRq
            | Event::PData
            | Event::ReleaseRq
            | Event::ReleaseRp
            | Event::InvalidPdu,
            Sta3 | Sta5 | Sta6 | Sta7 | Sta8 | Sta9 | Sta10 | Sta11 | Sta12,
        ) => (Aa8, Sta13),

        (
            Event::AssociateRequest
            | Event::TransportConfirmed
            | Event::AssociateAc
            | Event::AssociateRj
            | Event::TransportIndicated
            | Event::AssociateRq
            | Event::Accept
            | Event::Reject
            | Event::SendData
            | Event::PData
            | Event::ReleaseRequest
            | Event::ReleaseRq
            | Event::ReleaseRp
            | Event::ReleaseResponse
            | Event::AbortRequest
            | Event::Abort
            | Event::TransportClosed
            | Event::ArtimExpired
            | Event::InvalidPdu,
            _,
        ) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::figure::figure;

    const EVENTS: [Event; 19] = [
        Event::AssociateRequest,
        Event::TransportConfirmed,
        Event::AssociateAc,
        Event::AssociateRj,
        Event::TransportIndicated,
        Event::AssociateRq,
        Event::Accept,
        Event::Reject,
        Event::SendData,
        Event::PData,
        Event::ReleaseRequest,
        Event::ReleaseRq,
        Event::ReleaseRp,
        Event::ReleaseResponse,
        Event::AbortRequest,
        Event::Abort,
        Event::TransportClosed,
        Event::ArtimExpired,
        Event::InvalidPdu,
    ];
    const STATES: [State; 13] = [
        State::Sta1,
        State::Sta2,
        State::Sta3,
        State::Sta4,
        State::Sta5,
        State::Sta6,
        State::Sta7,
        State::Sta8,
        State::Sta9,
        State::Sta10,
        State::Sta11,
        State::Sta12,
        State::Sta13,
    ];

    /// Table 9-10: a row an event, a column a state; action and number of the next state, `-` for a blank. In column
    /// Sta7 of Evt12 the requestor's next state.
    const TABLE: &str = "
        AE1/4 -     -     -     -     -     -      -     -      -       -      -      -
        -     -     -     AE2/5 -     -     -      -     -      -       -      -      -
        -     AA1/13 AA8/13 - AE3/6 AA8/13 AA8/13 AA8/13 AA8/13 AA8/13 AA8/13 AA8/13 AA6/13
        -     AA1/13 AA8/13 - AE4/1 AA8/13 AA8/13 AA8/13 AA8/13 AA8/13 AA8/13 AA8/13 AA6/13
        AE5/2 -     -     -     -     -     -      -     -      -       -      -      -
        -     AE6/3 AA8/13 - AA8/13 AA8/13 AA8/13 AA8/13 AA8/13 AA8/13 AA8/13 AA8/13 AA7/13
        -     -     AE7/6 -     -     -     -      -     -      -       -      -      -
        -     -     AE8/13 -    -     -     -      -     -      -       -      -      -
        -     -     -     -     -     DT1/6 -      AR7/8 -      -       -      -      -
        -     AA1/13 AA8/13 - AA8/13 DT2/6 AR6/7 AA8/13 AA8/13 AA8/13 AA8/13 AA8/13 AA6/13
        -     -     -     -     -     AR1/7 -      -     -      -       -      -      -
        -     AA1/13 AA8/13 - AA8/13 AR2/8 AR8/9 AA8/13 AA8/13 AA8/13 AA8/13 AA8/13 AA6/13
        -     AA1/13 AA8/13 - AA8/13 AA8/13 AR3/1 AA8/13 AA8/13 AR10/12 AR3/1 AA8/13 AA6/13
        -     -     -     -     -     -     -      AR4/13 AR9/11 -      -      AR4/13 -
        -     -     AA1/13 AA2/1 AA1/13 AA1/13 AA1/13 AA1/13 AA1/13 AA1/13 AA1/13 AA1/13 -
        -     AA2/1 AA3/1 -     AA3/1 AA3/1 AA3/1  AA3/1 AA3/1  AA3/1   AA3/1  AA3/1  AA2/1
        -     AA5/1 AA4/1 AA4/1 AA4/1 AA4/1 AA4/1  AA4/1 AA4/1  AA4/1   AA4/1  AA4/1  AR5/1
        -     AA2/1 -     -     -     -     -      -     -      -       -      -      AA2/1
        -     AA1/13 AA8/13 - AA8/13 AA8/13 AA8/13 AA8/13 AA8/13 AA8/13 AA8/13 AA8/13 AA7/13";

    #[test]
    fn every_event_in_every_state_does_what_table_9_10_says() {
        let rows: Vec<Vec<&str>> = TABLE
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(rows.len(), EVENTS.len());
        for (event, row) in EVENTS.into_iter().zip(rows) {
            assert_eq!(row.len(), STATES.len(), "{event:?}");
            for (state, want) in STATES.into_iter().zip(row) {
                let got = step(state, event, Role::Requestor).map_or("-".to_owned(), |next| {
                    format!("{:?}/{:?}", next.0, next.1).to_uppercase().replace("STA", "")
                });
                assert_eq!(got, want, "{event:?} in {state:?}");
            }
        }
        let cells = EVENTS.len() * STATES.len();
        figure("R10", "state_table_ps3_8", format_args!("{cells}/{cells} cells of table 9-10"));
    }

    #[test]
    fn in_a_release_collision_the_acceptor_waits_for_the_requestor() {
        let next = step(State::Sta7, Event::ReleaseRq, Role::Acceptor);
        assert_eq!(next, Some((Action::Ar8, State::Sta10)));
        for event in EVENTS {
            for state in STATES {
                if (event, state) != (Event::ReleaseRq, State::Sta7) {
                    let [a, b] = [Role::Requestor, Role::Acceptor].map(|r| step(state, event, r));
                    assert_eq!(a, b, "{event:?} in {state:?}");
                }
            }
        }
    }
}
