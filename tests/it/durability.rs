//! Success is said only after the object, and then its name, were synced: seen from outside, in the order of system
//! calls.

use crate::support::dataset::Object;
use crate::support::gate::{Configuration, Gate};
use crate::support::sender::Sender;
use crate::support::sink::Sink;
use crate::support::trace::{Order, Trace};
use crate::support::wire::{CT_IMAGE, EXPLICIT_LE};

#[test]
fn every_success_follows_the_sync_of_the_file_and_of_its_name() {
    const COUNT: u32 = 20;
    let sink = Sink::up();
    let gate = Gate::start(&Configuration::new().pacs(&sink));
    let trace = Trace::attach(&gate);
    let mut sender = Sender::for_one(gate.port(), CT_IMAGE, EXPLICIT_LE);
    for number in 1..=COUNT {
        let object = Object::chest_ct(160, number);
        let answer = sender.store(CT_IMAGE, &object.instance, &object.data());
        assert_eq!(answer.map(|answer| answer.status), Some(0));
    }
    assert!(sender.release());
    let order = Order::of(&trace.end(), gate.port(), &gate.folder().join("spool"));
    assert_eq!((order.answers, order.early), (COUNT as usize, Vec::new()));
}
