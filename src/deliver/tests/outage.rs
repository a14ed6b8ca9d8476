//! Days in which the PACS is away, and hours in which it is out of its mind, in a time that the test lets pass.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;

use tokio::time::{Instant, advance};

use super::*;
use crate::base::figure::{figure, scale};
use crate::dimse::fault::Rejection;
use crate::observe::metrics::Failure;
use crate::policy::retry::Alarm;

/// A paused clock that goes on when the test says so, and not whenever nothing seems to happen: the ledger works on threads that
/// the runtime does not know.
struct Day {
    begun: Instant,
    morning: jiff::Timestamp,
    _hold: std::sync::mpsc::SyncSender<()>,
}

impl Day {
    fn begin() -> Self {
        let (hold, held) = sync_channel::<()>(0);
        // The clock does not go on by itself while a blocking thread is at work. Ends with the sender.
        drop(tokio::task::spawn_blocking(move || held.recv()));
        Self { begun: Instant::now(), morning: now(), _hold: hold }
    }

    /// The time of day by this clock.
    fn clock(&self) -> Clock {
        let (begun, morning) = (self.begun, self.morning);
        Arc::new(move || morning + begun.elapsed())
    }

    /// Lets time pass until `over`, step by step: each to the next moment at which the lane does something.
    async fn pass(
        &self,
        lanes: &Lanes,
        held_up: impl Fn() -> bool,
        mut over: impl FnMut() -> bool,
    ) {
        let patience = std::time::Instant::now();
        while !over() {
            assert!(patience.elapsed() < Duration::from_secs(300), "it is never over");
            let next = lanes.lanes.first().and_then(|lane| lane.pulse.rests_until());
            let now = Instant::now();
            match next.filter(|next| *next > now) {
                Some(next) => advance(next - now + Duration::from_millis(1)).await,
                // The longest that anything waits for a peer.
                None if held_up() => advance(Duration::from_secs(121)).await,
                None => breathe().await,
            }
            tokio::task::yield_now().await;
        }
    }
}

/// Gives threads and sockets a moment, in which no time passes.
async fn breathe() {
    tokio::task::spawn_blocking(std::thread::yield_now).await.expect("a thread");
}

fn failures(metrics: &Metrics, cause: &'static str) -> u64 {
    let label = Failure { destination: "pacs".to_owned(), cause };
    metrics.delivery_failures.get(&label).map_or(0, |count| count.get())
}

const HOURS: u64 = 24;

/// R7: a PACS that is away for a day.
#[tokio::test(start_paused = true)]
async fn a_day_without_the_pacs_costs_one_attempt_a_step_and_no_order() {
    let count = scale(200, 10_000);
    let custody = Custody::new();
    let mut want = Vec::new();
    let mut last = None;
    for number in 0..count {
        // Three series, interleaved.
        let specimen = Specimen::new(Kind::Ct, u64::from(number % 3)).instance(number).size(8, 8);
        last = Some(custody.take(&specimen, Vec::new()).await);
        want.push(uid(&specimen));
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let day = Day::begin();
    let metrics = Arc::new(Metrics::new());
    let lanes = custody.lanes_at(at(address.port()), day.clock(), Arc::clone(&metrics));
    let mut stages = Vec::new();
    day.pass(
        &lanes,
        || false,
        || {
            let trouble = lanes.watched().next().and_then(|(_, watched)| watched.trouble);
            if trouble.is_some() && stages.last() != Some(&trouble) {
                stages.push(trouble);
            }
            day.begun.elapsed() >= Duration::from_secs(HOURS * 3_600 + 300)
        },
    )
    .await;
    let attempts = failures(&metrics, "transient");
    // 511 s until the waits are 300 s each, and each is moved by up to a fifth.
    let steps = |wait: u64| 9 + (HOURS * 3_600 + 300 - 511) / wait;
    assert!((steps(360)..=steps(240)).contains(&attempts), "{attempts}");
    let alarms = [Alarm::Raised, Alarm::Pressing, Alarm::Critical];
    assert_eq!(stages, alarms.map(|alarm| Some(Trouble::Stalled(alarm))));
    let pacs = Pacs::willing();
    pacs.permits.add_permits(count as usize);
    let serving = pacs.serve_on(TcpListener::bind(address).await.expect("the same port"));
    let back = Instant::now();
    day.pass(&lanes, || false, || pacs.instances().len() >= count as usize).await;
    let found = back.elapsed();
    let place = |one: &String| want.iter().position(|wanted| wanted == one);
    let places: Vec<_> = pacs.instances().iter().map(place).collect();
    assert_eq!(places, (0..want.len()).map(Some).collect::<Vec<_>>());
    let last = last.expect("some");
    day.pass(&lanes, || false, || custody.explained(last).state == ObjectState::Delivered).await;
    assert!(found <= Duration::from_secs(362), "{found:?}");
    figure(
        "R7",
        "turmoil_24h_outage",
        format_args!(
            "{HOURS} h of virtual time, {count} objects: {attempts} attempts, all delivered in order, begun {} s after the \
             PACS was back",
            found.as_secs()
        ),
    );
    end(lanes).await;
    serving.abort();
}

/// A PACS that does not know some titles: it counts the calls under each.
async fn doorman(listener: TcpListener, calls: Arc<Mutex<HashMap<String, u64>>>) {
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        let Ok(requested) = Requested::receive(stream, Timers::default()).await else { continue };
        let calling = requested.rq().calling_ae_title.trim().to_owned();
        *calls.lock().expect("not poisoned").entry(calling).or_default() += 1;
        let stranger = Rejection { result: 1, source: 1, reason: 3 };
        tokio::spawn(requested.reject(stranger));
    }
}

#[tokio::test(start_paused = true)]
async fn a_title_that_the_pacs_does_not_know_is_tried_once_a_step_whatever_waits_under_it() {
    let custody = Custody::new();
    let titles = ["CT01", "CT02", "MR01"];
    for number in 0..60_u32 {
        let specimen = Specimen::new(Kind::Ct, u64::from(number)).size(8, 8);
        custody.take_from(titles[number as usize % 3], &specimen, Vec::new()).await;
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let calls = Arc::new(Mutex::new(HashMap::new()));
    let serving = tokio::spawn(doorman(listener, Arc::clone(&calls)));
    let Target::Peer(peer) = at(port) else { panic!("a peer") };
    let day = Day::begin();
    let target = Target::Peer(Peer { calling: CallAs::default(), ..peer });
    let lanes = custody.lanes_at(target, day.clock(), Arc::new(Metrics::new()));
    day.pass(&lanes, || false, || day.begun.elapsed() >= Duration::from_secs(3_911)).await;
    let calls = calls.lock().expect("not poisoned").clone();
    // 9 steps in 511 s, and then one each 240 to 360 s; the first nine waits are moved by a fifth too.
    let few = |count: u64| (9 + 3_300 / 360..=10 + 3_502 / 240).contains(&count);
    assert!(calls.len() == 3 && calls.values().all(|count| few(*count)), "{calls:?}");
    let watched = lanes.watched().next().map(|(_, watched)| watched.trouble);
    assert_eq!(watched, Some(Some(Trouble::Stalled(Alarm::Pressing))));
    figure(
        "R7",
        "retry_storm",
        format_args!(
            "60 objects under 3 titles that are not let in, 65 min: {calls:?} associations"
        ),
    );
    end(lanes).await;
    serving.abort();
}

/// Pseudo-random numbers of a seed: splitmix64.
struct Dice(AtomicU64);

impl Dice {
    fn roll(&self, sides: u64) -> u64 {
        let state = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        let mixed = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ mixed >> 31) % sides
    }
}

/// A few hours with a PACS that is out of its mind, and a gate that is killed now and then. Attempts and crashes.
async fn hours_of(seed: u64) -> (usize, usize) {
    let dice = Arc::new(Dice(AtomicU64::new(seed)));
    let mut custody = Custody::new();
    let (attempts, held_up) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let script = {
        let (dice, attempts, held_up) =
            (Arc::clone(&dice), Arc::clone(&attempts), Arc::clone(&held_up));
        move |_: &str, _: usize| {
            // Well again in the end, or it would never be over.
            let is_mad = attempts.fetch_add(1, Ordering::Relaxed) < 40;
            match dice.roll(8) {
                0 if is_mad => Say::Status(0xA700),
                1 if is_mad => Say::Abort,
                2 if is_mad => Say::Nothing,
                3 if is_mad => {
                    held_up.fetch_add(1, Ordering::Relaxed);
                    Say::Hold
                }
                _ => Say::Status(0),
            }
        }
    };
    let pacs = Pacs::new(|_, _| true, script);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let mut serving = Some(pacs.serve_on(listener));
    let mut objects = Vec::new();
    for number in 0..12_u32 {
        let specimen = Specimen::new(Kind::Ct, u64::from(number % 3)).instance(number).size(8, 8);
        objects.push((custody.take(&specimen, Vec::new()).await, specimen));
    }
    let day = Day::begin();
    let mut crashes = 0;
    for _ in 0..8 {
        let lanes = custody.lanes_at(at(address.port()), day.clock(), Arc::default());
        let until = Instant::now() + Duration::from_secs(dice.roll(400));
        day.pass(&lanes, || held_up.swap(0, Ordering::Relaxed) > 0, || Instant::now() >= until)
            .await;
        match dice.roll(3) {
            0 => {
                // The network is cut, and mended the next time.
                if let Some(serving) = serving.take() {
                    serving.abort();
                    drop(serving.await);
                }
                end(lanes).await;
            }
            1 => {
                crashes += 1;
                lanes.tasks.lock().await.shutdown().await;
                drop(lanes);
                custody = custody.restart_when_free().await;
            }
            _ => end(lanes).await,
        }
        if serving.is_none() {
            let listener = TcpListener::bind(address).await.expect("the same port");
            serving = Some(pacs.serve_on(listener));
        }
    }
    let lanes = custody.lanes_at(at(address.port()), day.clock(), Arc::default());
    let is_done = |object: ObjectId| custody.explained(object).state == ObjectState::Delivered;
    day.pass(
        &lanes,
        || held_up.swap(0, Ordering::Relaxed) > 0,
        || objects.iter().all(|(object, _)| is_done(*object)),
    )
    .await;
    end(lanes).await;
    if let Some(serving) = serving {
        serving.abort();
    }
    for (_, specimen) in &objects {
        let copies: Vec<_> =
            pacs.heard().into_iter().filter(|(heard, _, _)| *heard == uid(specimen)).collect();
        assert!(!copies.is_empty(), "seed {seed}: one was never sent");
        assert!(copies.iter().all(|(_, _, bytes)| *bytes == specimen.data_set()), "seed {seed}");
    }
    (pacs.heard().len(), crashes)
}

#[tokio::test(start_paused = true)]
async fn whatever_a_mad_pacs_and_crashes_do_everything_is_delivered_as_it_came() {
    let seeds = scale(20, 2_000);
    let (mut attempts, mut crashes) = (0, 0);
    for seed in 0..seeds {
        let (made, crashed) = hours_of(seed).await;
        attempts += made;
        crashes += crashed;
    }
    figure(
        "R7",
        "turmoil_seeds",
        format_args!(
            "{seeds} seeds of 12 objects each: {attempts} whole objects heard, {crashes} crashes, 0 lost, 0 copies that differ"
        ),
    );
}
