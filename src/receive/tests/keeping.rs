//! What becomes of images that wait for their studies, whatever fails on the way.

use super::poison::envelope;
use super::*;
use crate::dicom::transfer_syntax::TransferSyntax;
use crate::object::scan_reader;
use crate::pipeline::{self, Site};
use crate::policy::study::{Patience, Settings};
use crate::receive::case::Case;
use crate::receive::studies::Ruling;
use crate::standard::study::Part;
use crate::standard::{Change, Changes, Pack, RuleSets};

/// The keeper of studies beside a gate, and what it lets go.
struct Kept {
    studies: Studies,
    site: Arc<ArcSwap<Site>>,
    released: mpsc::Receiver<Work>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

fn patience(quiet: Duration) -> Patience {
    Patience { quiet, at_most: Duration::from_secs(3600).max(quiet) }
}

fn dx() -> Specimen {
    Specimen::new(Kind::Dx, 8).size(16, 16)
}

impl Kept {
    /// Studies of these modalities are waited for so long, all others not at all.
    fn beside(gate: &Gate, times: &[(&str, Duration)]) -> Self {
        let by_modality = times.iter().map(|(name, quiet)| ((*name).to_owned(), patience(*quiet)));
        let times = Settings {
            usual: patience(Duration::ZERO),
            by_modality: by_modality.collect(),
            ..Settings::default()
        };
        let (studies, told) = Studies::new();
        let (judging, released) = mpsc::channel(16);
        let (site, stop) =
            (Arc::new(ArcSwap::from_pointee(pipeline::tests::site())), CancellationToken::new());
        let keeping = Keeping {
            spool: gate.spool.clone(),
            codecs: Arc::new(crate::codec::InProcess),
            ledger: gate.ledger.clone(),
            metrics: Arc::new(Metrics::new()),
            site: Arc::clone(&site),
            config: Arc::default(),
            settings: Arc::new(ArcSwap::from_pointee(StudySettings {
                times,
                ..StudySettings::default()
            })),
        };
        let task = tokio::spawn(keep(keeping, studies.clone(), told, judging, stop.clone()));
        Self { studies, site, released, stop, task }
    }

    fn part(&self, specimen: &Specimen) -> Part {
        let syntax = TransferSyntax::of(specimen.transfer_syntax().as_str());
        let scan = scan_reader(specimen.data_set().as_slice(), syntax, Limits::default());
        let case = Case::new(envelope(specimen), Source::default(), scan.expect("memory"));
        let (site, keys) = (self.site.load(), self.studies.keys());
        pipeline::part(&site, &case.image(), None, keys, now()).expect("an instance of a study")
    }

    async fn wait(&self, part: Part, object: u128) {
        self.studies.wait(Box::new(part), now(), ObjectId::from_u128(object), false).await;
    }

    /// What is let go next.
    async fn released(&mut self) -> Option<(u128, Arc<Ruling>)> {
        match timeout(PATIENCE, self.released.recv()).await {
            Ok(Some(Work::Ruled(object, ruling))) => Some((object.as_u128(), ruling)),
            _ => None,
        }
    }

    /// The rules that forbid something to the images of a study; `None` where nobody knows.
    fn found(&self, ruling: &Ruling) -> Option<Vec<String>> {
        let found = ruling.on(self.studies.keys().of("instance", "1.2"))?;
        Some(found.findings.into_iter().map(|finding| finding.rule).collect())
    }

    /// What is let go next, and whether anything is known of its study.
    async fn next(&mut self) -> Option<(u128, bool)> {
        let (object, ruling) = self.released().await?;
        Some((object, self.found(&ruling).is_some()))
    }

    async fn end(self, gate: Gate) {
        self.stop.cancel();
        timeout(PATIENCE, self.task).await.expect("ends in time").expect("without a panic");
        gate.end().await;
    }
}

/// The file of the only object of a gate.
fn only_file(gate: &Gate) -> PathBuf {
    let mut path = gate.dir.path().join("spool/objects");
    while path.is_dir() {
        let mut entries = std::fs::read_dir(&path).expect("a directory");
        path = entries.next().expect("an entry").expect("readable").path();
    }
    path
}

#[tokio::test]
async fn a_panic_lets_go_what_waits_and_ends_nothing() {
    let gate = Gate::new().await;
    // No instant is that far away.
    let times = [("MR", Duration::from_secs(3600)), ("CT", Duration::MAX)];
    let mut kept = Kept::beside(&gate, &times);
    kept.wait(kept.part(&Specimen::new(Kind::Mr, 9).size(16, 16)), 1).await;
    kept.wait(kept.part(&ct(1)), 2).await;
    let mut released = [kept.next().await, kept.next().await];
    released.sort_unstable();
    assert_eq!(released, [Some((1, false)), Some((2, false))]);
    kept.wait(kept.part(&dx()), 3).await;
    assert_eq!(kept.next().await, Some((3, true)), "others are judged as ever");
    kept.end(gate).await;
}

#[tokio::test]
async fn a_study_is_judged_with_what_came_before() {
    let gate = Gate::new().await;
    assert_eq!(gate.send_one(ct(1)).await, 0);
    gate.until_judged(1).await;
    let mut kept = Kept::beside(&gate, &[]);
    kept.wait(kept.part(&ct(2)), 1).await;
    assert_eq!(kept.next().await, Some((1, true)));
    kept.end(gate).await;
}

#[tokio::test]
async fn what_cannot_be_read_of_a_study_leaves_the_rest_unmarked() {
    let gate = Gate::new().await;
    assert_eq!(gate.send_one(ct(1)).await, 0);
    gate.until_judged(1).await;
    std::fs::write(only_file(&gate), b"no object").expect("written");
    let mut kept = Kept::beside(&gate, &[]);
    kept.wait(kept.part(&ct(2)), 1).await;
    assert_eq!(kept.next().await, Some((1, false)));
    kept.end(gate).await;
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a test harms what it has made")]
async fn what_one_study_lets_go_does_not_wait_for_the_next() {
    let gate = Gate::new().await;
    let soon = Duration::from_millis(100);
    let mut kept = Kept::beside(&gate, &[("CT", soon), ("MR", soon)]);
    kept.wait(kept.part(&dx()), 1).await;
    assert_eq!(kept.next().await, Some((1, true)));
    assert_eq!(gate.send_one(ct(1)).await, 0);
    gate.until_judged(1).await;
    // Whoever reads it waits until somebody writes.
    let file = only_file(&gate);
    std::fs::remove_file(&file).expect("removed");
    let (fifo, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU);
    rustix::fs::mknodat(rustix::fs::CWD, &file, fifo, mode, 0).expect("made");
    let (first, second) = (kept.part(&Specimen::new(Kind::Mr, 9).size(16, 16)), kept.part(&ct(2)));
    kept.wait(first, 2).await;
    kept.wait(second, 3).await;
    let released = kept.next().await;
    let written =
        tokio::task::spawn_blocking(move || std::fs::OpenOptions::new().write(true).open(file));
    drop(written.await.expect("no panic").expect("opened"));
    assert_eq!(released, Some((2, true)));
    assert_eq!(kept.next().await, Some((3, false)));
    kept.end(gate).await;
}

#[tokio::test]
async fn what_comes_after_other_rules_is_judged_by_them() {
    let gate = Gate::new().await;
    let mut kept = Kept::beside(&gate, &[]);
    kept.wait(kept.part(&ct(1)), 1).await;
    let (_, ruling) = kept.released().await.expect("let go");
    let found = kept.found(&ruling).expect("judged");
    assert!(!found.is_empty());
    let off = Change { off: Some(true), ..Change::default() };
    let rules = found.into_iter().map(|rule| (rule, off)).collect();
    let changes = Changes { rules, ..Changes::default() };
    let pack = Pack::built_in("db11t2505-2025").expect("a built-in pack");
    let rules = RuleSets::build(&[pack], &changes).expect("a good pack");
    kept.site.store(Arc::new(Site { rules, ..pipeline::tests::site() }));
    kept.wait(kept.part(&ct(2)), 2).await;
    let (object, ruling) = kept.released().await.expect("let go");
    assert_eq!((object, kept.found(&ruling)), (2, Some(Vec::new())));
    kept.end(gate).await;
}
