//! The life of a gate: parts are opened and bound first, then everything starts, and at the end everything drains in the order
//! in which objects flow.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::certificates::{self, Certificates};
use super::commitments;
use super::custody::{self, CustodyFault};
use super::heap;
use super::keeping;
use super::parts::{cage_settings, destinations, receiving, remote, spool_config};
use super::presentation_states;
use super::retention;
use super::scrub::{self, Scrub};
use super::service::Service;
use super::site;
use super::state::State;
use super::upkeep;
use crate::base::time::now;
use crate::cage::Cage;
use crate::commitment;
use crate::config::{self, Configuration, Loaded, Mistakes};
use crate::deliver::{self, Destination, Lanes};
use crate::dimse::Terms;
use crate::ledger::{Filter, Ledger, LedgerFault, ObjectState};
use crate::observe::Metrics;
use crate::observe::audit::Entry;
use crate::observe::log;
use crate::pipeline;
use crate::receive::{
    self, Asking, Door, Foresight, Judging, Places, Receiver, Relaying, Strangers,
};
use crate::relay::Relays;
use crate::spool::Spool;
use crate::web;

/// When the parts must have come to their end, counted from the signal: the whole drain stays below half a minute, after which
/// service managers kill.
const ASSOCIATIONS_END: Duration = Duration::from_secs(18);
const COPIES_END: Duration = Duration::from_secs(19);
const JUDGING_ENDS: Duration = Duration::from_secs(20);
const LANES_END: Duration = Duration::from_secs(26);
const ALL_ENDS: Duration = Duration::from_secs(28);

/// How long threads may take to end that nobody waits for any more.
const LEFT_BEHIND: Duration = Duration::from_secs(1);

/// Requests and reports about commitments that may wait.
const COMMISSIONS: usize = 64;

/// Questions about destinations that may wait.
const QUESTIONS: usize = 256;

/// Why a gate does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartFault {
    /// The configuration has mistakes.
    #[error("{0}")]
    Configuration(#[from] Mistakes),
    /// The DICOM port cannot be had.
    #[error("cannot listen on {address}: {source}; is another program using the port?")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The console's port, or the control socket, cannot be had.
    #[error("{0}")]
    Console(#[from] web::ListenFault),
    /// Spool, journal or ledger.
    #[error("{0}")]
    Custody(#[from] CustodyFault),
    /// The ledger failed after it was opened.
    #[error("ledger: {0}")]
    Ledger(#[from] LedgerFault),
    /// Threads or signals cannot be had.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

/// Runs a gate until SIGTERM or SIGINT; SIGHUP reloads. Blocks.
///
/// # Errors
/// When it cannot start.
pub fn run(file: &Path) -> Result<(), StartFault> {
    heap::share();
    leave_no_core();
    log::tell_panics();
    let loaded = config::load(file)?;
    for warning in &loaded.warnings {
        tracing::warn!(%warning, "configuration");
    }
    allow_many_files();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ran = runtime.block_on(async {
        // Heeded before the port is open: whoever is let in is seen out.
        let (mut terminate, mut interrupt, mut hang_up) =
            (on(SignalKind::terminate())?, on(SignalKind::interrupt())?, on(SignalKind::hangup())?);
        let gate = tokio::select! {
            gate = Gate::start(loaded) => gate?,
            () = told_to_stop(&mut terminate, &mut interrupt) => {
                tracing::info!("stopped before it had started");
                return Ok(());
            }
        };
        loop {
            tokio::select! {
                () = told_to_stop(&mut terminate, &mut interrupt) => break,
                _ = hang_up.recv() => gate.reload_from(file.to_owned()).await,
            }
        }
        gate.stop().await;
        Ok(())
    });
    // A thread that hangs in an object must not keep the process.
    runtime.shutdown_timeout(LEFT_BEHIND);
    ran
}

/// Each association needs a connection and a file; what service managers set as the soft limit (1024) is for programs that
/// do not know that.
fn allow_many_files() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if let Err(fault) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::warn!(%fault, limit = current, "the limit on open files stays as it is");
    }
}

/// The memory of a gate holds images of patients: none of it is left behind in a core dump, or shown to other processes of its user.
fn leave_no_core() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let limited = setrlimit(Resource::Core, none);
    if let Err(fault) = limited.and_then(|()| set_dumpable_behavior(DumpableBehavior::NotDumpable))
    {
        tracing::warn!(%fault, "a crash of the gate may leave a core dump, which would hold images");
    }
}

fn on(kind: SignalKind) -> io::Result<Signal> {
    signal(kind)
}

async fn told_to_stop(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// A running gate.
pub struct Gate {
    state: Arc<State>,
    /// What peers may take, and the memory of it.
    limits: Arc<ArcSwap<receive::Config>>,
    waiting: Arc<ArcSwap<receive::StudySettings>>,
    committing: Arc<ArcSwap<commitment::Settings>>,
    memory: receive::Memory,
    /// No new associations; those that are open end after the object in hand.
    closing: CancellationToken,
    /// Judging ends once it has judged what is waiting.
    judged: CancellationToken,
    /// Console and retention end.
    ending: CancellationToken,
    listening: JoinHandle<()>,
    /// The port with TLS.
    secure: Option<JoinHandle<()>>,
    watching: JoinHandle<()>,
    /// Copies of what was relayed become durable.
    copying: JoinHandle<()>,
    relays: Relays,
    judging: JoinHandle<()>,
    keeping_studies: JoinHandle<()>,
    serving: JoinHandle<()>,
    sweeping: JoinHandle<()>,
    tending: JoinHandle<()>,
    scrubbing: Option<JoinHandle<()>>,
    adding: JoinHandle<()>,
    commitments: JoinHandle<()>,
    keeping: JoinHandle<()>,
    console: Option<SocketAddr>,
}

impl Gate {
    /// Starts a gate. When this returns it listens; dropped before, it has accepted no association.
    ///
    /// # Errors
    /// When a part cannot be had; nothing is left running then.
    pub async fn start(loaded: Loaded) -> Result<Self, StartFault> {
        let site = Arc::new(ArcSwap::from_pointee(site::build(&loaded)));
        let certificates = Arc::new(Certificates::new(&loaded.compiled.tls));
        let configuration = loaded.configuration;
        let listener = listen(configuration.gate.listen).await?;
        let address = listener.local_addr()?;
        let secure = match &configuration.gate.tls {
            Some(tls) => Some(listen(tls.listen).await?),
            None => None,
        };
        let metrics = Arc::new(Metrics::new());
        let custody = {
            let (spool, offset) = (spool_config(&configuration), configuration.mark.timezone);
            let metrics = Arc::clone(&metrics);
            tokio::task::spawn_blocking(move || custody::open(&spool, offset, &metrics, now()))
                .await
                .map_err(io::Error::other)??
        };
        let console = match &configuration.console {
            Some(console) => web::Listener::tcp(console.listen).await?,
            None => web::Listener::control(&web::control_socket(&configuration.spool.dir))?,
        };
        let console_address = console.address();
        let timers = configuration.timers();
        let destinations = destinations(&configuration, &certificates);
        tell_of_strays(&custody.ledger, &destinations).await?;
        forget_what_is_sent(&custody.spool, &custody.ledger).await?;
        let known = deliver::nothing_known(&destinations);
        let remotes = destinations.iter().map(remote).collect();
        let (unknown, questions) = mpsc::channel(QUESTIONS);
        let lanes = Arc::new(Lanes::start(deliver::Setup {
            audit: custody.audit.clone(),
            destinations,
            spool: custody.spool.clone(),
            ledger: custody.ledger.clone(),
            metrics: Arc::clone(&metrics),
            known: Arc::clone(&known),
            timers,
            clock: Arc::new(now),
            unknown: questions,
        }));
        let cage = Arc::new(Cage::new(cage_settings(&configuration), Arc::clone(&metrics)));
        let limits = Arc::new(ArcSwap::from_pointee(receiving(&configuration)));
        let memory = receive::Memory::new(configuration.limits.memory);
        let judged = CancellationToken::new();
        let waiting = Arc::new(ArcSwap::from_pointee(configuration.studies.clone()));
        let (studies, told) = receive::Studies::new();
        let unjudged = receive::unjudged(&custody.ledger).await?;
        // What has a verdict is not judged again by itself, so it cannot end the gate again.
        custody.spool.judging().keep(|object| unjudged.binary_search(&object).is_ok());
        let (judging, judging_task) = receive::judging(
            Judging {
                spool: custody.spool.clone(),
                ledger: custody.ledger.clone(),
                metrics: Arc::clone(&metrics),
                site: Arc::clone(&site),
                codecs: cage.clone(),
                judge: Arc::new(pipeline::judge),
                config: Arc::clone(&limits),
                threads: std::thread::available_parallelism().map_or(1, usize::from),
                patience: receive::PATIENCE,
                studies: studies.clone(),
            },
            judged.clone(),
        );
        let keeping_studies = tokio::spawn(receive::keep(
            receive::Keeping {
                spool: custody.spool.clone(),
                codecs: cage.clone(),
                ledger: custody.ledger.clone(),
                metrics: Arc::clone(&metrics),
                site: Arc::clone(&site),
                config: Arc::clone(&limits),
                settings: Arc::clone(&waiting),
            },
            studies.clone(),
            told,
            judging.clone(),
            judged.clone(),
        ));
        let (closing, ending) = (CancellationToken::new(), CancellationToken::new());
        let (copies, copying) = receive::copies(judging.clone());
        let relays = Relays::new(remotes, &timers);
        let (asked, commissions) = mpsc::channel(COMMISSIONS);
        let committing = Arc::new(ArcSwap::from_pointee(configuration.commitment.clone()));
        let partners = commitments::destinations(&configuration, &certificates);
        let reporters = commitments::reporters(&partners);
        let commitments = tokio::spawn(commitment::run(
            commitment::Setup {
                spool: custody.spool.clone(),
                ledger: custody.ledger.clone(),
                site: Arc::clone(&site),
                settings: Arc::clone(&committing),
                destinations: partners,
                retention: configuration.spool.retention,
                metrics: Arc::clone(&metrics),
                timers,
            },
            commissions,
            ending.clone(),
        ));
        let receiver = Arc::new(Receiver {
            terms: Terms::new(configuration.gate.aet.clone()),
            config: Arc::clone(&limits),
            memory: memory.clone(),
            spool: custody.spool.clone(),
            ledger: custody.ledger.clone(),
            audit: custody.audit.clone(),
            metrics: Arc::clone(&metrics),
            site: Arc::clone(&site),
            foresight: Foresight::new(Arc::new(pipeline::judge)),
            known,
            unknown,
            judging: judging.clone(),
            relaying: Relaying::new(
                relays.clone(),
                copies,
                Arc::new(pipeline::judge),
                cage.clone(),
                studies.clone(),
            ),
            open: Places::default(),
            strangers: Strangers::default(),
            asking: Asking::default(),
            commitments: asked,
            reporters,
        });
        // Before anything new, so that what was left keeps its place.
        if !unjudged.is_empty() {
            tracing::info!(objects = unjudged.len(), "judging goes on where it was left");
            drop(tokio::spawn(receive::resume(unjudged, judging.clone())));
        }
        let secure = match secure {
            Some(listener) => {
                tracing::info!(address = %listener.local_addr()?, "listening with TLS");
                let door = Door { listener, tls: certificates.server() };
                Some(tokio::spawn(Arc::clone(&receiver).listen(door, closing.clone())))
            }
            None => None,
        };
        let door = Door { listener, tls: None };
        let listening = tokio::spawn(receiver.listen(door, closing.clone()));
        let watching = tokio::spawn(certificates::watch(Arc::clone(&certificates), ending.clone()));
        let sweeping = tokio::spawn(retention::run(
            custody.spool.clone(),
            custody.ledger.clone(),
            retention::Times::of(&configuration),
            ending.clone(),
        ));
        let tending = tokio::spawn(upkeep::run(custody.spool.clone(), ending.clone()));
        let scrubbing = configuration.spool.scrub.map(|every| {
            let scrub = Scrub {
                spool: custody.spool.clone(),
                ledger: custody.ledger.clone(),
                metrics: Arc::clone(&metrics),
                every,
            };
            tokio::spawn(scrub::run(scrub, ending.clone()))
        });
        let state = Arc::new(State {
            configuration: Arc::new(ArcSwap::from_pointee(configuration)),
            site,
            certificates,
            spool: custody.spool,
            ledger: custody.ledger,
            audit: custody.audit,
            cage,
            metrics,
            lanes,
            judging,
            timers,
            started: now(),
            listen: address,
            lost: custody.lost,
            stopping: AtomicBool::new(false),
        });
        let adding = tokio::spawn(presentation_states::run(Arc::clone(&state), ending.clone()));
        let keeping = tokio::spawn(keeping::run(Arc::clone(&state), ending.clone()));
        state.audit.record(Entry::Started {
            version: env!("CARGO_PKG_VERSION"),
            configuration: digest(&state.configuration.load()),
            listen: address,
        });
        let service = Arc::new(Service::new(Arc::clone(&state)));
        let serving = tokio::spawn(web::serve(console, service, ending.clone().cancelled_owned()));
        tracing::info!(%address, "listening");
        Ok(Self {
            state,
            closing,
            judged,
            ending,
            limits,
            waiting,
            committing,
            memory,
            listening,
            secure,
            watching,
            copying,
            relays,
            judging: judging_task,
            keeping_studies,
            serving,
            sweeping,
            tending,
            scrubbing,
            adding,
            commitments,
            keeping,
            console: console_address,
        })
    }

    /// Where the SCP listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.state.listen
    }

    /// Where the console listens; `None` on a control socket.
    #[must_use]
    pub fn console(&self) -> Option<SocketAddr> {
        self.console
    }

    /// The parts, for the demonstration.
    pub(super) fn state(&self) -> &Arc<State> {
        &self.state
    }

    async fn reload_from(&self, file: PathBuf) {
        let loaded = tokio::task::spawn_blocking(move || config::load(&file)).await;
        match loaded {
            Ok(Ok(loaded)) => self.reload(loaded),
            Ok(Err(mistakes)) => {
                for mistake in mistakes.as_slice() {
                    tracing::error!(%mistake, "the configuration was not reloaded");
                }
                let why = format!("{} mistakes", mistakes.as_slice().len());
                self.state.audit.record(Entry::NotReloaded { why });
            }
            Err(fault) => tracing::error!(%fault, "the configuration was not reloaded"),
        }
    }

    /// Puts another configuration in force, as a whole or not at all. Open associations go on; objects that are judged from
    /// now on are judged by it, and connections from now on use the certificates, keys and lists that were read with it.
    pub fn reload(&self, loaded: Loaded) {
        let (new, old) = (&loaded.configuration, self.state.configuration.load());
        let fixed = [
            ("gate", old.gate != new.gate),
            ("codec", old.codec != new.codec),
            ("spool", old.spool != new.spool),
            ("console", old.console != new.console),
            ("destination", old.destinations != new.destinations),
            ("mark.timezone", old.mark.timezone != new.mark.timezone),
        ];
        let changed: Vec<&str> =
            fixed.iter().filter(|(_, changed)| *changed).map(|(name, _)| *name).collect();
        if !changed.is_empty() {
            tracing::error!(
                sections = changed.join(", "),
                "the configuration was not reloaded: these can be changed by a restart only"
            );
            let why = format!("a restart is needed for {}", changed.join(", "));
            self.state.audit.record(Entry::NotReloaded { why });
            return;
        }
        self.limits.store(Arc::new(receiving(new)));
        self.waiting.store(Arc::new(new.studies.clone()));
        self.committing.store(Arc::new(new.commitment.clone()));
        self.memory.set_limit(new.limits.memory);
        for warning in &loaded.warnings {
            tracing::warn!(%warning, "configuration");
        }
        self.state.certificates.replace(&loaded.compiled.tls);
        self.state.certificates.tell(now());
        let configuration = digest(&loaded.configuration);
        self.state.site.store(Arc::new(site::build(&loaded)));
        self.state.audit.record(Entry::Reloaded { configuration });
        self.state.configuration.store(Arc::new(loaded.configuration));
        tracing::info!("configuration reloaded");
    }

    /// Stops: no new associations, objects begun are finished, then judged, then lanes end after the object in hand. What is not
    /// delivered is delivered after the next start.
    pub async fn stop(self) {
        tracing::info!("stopping");
        let begun = Instant::now();
        self.state.stopping.store(true, Ordering::Relaxed);
        self.closing.cancel();
        finish("associations", self.listening, begun + ASSOCIATIONS_END).await;
        if let Some(secure) = self.secure {
            finish("associations with TLS", secure, begun + ASSOCIATIONS_END).await;
        }
        finish("copies of what was relayed", self.copying, begun + COPIES_END).await;
        let relays = self.relays;
        let releasing = tokio::spawn(async move { relays.close().await });
        self.judged.cancel();
        finish("judging", self.judging, begun + JUDGING_ENDS).await;
        finish("relayed associations", releasing, begun + JUDGING_ENDS).await;
        finish("keeping studies", self.keeping_studies, begun + JUDGING_ENDS).await;
        self.state.lanes.stop();
        let stopped = timeout_at(begun + LANES_END, self.state.lanes.stopped());
        if stopped.await.is_err() {
            tracing::warn!("a lane was cut off; its object is sent again after the next start");
        }
        self.ending.cancel();
        finish("retention", self.sweeping, begun + ALL_ENDS).await;
        finish("upkeep", self.tending, begun + ALL_ENDS).await;
        if let Some(scrubbing) = self.scrubbing {
            finish("scrub", scrubbing, begun + ALL_ENDS).await;
        }
        finish("commitments", self.commitments, begun + ALL_ENDS).await;
        finish("presentation states", self.adding, begun + ALL_ENDS).await;
        finish("bypass and audit", self.keeping, begun + ALL_ENDS).await;
        finish("console", self.serving, begun + ALL_ENDS).await;
        finish("certificates", self.watching, begun + ALL_ENDS).await;
        let audit = self.state.audit.clone();
        audit.record(Entry::Stopped);
        let settled = tokio::task::spawn_blocking(move || audit.settle());
        if !matches!(timeout_at(begun + ALL_ENDS, settled).await, Ok(Ok(true))) {
            tracing::warn!("the end of the audit trail may be missing");
        }
        tracing::info!("stopped");
    }
}

/// What a configuration is, in one line.
fn digest(configuration: &Configuration) -> String {
    blake3::hash(config::show(configuration).as_bytes()).to_hex().to_string()
}

async fn finish(what: &'static str, mut task: JoinHandle<()>, until: Instant) {
    match timeout_at(until, &mut task).await {
        Ok(Ok(())) => {}
        Ok(Err(fault)) => tracing::error!(%fault, what, "ended abnormally"),
        Err(_) => {
            task.abort();
            tracing::warn!(what, "cut off: what was not acknowledged will be sent again");
        }
    }
}

/// Tells of deliveries that no lane will ever make, since their destination is not configured any more.
async fn tell_of_strays(ledger: &Ledger, destinations: &[Destination]) -> Result<(), StartFault> {
    let ledger = ledger.clone();
    let counts = tokio::task::spawn_blocking(move || ledger.counts());
    let counts = counts.await.map_err(io::Error::other)??;
    for ((name, state), deliveries) in counts.deliveries {
        if !destinations.iter().any(|destination| destination.name == name) {
            tracing::error!(
                destination = name,
                state = state.as_str(),
                deliveries,
                "these wait for a destination that is not configured any more: nobody delivers them"
            );
        }
    }
    Ok(())
}

/// Clears what is not on its way any more of the suspicion that it ended the gate while it was sent.
async fn forget_what_is_sent(spool: &Spool, ledger: &Ledger) -> Result<(), StartFault> {
    let (spool, ledger) = (spool.clone(), ledger.clone());
    let asked = tokio::task::spawn_blocking(move || {
        let suspects = spool.sending().suspects();
        if suspects.is_empty() {
            return Ok(());
        }
        let filter = Filter { ids: suspects.clone(), ..Filter::default() };
        let known = ledger.explain(&filter, suspects.len())?;
        let is_on_its_way = |object| {
            known.iter().any(|one| one.id == object && one.state == ObjectState::Forwarding)
        };
        spool.sending().keep(is_on_its_way);
        Ok::<(), LedgerFault>(())
    });
    Ok(asked.await.map_err(io::Error::other)??)
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartFault> {
    TcpListener::bind(address).await.map_err(|source| StartFault::Listen { address, source })
}
