//! Counters, gauges and histograms, in the text format of Prometheus.
//!
//! One [`Metrics`] belongs to one gate: two gates in one process count apart.

mod commitments;

use std::sync::atomic::{AtomicI64, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

pub use commitments::{Check, Commitments};

/// The label of a family that is counted by outcome, reason or status.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Outcome {
    /// A fixed word of this program, never something that a peer sent.
    pub outcome: &'static str,
}

/// The label of a family that is counted by reason code.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Code {
    /// A mark, a reason code or a status.
    pub code: String,
}

/// The label of a family that is counted by the way in which a mark is shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Mode {
    /// Such as `burn-in`.
    pub mode: &'static str,
}

/// The labels of ways of showing a mark that could not be had.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Fallback {
    /// Such as `burn-in`.
    pub mode: &'static str,
    /// The obstacle, such as `NO_SAFE_CORNER`.
    pub reason: &'static str,
}

/// The labels of a family that is counted by destination.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Lane {
    /// The destination's configured name.
    pub destination: String,
}

/// The label of what has an end.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Paper {
    /// What it is for, never where it lies: `gate`, `gate/trust`, `destination/pacs`.
    pub certificate: String,
}

/// The labels of failed deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Failure {
    /// The destination's configured name.
    pub destination: String,
    /// `transient`, `configuration` or `content`.
    pub cause: &'static str,
}

/// What one rule that is only tried out would have withheld.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// The rule's id.
    pub rule: String,
    /// What is counted: `object` or `study`.
    pub unit: String,
    /// Those that it applied to and that bear a mark.
    pub applied: u64,
    /// Of these, those that it would have withheld.
    pub withheld: u64,
}

/// Counts that are kept elsewhere, so that they outlive the process: shown as they were told last, and as a whole.
#[derive(Debug, Clone, Default)]
pub struct Trials(Arc<Mutex<Vec<Trial>>>);

impl Trials {
    /// Has other counts shown.
    pub fn set(&self, trials: Vec<Trial>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = trials;
    }
}

impl Collector for Trials {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let trials = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut family = |name, help, count: fn(&Trial) -> u64| {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for trial in &trials {
                let labels = [("rule", trial.rule.as_str()), ("unit", trial.unit.as_str())];
                let counter = ConstCounter::new(count(trial));
                counter.encode(family.encode_family(&labels)?)?;
            }
            Ok(())
        };
        let help = "What a rule under trial applied to and bears a mark";
        family("shadow_applied", help, |trial| trial.applied)?;
        let help = "What a rule under trial would have withheld of that";
        family("shadow_withheld", help, |trial| trial.withheld)
    }
}

/// All that one gate counts.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Associations by what became of the request: `accepted`, `rejected`, `unanswered`.
    pub associations: Family<Outcome, Counter>,
    /// Associations that are open now.
    pub associations_open: Gauge,
    /// Connections on which TLS was not agreed on, by cause.
    pub tls_failures: Family<Outcome, Counter>,
    /// Seconds until a certificate, trust anchor or revocation list ends; below zero when it has.
    pub certificate_expiry: Family<Paper, Gauge>,
    /// Objects taken into custody.
    pub received: Counter,
    /// Bytes of data sets taken into custody.
    pub received_bytes: Counter,
    /// C-STORE requests that were not acknowledged with success, by status.
    pub refused: Family<Code, Counter>,
    /// Objects acknowledged and not kept, since the same bytes are still queued.
    pub suppressed: Counter,
    /// Objects forwarded with a mark, by mark.
    pub marked: Family<Code, Counter>,
    /// Objects without a mark, by reason.
    pub unmarked: Family<Code, Counter>,
    /// How marks are shown: an object with several modes counts in each.
    pub stamp_modes: Family<Mode, Counter>,
    /// Modes that were tried and could not be had, by obstacle.
    pub stamp_fallbacks: Family<Fallback, Counter>,
    /// What the rules found, by rule.
    pub findings: Family<Code, Counter>,
    /// What rules that are only tried out would have withheld; told anew whenever it is asked for.
    pub trials: Trials,
    /// Studies that have settled, by why: `quiet`, `at_most`, `no_room`.
    pub studies_settled: Family<Outcome, Counter>,
    /// What the rules found on studies and series, by rule.
    pub study_findings: Family<Code, Counter>,
    /// Studies of which more may come.
    pub studies_open: Gauge,
    /// Bytes that they take.
    pub studies_bytes: Gauge,
    /// Objects held for a person.
    pub held: Counter,
    /// Objects that the judgement failed on (a fault of this program): forwarded unmarked.
    pub unchecked: Counter,
    /// Objects that are not judged since the gate ended each time it judged them.
    pub poisonous: Counter,
    /// Objects that a destination has answered for.
    pub delivered: Family<Lane, Counter>,
    /// Attempts that failed.
    pub delivery_failures: Family<Failure, Counter>,
    /// Deliveries not yet done.
    pub queued: Family<Lane, Gauge>,
    /// Age of the oldest delivery not yet done.
    pub oldest_queued: Family<Lane, Gauge<f64, AtomicU64>>,
    /// How long there has been work and no delivery.
    pub delivery_stalled: Family<Lane, Gauge<f64, AtomicU64>>,
    /// 0 all is well; 1, 2, 3 nothing delivered for 5 minutes (or a wrong configuration), an hour, a day; 4 the lane is dead.
    pub delivery_alarm: Family<Lane, Gauge>,
    /// Time from the last byte of a data set to its C-STORE response.
    pub acknowledge_seconds: Histogram,
    /// Time that the judgement of one object took.
    pub judge_seconds: Histogram,
    /// Requests for storage commitment.
    pub commitments: Commitments,
    /// Room left on the spool's file system.
    pub spool_free_bytes: Gauge<i64, AtomicI64>,
    /// Objects that the ledger knows and the spool has lost: a person must act.
    pub lost: Gauge,
    /// Times that the audit trail could not be written.
    pub audit_failures: Counter,
    /// Events that found no place in the audit trail.
    pub audit_lost: Counter,
    /// 1 while objects pass without being judged.
    pub bypass: Gauge,
    /// Objects that passed without being judged.
    pub bypassed: Counter,
    /// Objects found to be not what arrived, each time that one is found.
    pub damaged: Counter,
    /// 1 while there is ballast to be given up on a full disk.
    pub ballast: Gauge,
    /// Frames that went to a codec worker, by what came of it: `decoded`, `repainted`, `extended`, `refused`, `crashed`, `timed-out`,
    /// `unavailable`.
    pub codec_frames: Family<Outcome, Counter>,
    /// Time that a frame took, the wait for a worker included.
    pub codec_seconds: Histogram,
    /// Codec workers that were started.
    pub codec_workers_started: Counter,
    /// Codec workers that are there no more, by why: `crashed`, `violated` (it did what its cage forbids), `late`, `garbled` (its
    /// answer was none), `retired`, `idle`, `stopped`.
    pub codec_workers_ended: Family<Outcome, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// From 100 µs to about 6.5 s, each twice the one before.
const SECONDS_BUCKETS: [f64; 17] = [
    0.000_1, 0.000_2, 0.000_4, 0.000_8, 0.001_6, 0.003_2, 0.006_4, 0.012_8, 0.025_6, 0.051_2,
    0.102_4, 0.204_8, 0.409_6, 0.819_2, 1.638_4, 3.276_8, 6.553_6,
];

impl Metrics {
    /// A fresh set, all at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("markgate");
        let associations = Family::default();
        registry.register("associations", "Association requests by outcome", associations.clone());
        let associations_open = Gauge::default();
        registry.register("associations_open", "Open associations", associations_open.clone());
        let tls_failures = Family::default();
        registry.register(
            "tls_failures",
            "Connections without TLS agreed on",
            tls_failures.clone(),
        );
        let certificate_expiry = Family::default();
        registry.register_with_unit(
            "certificate_expiry",
            "Time left until a certificate, trust anchor or revocation list ends",
            Unit::Seconds,
            certificate_expiry.clone(),
        );
        let received = Counter::default();
        registry.register("objects_received", "Objects taken into custody", received.clone());
        let received_bytes = Counter::default();
        registry.register_with_unit(
            "received",
            "Data set bytes taken into custody",
            Unit::Bytes,
            received_bytes.clone(),
        );
        let refused = Family::default();
        registry.register("objects_refused", "C-STORE requests not acknowledged", refused.clone());
        let suppressed = Counter::default();
        registry.register("objects_suppressed", "Resends still queued", suppressed.clone());
        let marked = Family::default();
        registry.register("objects_marked", "Objects judged to bear a mark", marked.clone());
        let unmarked = Family::default();
        registry.register("objects_unmarked", "Objects judged to bear none", unmarked.clone());
        let stamp_modes = Family::default();
        registry.register("stamp_modes", "Marks by the way they are shown", stamp_modes.clone());
        let stamp_fallbacks = Family::default();
        registry.register(
            "stamp_fallbacks",
            "Ways of showing a mark that could not be had, by obstacle",
            stamp_fallbacks.clone(),
        );
        let findings = Family::default();
        registry.register("findings", "What the rules found, by rule", findings.clone());
        let trials = Trials::default();
        registry.register_collector(Box::new(trials.clone()));
        let studies_settled = Family::default();
        registry.register(
            "studies_settled",
            "Studies judged, by why then",
            studies_settled.clone(),
        );
        let study_findings = Family::default();
        let help = "What the rules found on studies and series, by rule";
        registry.register("study_findings", help, study_findings.clone());
        let studies_open = Gauge::default();
        let help = "Studies of which more may come";
        registry.register("studies_open", help, studies_open.clone());
        let studies_bytes = Gauge::default();
        let help = "Memory that open studies take";
        registry.register_with_unit("studies", help, Unit::Bytes, studies_bytes.clone());
        let held = Counter::default();
        registry.register("objects_held", "Objects held for a person", held.clone());
        let unchecked = Counter::default();
        registry.register("objects_unchecked", "Objects whose judgement failed", unchecked.clone());
        let poisonous = Counter::default();
        registry.register(
            "objects_poisonous",
            "Objects not judged since judging them ended the gate three times",
            poisonous.clone(),
        );
        let delivered = Family::default();
        registry.register("deliveries", "Objects a destination answered for", delivered.clone());
        let delivery_failures = Family::default();
        registry.register("delivery_failures", "Failed attempts", delivery_failures.clone());
        let queued = Family::default();
        registry.register("queued", "Deliveries not yet done", queued.clone());
        let oldest_queued = Family::default();
        registry.register_with_unit(
            "oldest_queued",
            "Age of the oldest delivery not yet done",
            Unit::Seconds,
            oldest_queued.clone(),
        );
        let delivery_stalled = Family::default();
        registry.register_with_unit(
            "delivery_stalled",
            "How long there has been work and no delivery",
            Unit::Seconds,
            delivery_stalled.clone(),
        );
        let delivery_alarm = Family::default();
        registry.register(
            "delivery_alarm",
            "0 well, 1 to 3 stalled for 5 min, 1 h, 24 h, 4 the lane is dead",
            delivery_alarm.clone(),
        );
        let acknowledge_seconds = Histogram::new(SECONDS_BUCKETS);
        registry.register_with_unit(
            "acknowledge",
            "From the last byte of a data set to its C-STORE response",
            Unit::Seconds,
            acknowledge_seconds.clone(),
        );
        let judge_seconds = Histogram::new(SECONDS_BUCKETS);
        registry.register_with_unit(
            "judge",
            "Judgement of one object",
            Unit::Seconds,
            judge_seconds.clone(),
        );
        let spool_free_bytes = Gauge::default();
        registry.register_with_unit(
            "spool_free",
            "Room left on the spool's file system",
            Unit::Bytes,
            spool_free_bytes.clone(),
        );
        let commitments = Commitments::new(&mut registry);
        let lost = Gauge::default();
        registry.register("objects_lost", "Objects the spool has lost", lost.clone());
        let audit_failures = Counter::default();
        registry.register("audit_failures", "Failed audit writes", audit_failures.clone());
        let audit_lost = Counter::default();
        registry.register("audit_lost", "Events missing in the audit trail", audit_lost.clone());
        let bypass = Gauge::default();
        registry.register("bypass", "Whether objects pass without being judged", bypass.clone());
        let bypassed = Counter::default();
        registry.register("objects_bypassed", "Objects that were not judged", bypassed.clone());
        let damaged = Counter::default();
        registry.register("objects_damaged", "Objects found damaged", damaged.clone());
        let ballast = Gauge::default();
        registry.register("spool_ballast", "Ballast aboard (1) or given up (0)", ballast.clone());
        let codec_frames = Family::default();
        registry.register("codec_frames", "Frames for a codec worker", codec_frames.clone());
        let codec_seconds = Histogram::new(SECONDS_BUCKETS);
        registry.register_with_unit(
            "codec",
            "One frame through a codec worker",
            Unit::Seconds,
            codec_seconds.clone(),
        );
        let codec_workers_started = Counter::default();
        registry.register(
            "codec_workers_started",
            "Codec workers started",
            codec_workers_started.clone(),
        );
        let codec_workers_ended = Family::default();
        registry.register(
            "codec_workers_ended",
            "Codec workers that ended, by why",
            codec_workers_ended.clone(),
        );
        Self {
            registry,
            associations,
            associations_open,
            tls_failures,
            certificate_expiry,
            received,
            received_bytes,
            refused,
            suppressed,
            marked,
            unmarked,
            stamp_modes,
            stamp_fallbacks,
            findings,
            trials,
            studies_settled,
            study_findings,
            studies_open,
            studies_bytes,
            held,
            unchecked,
            poisonous,
            delivered,
            delivery_failures,
            queued,
            oldest_queued,
            delivery_stalled,
            delivery_alarm,
            acknowledge_seconds,
            judge_seconds,
            commitments,
            spool_free_bytes,
            lost,
            audit_failures,
            audit_lost,
            bypass,
            bypassed,
            damaged,
            ballast,
            codec_frames,
            codec_seconds,
            codec_workers_started,
            codec_workers_ended,
        }
    }

    /// The present values in the text format of Prometheus.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(std::fmt::Error) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_shown_with_its_labels() {
        let metrics = Metrics::new();
        metrics.received.inc();
        metrics.marked.get_or_create(&Code { code: "JJJHR".into() }).inc();
        metrics.queued.get_or_create(&Lane { destination: "pacs".into() }).set(3);
        let text = metrics.render();
        assert!(text.contains("markgate_objects_received_total 1"), "{text}");
        assert!(text.contains("markgate_objects_marked_total{code=\"JJJHR\"} 1"), "{text}");
        assert!(text.contains("markgate_queued{destination=\"pacs\"} 3"), "{text}");
    }

    #[test]
    fn counts_that_are_kept_elsewhere_are_shown_as_they_were_told_last() {
        let metrics = Metrics::new();
        let trial = |rule: &str, applied, withheld| Trial {
            rule: rule.to_owned(),
            unit: "object".to_owned(),
            applied,
            withheld,
        };
        metrics.trials.set(vec![trial("A-1", 3, 1), trial("A-2", 2, 0)]);
        metrics.trials.set(vec![trial("A-1", 7, 2)]);
        let text = metrics.render();
        let lines: Vec<&str> = text.lines().filter(|line| line.contains("{rule=")).collect();
        assert_eq!(
            lines,
            [
                "markgate_shadow_applied_total{rule=\"A-1\",unit=\"object\"} 7",
                "markgate_shadow_withheld_total{rule=\"A-1\",unit=\"object\"} 2",
            ]
        );
    }

    #[test]
    fn two_gates_in_one_process_count_apart() {
        let (one, other) = (Metrics::new(), Metrics::new());
        one.received.inc();
        assert!(other.render().contains("markgate_objects_received_total 0"));
    }
}
