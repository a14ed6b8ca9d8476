//! Through the gate into Orthanc: it keeps what it would keep had the modality sent to it directly.

use crate::support::gate::{Configuration, Gate};
use crate::support::peers::Orthanc;
use crate::support::sender::Sender;
use crate::support::testdata;
use crate::support::wire::Context;
use std::time::Duration;

#[test]
fn orthanc_keeps_the_same_attributes_as_without_the_gate() {
    let (direct, behind) = (Orthanc::start(), Orthanc::start());
    let relay = "[[source]]\naet = \"*\"\nhosts = [\"127.0.0.0/8\"]\nurgent = true\n";
    let gate =
        Gate::start(&Configuration::new().section(relay).destination("orthanc", behind.port()));
    let mut compared = 0;
    let mut not_taken = 0;
    let mut seen = std::collections::BTreeSet::new();
    for sample in testdata::samples() {
        // Orthanc keeps one version of an instance.
        if !sample.is_whole() || !seen.insert(sample.instance.clone()) {
            continue;
        }
        let context = [Context::proposed(1, &sample.class, &[&sample.transfer_syntax])];
        let store = |port: u16, called: &str, patience: u64| {
            let sender = Sender::connect(port, "CT01", called, &context).ok()?;
            let mut sender = sender.patient_for(Duration::from_secs(patience));
            let taken = sender.accepted.contexts[0].result == 0;
            let answer =
                taken.then(|| sender.store(&sample.class, &sample.instance, &sample.data))??;
            Some(answer.status)
        };
        // Orthanc goes silent on some objects.
        if store(direct.port(), "ORTHANC", 5) != Some(0) {
            not_taken += 1;
            continue;
        }
        let Some(kept) = direct.tags(&sample.instance) else {
            not_taken += 1; // answered with success, and not there
            continue;
        };
        assert_eq!(store(gate.port(), "MARKGATE", 60), Some(0), "{}", sample.name);
        assert_eq!(behind.wait_for(&sample.instance), kept, "{}", sample.name);
        compared += 1;
    }
    println!("{compared} alike; {not_taken} that Orthanc does not take");
    assert!(compared > not_taken);
}
