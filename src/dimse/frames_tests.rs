use dicom_ul::pdu::{PDataValueType, Pdu, read_pdu};
use proptest::prelude::*;

use super::*;

/// What the referee reads: per PDV context, command or data, last, bytes.
fn referee(mut bytes: &[u8]) -> Vec<(u8, bool, bool, Vec<u8>)> {
    let mut seen = Vec::new();
    while !bytes.is_empty() {
        let length = 6 + u32::from_be_bytes(bytes[2..6].try_into().expect("4 bytes")) as usize;
        let pdu = read_pdu(&bytes[..length], DEFAULT_MAX_PDU, true).expect("a PDU");
        let Some(Pdu::PData { data }) = pdu else { panic!("{pdu:?}") };
        for value in data {
            let command = value.value_type == PDataValueType::Command;
            seen.push((value.presentation_context_id, command, value.is_last, value.data));
        }
        bytes = &bytes[length..];
    }
    seen
}

fn full(payload: usize, front: &[u8], data: &[u8]) -> (Frames, usize) {
    let mut frames = Frames::new(payload);
    assert!(frames.begin(3, front));
    let mut rest = data;
    frames.fill(|space| io::Read::read(&mut rest, space)).expect("memory");
    (frames, data.len() - rest.len())
}

#[test]
fn command_and_data_go_out_in_one_piece() {
    let command = command_pdus(3, b"COMMAND", 8);
    let (mut frames, taken) = full(8, &command, b"a data set of 23 bytes.");
    assert_eq!((taken, frames.is_ended(), frames.is_full()), (23, true, false));
    let want = vec![
        (3, true, true, b"COMMAND".to_vec()),
        (3, false, false, b"a data s".to_vec()),
        (3, false, false, b"et of 23".to_vec()),
        (3, false, true, b" bytes.".to_vec()),
    ];
    assert_eq!(referee(frames.seal(true)), want);
}

#[test]
fn nothing_is_marked_last_unless_it_is() {
    let (mut frames, _) = full(8, &[], b"sixteen bytes...");
    let lasts: Vec<_> = referee(frames.seal(false)).into_iter().map(|(_, _, l, _)| l).collect();
    assert_eq!(lasts, [false, false]);
}

#[test]
fn an_empty_data_set_is_an_empty_last_fragment() {
    let (mut frames, _) = full(8, &[], b"");
    assert!(frames.is_empty());
    assert_eq!(referee(frames.seal(false)), []);
    assert_eq!(referee(frames.seal(true)), [(3, false, true, vec![])]);
}

#[test]
fn a_command_is_cut_where_the_peer_s_maximum_asks_for_it() {
    let want = [
        (1, true, false, b"0123".to_vec()),
        (1, true, false, b"4567".to_vec()),
        (1, true, true, b"89".to_vec()),
    ];
    assert_eq!(referee(&command_pdus(1, b"0123456789", 4)), want);
}

#[test]
fn a_command_that_does_not_fit_in_front_is_left_out() {
    let mut frames = Frames::new(8);
    assert!(!frames.begin(1, &[0; COMMAND_ROOM + 1]));
    assert_eq!(frames.seal(true), header(1, false, true, 0));
}

#[test]
fn a_full_block_takes_no_more_and_can_be_used_again() {
    let (mut frames, taken) = full(16_378, &[], &vec![5; 1 << 20]);
    assert!(frames.is_full() && frames.space().is_empty() && !frames.is_ended());
    frames.advance(10);
    let bytes: usize = referee(frames.seal(false)).iter().map(|(_, _, _, data)| data.len()).sum();
    assert_eq!(bytes, taken);
    assert_eq!(taken, 16 * 16_378);
    assert!(frames.begin(5, &[]));
    assert!(frames.is_empty() && !frames.is_full());
}

#[test]
fn the_payload_honours_the_peer_s_maximum() {
    for (max_pdu, want) in
        [(0, 131_066), (16_384, 16_378), (16_383, 16_376), (1 << 30, 131_066), (128, 122)]
    {
        assert_eq!(payload_of(max_pdu), want, "{max_pdu}");
    }
}

proptest! {
    #[test]
    fn every_byte_goes_out_once_whatever_the_sizes(
        payload in (1usize..200).prop_map(|n| n * 2),
        data in proptest::collection::vec(any::<u8>(), 0..5_000),
    ) {
        let (mut frames, taken) = full(payload, &[], &data);
        prop_assert_eq!(taken, data.len());
        let seen = referee(frames.seal(true));
        prop_assert!(seen.iter().rev().skip(1).all(|(_, _, last, d)| !last && d.len() == payload));
        prop_assert_eq!(seen.last().map(|(_, _, last, _)| *last), Some(true));
        let bytes: Vec<u8> = seen.into_iter().flat_map(|(_, _, _, data)| data).collect();
        prop_assert_eq!(bytes, data);
    }
}
