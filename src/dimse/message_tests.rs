use proptest::prelude::*;

use super::*;
use crate::dicom::sop_class::STORAGE_COMMITMENT_INSTANCE;
use crate::dimse::normalized::{Notice, encode_action, encode_event};

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";

fn store() -> StoreRequest {
    StoreRequest {
        message_id: 7,
        sop_class: Uid::new(CT),
        sop_instance: Uid::new("1.2.3.4"),
        priority: Priority::High,
        move_originator: None,
    }
}

/// A command set with what is given, in this order.
fn command(numbers: &[(u16, u16)], uids: &[(u16, &str)]) -> Vec<u8> {
    let mut set = Builder::new();
    for (element, value) in numbers {
        set.number(*element, *value);
    }
    for (element, value) in uids {
        set.uid(*element, &Uid::new(value));
    }
    set.finish()
}

const FULL: [(u16, u16); 4] = [
    (element::COMMAND_FIELD, 1),
    (element::MESSAGE_ID, 7),
    (element::PRIORITY, 0),
    (element::DATA_SET_TYPE, 1),
];
const UIDS: [(u16, &str); 2] =
    [(element::AFFECTED_SOP_CLASS, CT), (element::AFFECTED_SOP_INSTANCE, "1.2.3.4")];

#[track_caller]
fn check(bytes: &[u8], want: &Result<(Request, bool), Breach>) {
    let got = Request::parse(bytes).map(|parsed| (parsed.message, parsed.has_data_set));
    assert_eq!(got, *want);
}

#[test]
fn a_store_request_is_read_back_as_written() {
    check(&encode_store(&store()), &Ok((Request::Store(store()), true)));
    let originator = MoveOriginator { title: "WORKSTATION".into(), message_id: Some(12) };
    let moved = StoreRequest { move_originator: Some(originator), ..store() };
    check(&encode_store(&moved), &Ok((Request::Store(moved), true)));
    check(&encode_echo(3), &Ok((Request::Echo(EchoRequest { message_id: 3 }), false)));
}

#[test]
fn a_missing_element_is_named_in_the_answer() {
    #[track_caller]
    fn check(missing: u16, sop_class: Option<&str>, sop_instance: Option<&str>) {
        let numbers: Vec<_> = FULL.into_iter().filter(|(element, _)| *element != missing).collect();
        let uids: Vec<_> = UIDS.into_iter().filter(|(element, _)| *element != missing).collect();
        let parsed = Request::parse(&command(&numbers, &uids)).expect("a request");
        let want = Request::Mistyped(MistypedRequest {
            command_field: CommandField::STORE,
            message_id: 7,
            sop_class: sop_class.map(Uid::new),
            sop_instance: sop_instance.map(Uid::new),
            element: Tag(0, missing),
        });
        assert_eq!(parsed.message, want);
        let answer = want.refusal().expect("an answer");
        assert_eq!(
            (answer.status, answer.offending),
            (Status::MISTYPED_ARGUMENT, vec![Tag(0, missing)])
        );
    }
    check(element::AFFECTED_SOP_CLASS, None, Some("1.2.3.4"));
    check(element::AFFECTED_SOP_INSTANCE, Some(CT), None);
    check(element::PRIORITY, Some(CT), Some("1.2.3.4"));
}

#[test]
fn a_store_request_without_a_data_set_is_mistyped() {
    let mut numbers = FULL;
    numbers[3] = (element::DATA_SET_TYPE, NO_DATA_SET);
    let parsed = Request::parse(&command(&numbers, &UIDS)).expect("a request");
    assert!(!parsed.has_data_set);
    let Request::Mistyped(mistyped) = parsed.message else { panic!("{parsed:?}") };
    assert_eq!(mistyped.element, Tag(0, element::DATA_SET_TYPE));
}

#[test]
fn what_cannot_be_answered_is_a_breach() {
    for missing in [element::COMMAND_FIELD, element::MESSAGE_ID, element::DATA_SET_TYPE] {
        let numbers: Vec<_> = FULL.into_iter().filter(|(element, _)| *element != missing).collect();
        check(&command(&numbers, &UIDS), &Err(BadCommand::Missing(missing).into()));
    }
    check(
        &command(&[(element::COMMAND_FIELD, 0x8001)], &[]),
        &Err(Breach::UnexpectedCommand(0x8001)),
    );
}

#[test]
fn other_services_are_named_and_refused() {
    let bytes = command(
        &[(element::COMMAND_FIELD, 0x0130), (element::MESSAGE_ID, 4), (element::DATA_SET_TYPE, 0)],
        &[(element::REQUESTED_SOP_CLASS, "1.2.840.10008.5.1.1.1")],
    );
    let action = OtherRequest {
        command_field: CommandField(0x0130),
        message_id: 4,
        sop_class: Some(Uid::new("1.2.840.10008.5.1.1.1")),
        sop_instance: None,
    };
    check(&bytes, &Ok((Request::Other(action.clone()), true)));
    assert_eq!(action.command_field.to_string(), "N-ACTION-RQ");
    let refusal = Request::Other(action).refusal();
    assert_eq!(refusal, Some(Answer::new(Status::UNRECOGNIZED_OPERATION)));
}

fn notice(kind: u16) -> Notice {
    Notice {
        sop_class: STORAGE_COMMITMENT.into(),
        sop_instance: STORAGE_COMMITMENT_INSTANCE.into(),
        kind,
        data: Vec::new(),
    }
}

#[test]
fn requests_about_commitments_are_read_back_as_written_and_answered() {
    let sop_instance = Uid::new(STORAGE_COMMITMENT_INSTANCE);
    let action =
        ActionRequest { message_id: 5, sop_instance: sop_instance.clone(), action_type: 1 };
    check(&encode_action(5, &notice(1)), &Ok((Request::Action(action.clone()), true)));
    let event = EventRequest { message_id: 6, sop_instance, event_type: 2 };
    check(&encode_event(6, &notice(2)), &Ok((Request::Event(event.clone()), true)));
    for (request, field, kind) in [
        (Request::Action(action), 0x8130, (element::ACTION_TYPE, 1)),
        (Request::Event(event), 0x8100, (element::EVENT_TYPE, 2)),
    ] {
        assert_eq!(request.refusal(), None);
        let bytes = encode_response(&request, &Status::SUCCESS.into());
        let set = CommandSet::parse(&bytes).expect("a command set");
        assert_eq!(uid(set.affected_sop_class), Some(STORAGE_COMMITMENT.into()));
        assert_eq!(uid(set.affected_sop_instance), Some(STORAGE_COMMITMENT_INSTANCE.into()));
        assert_eq!(number(set.command_field), Some(field));
        let repeated = match kind.0 {
            element::ACTION_TYPE => set.action_type,
            _ => set.event_type,
        };
        assert_eq!(number(repeated), Some(kind.1));
    }
}

#[test]
fn a_request_about_commitments_names_what_it_lacks() {
    #[track_caller]
    fn check(bytes: &[u8], missing: u16) {
        let parsed = Request::parse(bytes).expect("a request");
        let Request::Mistyped(mistyped) = &parsed.message else { panic!("{parsed:?}") };
        assert_eq!(mistyped.element, Tag(0, missing));
    }
    let numbers = |field| {
        [(element::COMMAND_FIELD, field), (element::MESSAGE_ID, 4), (element::DATA_SET_TYPE, 0)]
    };
    let class = |element| (element, STORAGE_COMMITMENT);
    let (action, event) = (numbers(0x0130), numbers(0x0100));
    let asked = (element::REQUESTED_SOP_INSTANCE, STORAGE_COMMITMENT_INSTANCE);
    let told = (element::AFFECTED_SOP_INSTANCE, STORAGE_COMMITMENT_INSTANCE);
    check(&command(&action, &[class(element::REQUESTED_SOP_CLASS)]), asked.0);
    check(&command(&event, &[class(element::AFFECTED_SOP_CLASS)]), told.0);
    check(&command(&action, &[class(element::REQUESTED_SOP_CLASS), asked]), element::ACTION_TYPE);
    check(&command(&event, &[class(element::AFFECTED_SOP_CLASS), told]), element::EVENT_TYPE);
}

#[test]
fn a_cancel_request_has_no_response() {
    let bytes = command(
        &[
            (element::COMMAND_FIELD, 0x0FFF),
            (element::RESPONDED_TO, 4),
            (element::DATA_SET_TYPE, NO_DATA_SET),
        ],
        &[],
    );
    let parsed = Request::parse(&bytes).expect("a request");
    assert_eq!(parsed.message.refusal(), None);
    assert_eq!(parsed.message.command_field().to_string(), "C-CANCEL-RQ");
}

#[test]
fn a_response_repeats_the_request_and_says_what_was_decided() {
    let answer = Answer {
        status: Status::OUT_OF_RESOURCES,
        error_comment: Some(format!("no space\\left\n{}", "x".repeat(80))),
        offending: vec![Tag(0x0008, 0x0018)],
    };
    let bytes = encode_response(&Request::Store(store()), &answer);
    let parsed = Response::parse(&bytes).expect("a response");
    let want = Response {
        command_field: CommandField(0x8001),
        responded_to: 7,
        sop_instance: Some(Uid::new("1.2.3.4")),
        answer: Answer {
            error_comment: Some(format!("no space?left?{}", "x".repeat(50))),
            ..answer
        },
    };
    assert_eq!(parsed, Parsed { message: want, has_data_set: false });
}

#[test]
fn a_response_without_a_status_is_a_breach() {
    let bytes = command(&[(element::COMMAND_FIELD, 0x8001), (element::RESPONDED_TO, 7)], &[]);
    assert_eq!(Response::parse(&bytes), Err(BadCommand::Missing(element::STATUS).into()));
}

proptest! {
    #[test]
    fn no_bytes_make_the_readers_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        drop(Request::parse(&bytes));
        drop(Response::parse(&bytes));
    }

    #[test]
    fn a_damaged_command_is_read_or_refused(at in 0usize..150, value: u8) {
        let mut bytes = encode_store(&store());
        if let Some(byte) = bytes.get_mut(at) {
            *byte = value;
        }
        drop(Request::parse(&bytes));
    }
}
