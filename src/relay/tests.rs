//! Associations with a destination on a real socket, which tells how many it was asked for.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::TcpListener;

use super::*;
use crate::dicom::status::Status;
use crate::dimse::acceptor::Requested;
use crate::dimse::message::Answer;
use crate::dimse::testing::{agree, rq, title};

/// A destination that takes everything, and what it has seen.
struct Destination {
    port: u16,
    opened: Arc<AtomicUsize>,
    released: Arc<AtomicUsize>,
}

async fn destination() -> Destination {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let (opened, released) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (seen, over) = (Arc::clone(&opened), Arc::clone(&released));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (seen, over) = (Arc::clone(&seen), Arc::clone(&over));
            tokio::spawn(async move {
                let requested = Requested::receive(stream, Timers::default()).await.expect("asked");
                seen.fetch_add(1, Ordering::SeqCst);
                let negotiated = agree(requested.rq());
                let mut association = requested.accept(negotiated).await.expect("agreed");
                while let Ok(Some(message)) = association.next().await {
                    let answer = Answer::from(Status::SUCCESS);
                    association.respond(&message, &answer).await.expect("taken");
                }
                over.fetch_add(1, Ordering::SeqCst);
            });
        }
    });
    Destination { port, opened, released }
}

fn relays(port: u16) -> Relays {
    let remote = Remote {
        called: title("PACS"),
        host: "127.0.0.1".to_owned(),
        port,
        calling: CallAs::default(),
        tls: None,
    };
    Relays::new(vec![None, Some(remote)], &Timers::default())
}

fn everything() -> Wish {
    Wish::of(&rq(16_384), None, &|_| true)
}

fn upstream(relays: &Relays, modality: &str, wish: Wish) -> Upstream {
    relays.upstream(1, &title(modality), wish).expect("a DICOM peer")
}

#[tokio::test]
async fn an_association_serves_one_modality_after_the_other_that_asks_for_the_same() {
    let destination = destination().await;
    let relays = relays(destination.port);
    for _ in 0..3 {
        let mut one = upstream(&relays, "CT01", everything());
        let answer = one.ready().await.expect("an association").echo().await.expect("an answer");
        assert_eq!(answer.status, Status::SUCCESS);
        one.give_back();
    }
    assert_eq!(destination.opened.load(Ordering::SeqCst), 1);
    let two = [upstream(&relays, "CT01", everything()), upstream(&relays, "CT01", everything())];
    for mut one in two {
        one.ready().await.expect("an association");
    }
    upstream(&relays, "CT02", everything()).ready().await.expect("an association");
    let less = Wish::of(&rq(16_384), None, &|class| class != crate::dicom::sop_class::VERIFICATION);
    upstream(&relays, "CT01", less).ready().await.expect("an association");
    assert_eq!(destination.opened.load(Ordering::SeqCst), 4, "for another, and for the second");
}

#[tokio::test]
async fn an_association_that_waits_is_released_at_the_end_and_opened_again_where_it_has_ended() {
    let destination = destination().await;
    let relays = relays(destination.port);
    let mut one = upstream(&relays, "CT01", everything());
    one.ready().await.expect("an association");
    one.abandon();
    one.ready().await.expect("another");
    one.give_back();
    relays.close().await;
    while destination.released.load(Ordering::SeqCst) < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(destination.opened.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_destination_that_is_not_reached_is_left_alone_for_a_moment() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    drop(listener);
    let relays = relays(port);
    let mut one = upstream(&relays, "CT01", everything());
    let fault = one.ready().await.expect_err("nobody there");
    assert!(matches!(fault, OpenFault::Failed(Fault::Connect(_))), "{fault}");
    let fault = upstream(&relays, "CT01", everything()).ready().await.expect_err("left alone");
    assert!(matches!(fault, OpenFault::LeftAlone), "{fault}");
    tokio::time::pause();
    tokio::time::advance(LEFT_ALONE).await;
    tokio::time::resume();
    let fault = one.ready().await.expect_err("still nobody there");
    assert!(matches!(fault, OpenFault::Failed(_)), "{fault}");
}

#[test]
fn a_folder_is_no_way_on_and_no_site_makes_a_modality_wait_for_longer() {
    let relays = relays(104);
    assert!(relays.upstream(0, &title("CT01"), everything()).is_none());
    assert!(relays.upstream(2, &title("CT01"), everything()).is_none());
    let site = Timers {
        response: Duration::from_secs(1),
        connect: Duration::from_secs(60),
        ..Timers::default()
    };
    let own = patience(&site);
    assert_eq!((own.response, own.connect), (site.response, LONGEST.connect));
    let Timers { artim, connect, association, stall, response, .. } = LONGEST;
    assert!(connect + association + stall + response + artim < Duration::from_secs(30));
}
