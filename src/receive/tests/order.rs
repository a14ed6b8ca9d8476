//! Objects are judged as they came, however many come at once.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn of_versions_that_come_at_once_the_first_goes_and_the_others_are_held() {
    const OBJECTS: u32 = 12;
    const VERSIONS: usize = 4;
    let gate = Gate::new().await;
    for instance in 1..=OBJECTS {
        let version = |size| {
            let specimen = ct(instance).size(size, size);
            (specimen.clone(), specimen.data_set())
        };
        assert_eq!(gate.send("CT01", &[16, 24, 32, 40].map(version)).await, [0; VERSIONS]);
    }
    let known = gate.until_judged(OBJECTS as usize * VERSIONS).await;
    for versions in known.chunks(VERSIONS) {
        let mut want = [ObjectState::Held; VERSIONS];
        want[0] = ObjectState::Forwarding;
        assert_eq!(states(versions), want);
    }
    gate.end().await;
}
