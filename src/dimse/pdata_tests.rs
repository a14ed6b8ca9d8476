use proptest::prelude::*;

use super::*;
use crate::dimse::fuzzing::{Seen, decode};
use crate::dimse::pdu::RELEASE_RQ;

fn pdv(context: u8, control: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len() + 2).expect("a length");
    [&length.to_be_bytes()[..], &[context, control], payload].concat()
}

fn pdu(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("a length");
    [&[kind, 0], &length.to_be_bytes()[..], body].concat()
}

fn part(context: u8, command: bool, last: bool, bytes: &[u8]) -> Seen {
    Seen::Part { context, command, last, bytes: bytes.to_vec() }
}

#[track_caller]
fn check(stream: &[u8], want: &[Seen]) {
    for chunks in [&[usize::MAX][..], &[1], &[5, 7, 1, 64]] {
        assert_eq!(decode(stream, chunks, 16_384), want, "{chunks:?}");
    }
}

#[test]
fn command_and_data_of_one_pdu_are_told_apart() {
    let body = [pdv(1, 3, b"COMMAND"), pdv(1, 0, b"DA"), pdv(1, 2, b"TA"), pdv(3, 3, b"NEXT")];
    let want = [
        part(1, true, true, b"COMMAND"),
        part(1, false, true, b"DATA"),
        part(3, true, true, b"NEXT"),
    ];
    check(&pdu(4, &body.concat()), &want);
}

#[test]
fn a_fragment_may_be_empty_and_its_reserved_bits_are_not_looked_at() {
    let body = [pdv(1, 0xFC, b"DATA"), pdv(1, 2, b"")].concat();
    check(&pdu(4, &body), &[part(1, false, true, b"DATA")]);
    check(&pdu(4, &pdv(1, 2, b"")), &[part(1, false, true, b"")]);
}

#[test]
fn other_pdus_come_whole_and_leave_the_stream_in_step() {
    let stream = [pdu(4, &pdv(1, 0, b"DATA")), RELEASE_RQ.to_vec(), pdu(7, &[0, 0, 2, 5])].concat();
    let want = [
        part(1, false, false, b"DATA"),
        Seen::Pdu(PduType::ReleaseRq, vec![0; 4]),
        Seen::Pdu(PduType::Abort, vec![0, 0, 2, 5]),
    ];
    check(&stream, &want);
}

#[test]
fn impossible_lengths_are_refused_as_soon_as_they_are_read() {
    #[track_caller]
    fn refused(stream: &[u8], want: Breach) {
        check(stream, &[Seen::Fault(want)]);
    }
    refused(&[0x16, 3, 1, 2], Breach::UnknownPdu(0x16));
    refused(
        &[4, 0, 0x40, 0, 0, 0],
        Breach::PduTooLong { pdu: PduType::PData, length: 1 << 30, limit: 16_384 + TOLERANCE },
    );
    refused(
        &[1, 0, 0, 2, 0, 1],
        Breach::PduTooLong { pdu: PduType::AssociateRq, length: 131_073, limit: 131_072 },
    );
    refused(
        &[7, 0, 0, 0, 0, 65],
        Breach::PduTooLong { pdu: PduType::Abort, length: 65, limit: MAX_SHORT },
    );
    refused(&[4, 0, 0, 0, 0, 5], Breach::PduTooShort { pdu: PduType::PData, length: 5 });
    refused(&[5, 0, 0, 0, 0, 0], Breach::PduTooShort { pdu: PduType::ReleaseRq, length: 0 });
    refused(&pdu(4, &[0, 0, 0, 1, 1, 3]), Breach::PdvLength { length: 1, left: 2 });
    refused(&pdu(4, &[0, 0, 0, 9, 1, 3]), Breach::PdvLength { length: 9, left: 2 });
    refused(&pdu(4, &[255, 255, 255, 255, 1, 3]), Breach::PdvLength { length: u32::MAX, left: 2 });
}

#[test]
fn stray_bytes_behind_the_last_pdv_are_refused() {
    let stream = pdu(4, &[&pdv(1, 3, b"ab")[..], &[0; 5]].concat());
    let want = [part(1, true, true, b"ab"), Seen::Fault(Breach::PdvLength { length: 0, left: 1 })];
    check(&stream, &want);
}

#[test]
fn a_pdu_may_be_longer_than_offered_by_the_headers_only() {
    let of = |length: usize| pdu(4, &pdv(1, 2, &vec![7; length - 6]));
    let limit = 16_384 + TOLERANCE as usize;
    check(&of(limit), &[part(1, false, true, &vec![7; limit - 6])]);
    let want =
        Breach::PduTooLong { pdu: PduType::PData, length: limit as u32 + 1, limit: limit as u32 };
    check(&of(limit + 1), &[Seen::Fault(want)]);
}

#[test]
fn a_pdu_longer_than_the_buffer_streams_through_it() {
    let payload: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    let stream = pdu(4, &pdv(1, 2, &payload));
    for chunks in [&[usize::MAX][..], &[100_000, 3], &[BUFFER - 1]] {
        assert!(decode(&stream, chunks, 0xFFFF_FF00) == [part(1, false, true, &payload)]);
    }
}

#[test]
fn the_longest_association_request_fits_wherever_it_begins() {
    let rq = pdu(1, &vec![9; MAX_ASSOCIATE]);
    let stream = [pdu(4, &pdv(1, 0, &vec![1; 16_000])), rq.clone(), rq].concat();
    for chunks in [&[usize::MAX][..], &[70_001]] {
        let seen = decode(&stream, chunks, 16_384);
        assert_eq!(seen.len(), 3);
        assert!(seen[2] == Seen::Pdu(PduType::AssociateRq, vec![9; MAX_ASSOCIATE]));
    }
}

fn any_pdu() -> impl Strategy<Value = Vec<u8>> {
    let payload = proptest::collection::vec(any::<u8>(), 0..200);
    let pdvs = proptest::collection::vec((any::<u8>(), 0u8..4, payload), 1..4);
    let data = pdvs.prop_map(|pdvs| {
        let body: Vec<_> = pdvs.iter().map(|(c, k, bytes)| pdv(*c, *k, bytes)).collect();
        pdu(4, &body.concat())
    });
    let noise = proptest::collection::vec(any::<u8>(), 0..40);
    prop_oneof![
        6 => data,
        1 => Just(RELEASE_RQ.to_vec()),
        1 => (1u8..8, proptest::collection::vec(any::<u8>(), 0..200)).prop_map(|(k, b)| pdu(k, &b)),
        1 => noise,
    ]
}

#[test]
fn the_buffer_grows_while_much_comes_and_rests_when_all_of_it_is_handed_out() {
    let mut decoder = Decoder::new();
    decoder.limit(131_072);
    let stream = pdu(4, &pdv(1, 0, &[7; 131_066]));
    let mut rest = &stream[..];
    let mut lengths = Vec::new();
    while !rest.is_empty() {
        while decoder.next().expect("data").is_some() {}
        let space = decoder.space();
        let (now, later) = rest.split_at(space.len().min(rest.len()));
        space[..now.len()].copy_from_slice(now);
        decoder.filled(now.len());
        rest = later;
        lengths.push(decoder.buffer.len());
    }
    assert_eq!(
        (lengths[..3].to_vec(), lengths.last()),
        (vec![4096, 32_768, BUFFER], Some(&BUFFER))
    );
    assert!(!decoder.can_rest(), "something is in it");
    decoder.rest();
    assert_eq!(decoder.buffer.len(), BUFFER);
    while decoder.next().expect("data").is_some() {}
    assert!(decoder.can_rest());
    decoder.rest();
    assert_eq!((decoder.buffer.len(), decoder.space().len()), (4096, 4096));
}

#[test]
fn the_longest_request_fits_and_a_longer_one_is_refused_by_its_length() {
    let longest = pdu(1, &[0; MAX_ASSOCIATE]);
    let seen = decode(&longest, &[usize::MAX], 16_384);
    assert_eq!(seen, [Seen::Pdu(PduType::AssociateRq, vec![0; MAX_ASSOCIATE])]);
    let limit = MAX_ASSOCIATE as u32;
    for length in [limit + 1, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF] {
        let head = [&[1, 0][..], &length.to_be_bytes()].concat();
        let fault = Breach::PduTooLong { pdu: PduType::AssociateRq, length, limit };
        assert_eq!(decode(&head, &[usize::MAX], 16_384), [Seen::Fault(fault)]);
    }
}

proptest! {
    #[test]
    fn how_a_stream_is_cut_changes_nothing(
        pdus in proptest::collection::vec(any_pdu(), 0..8),
        chunks in proptest::collection::vec(1usize..300, 1..6),
    ) {
        let stream = pdus.concat();
        let whole = decode(&stream, &[usize::MAX], 16_384);
        prop_assert_eq!(decode(&stream, &chunks, 16_384), whole);
    }

    #[test]
    fn nothing_is_kept_beyond_the_buffer(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
        let mut decoder = Decoder::new();
        let space = decoder.space();
        space[..bytes.len()].copy_from_slice(&bytes);
        decoder.filled(bytes.len());
        while let Ok(Some(_)) = decoder.next() {}
        prop_assert!(decoder.buffer.len() <= BUFFER);
        prop_assert!(!decoder.space().is_empty());
    }
}
