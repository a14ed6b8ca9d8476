//! The configuration as the rest of the program sees it: plain values, every one of them checked.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use jiff::tz::Offset;

use super::decode::Word;
use crate::base;
use crate::cage::{self, Seccomp};
use crate::commitment::{self, Counts};
use crate::dicom::ae_title::{AeTitle, CallAs};
use crate::dicom::status::Status;
use crate::dimse::Timers;
use crate::dimse::tls::Clients;
use crate::policy::admission::SourceRow;
use crate::policy::disposition::Unparsable;
use crate::policy::route::{Hold, RouteRow};
use crate::receive::{Late, StudySettings};
use crate::recognition::{AccreditationStatus, MarkPolicy, MultiItem, Rows};
use crate::stamp::layout::LayoutPolicy;
use crate::stamp::{
    BurnedInAnnotation, CharsetPolicy, PixelPolicy, StampMode, StampPolicy, StampRow, UidPolicy,
};
use crate::standard::{Changes, OperatorRow, Severity};

/// A whole configuration. What it refers to by name is there.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Configuration {
    /// `[gate]`: the DICOM SCP.
    pub gate: Gate,
    /// `[limits]`: what peers may take of the gate.
    pub limits: Limits,
    /// `[codec]`: the workers that decode what peers sent.
    pub codec: cage::Limits,
    /// `[spool]`: where everything durable lies.
    pub spool: Spool,
    /// `[audit]`: who did what.
    pub audit: Audit,
    /// `[console]`: web pages, REST and metrics; without it they answer on a control socket in the spool folder.
    pub console: Option<Console>,
    /// `[[destination]]`: at least one in a configuration that was read from a file.
    pub destinations: Vec<Destination>,
    /// `[[source]]`: which callers; when there is none, any caller from loopback and none from elsewhere.
    pub sources: Vec<SourceRow>,
    /// `[[route]]`: the first match wins; without a match, every destination.
    pub routes: Vec<RouteRow>,
    /// `[[scope]]`, `[[institution]]`, `[[item]]` and `[[accreditation]]`, each with the rows of its CSV file behind those
    /// of the file itself.
    pub registry: Rows,
    /// `[[operator]]`: who operates the equipment.
    pub operators: Vec<OperatorRow>,
    /// `[registry]`: the CSV files that rows came from.
    pub registry_files: RegistryFiles,
    /// `[mark]`: how a mark is decided and written.
    pub mark: Mark,
    /// `[burn_in]`: how a mark is drawn.
    pub burn_in: BurnIn,
    /// `[[stamp]]`: which modes for which objects; the first match wins, without a match [`Mark::modes`].
    pub stamps: Vec<StampRow>,
    /// `[studies]`: how long studies are waited for.
    pub studies: StudySettings,
    /// `[commitment]`: how modalities are told that their objects are kept.
    pub commitment: commitment::Settings,
    /// `[rules]`: rule packs and a site's changes to them.
    pub rules: Rules,
}

impl Configuration {
    /// The deadlines of associations, in both directions.
    #[must_use]
    pub fn timers(&self) -> Timers {
        let Timers { connect, association, response, release, .. } = self.gate.timers;
        Timers { connect, association, response, release, ..self.limits.timers() }
    }
}

/// `[gate]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// The called AE titles under which the gate answers, at least one. Default `MARKGATE`.
    pub aet: Vec<AeTitle>,
    /// Address and TCP port of the SCP. Default `127.0.0.1:11112`: opening the gate to a network is a decision.
    pub listen: SocketAddr,
    /// What becomes of an object that came complete but cannot be walked. Default `hold`: a person looks.
    pub unparsable: Unparsable,
    /// The C-STORE status for an object that is known to be changed on its way: `0000` (default, since many
    /// modalities show a warning as an error) or `B000`.
    pub coerced_status: Status,
    /// `[gate.timers]`: how long the gate waits for a destination. What is waited for in peers that call is in [`Limits`].
    pub timers: Timers,
    /// `[gate.tls]`: a second port, with TLS.
    pub tls: Option<GateTls>,
}

/// `[gate.tls]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateTls {
    /// Address and TCP port. Default: the address of the plain port, and port 2762 (PS3.8 §9.1.1).
    pub listen: SocketAddr,
    /// PEM file with the gate's certificate, then those of its issuers below the trust anchor.
    pub certificate: PathBuf,
    /// PEM file with its private key.
    pub key: PathBuf,
    /// PEM files with the certificates of those who issue to modalities.
    pub trust: Vec<PathBuf>,
    /// PEM files with their revocation lists.
    pub crl: Vec<PathBuf>,
    /// Whether modalities have to show a certificate. Default `required`.
    pub client: Clients,
}

/// `[destination.tls]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationTls {
    /// The name that the destination's certificate must bear. Default: its host.
    pub server_name: String,
    /// PEM files with the certificates of those who may have issued it.
    pub trust: Vec<PathBuf>,
    /// PEM files with their revocation lists.
    pub crl: Vec<PathBuf>,
    /// PEM files with the gate's certificate towards it, and the private key.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// `[limits]`: how much of the gate peers may have at a time, and how long they may take. All of it can be changed while the
/// gate runs; associations that are open keep their times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Associations at a time; more are rejected (2/3/2). Default 500.
    pub associations: usize,
    /// Of those, from one address. Default 200.
    pub associations_per_peer: usize,
    /// Bytes of memory for the buffers of all associations and the headers of all objects that are coming in or wait to be
    /// judged. Objects that do not fit are answered A700. Default 256 MiB.
    pub memory: u64,
    /// Elements, at all depths, that an object may have and still be judged; with more it is forwarded unmarked. Default
    /// 1,000,000.
    pub elements: usize,
    /// Bytes of element values that are kept of one object for judging it; with more it is forwarded unmarked. Default 8 MiB.
    pub header: u64,
    /// For a complete association request, and for the peer to close after the last word. Default 30 s.
    pub artim: Duration,
    /// For the next message on an open association. Default 60 s.
    pub idle: Duration,
    /// For a single byte within a message. Default 30 s.
    pub stall: Duration,
    /// How long a message may take before `minimum_rate` is asked of it. Default 30 s.
    pub grace: Duration,
    /// Bytes a second that a message must reach on average once `grace` is over. Default 8 KiB.
    pub minimum_rate: u32,
}

impl Limits {
    /// The deadlines of associations that peers open.
    #[must_use]
    pub fn timers(&self) -> Timers {
        Timers {
            artim: self.artim,
            idle: self.idle,
            stall: self.stall,
            grace: self.grace,
            minimum_rate: self.minimum_rate,
            ..Timers::default()
        }
    }
}

/// `[spool]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spool {
    /// The folder; one gate at a time. Default `spool`.
    pub dir: PathBuf,
    /// Free bytes of its file system below which nothing is taken in (A700). Default 2 GiB.
    pub reserve: u64,
    /// How long an original is kept after its last delivery. Default 72 h: a weekend, for the PACS that loses what
    /// it acknowledged.
    pub retention: Duration,
    /// Bytes that are taken up in good times and given up when the disk is full, so that custody can go on. Default 64 MiB;
    /// 0: none.
    pub ballast: u64,
    /// The time in which every object in the spool is read through once; `None`: never. Default 7 days.
    pub scrub: Option<Duration>,
}

/// `[audit]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// How long the trail is kept. Default 3 years, at least [`Audit::LEAST`].
    pub retention: Duration,
}

impl Audit {
    /// Half a year, for which network logs have to be kept.
    pub const LEAST: Duration = Duration::from_secs(180 * 86_400);
}

/// `[console]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Console {
    /// Address and TCP port, on loopback. Default `127.0.0.1:8080`.
    pub listen: SocketAddr,
}

/// `[[destination]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Destination {
    /// What routes, verbs and metrics call it. Unique.
    pub name: String,
    /// Where it is.
    pub target: Target,
    /// What its having an object says when a modality asks for commitment. Default `offered`, of a folder `delivered`.
    pub commitment: Counts,
    /// Whether it is asked to commit itself to all that it gets, which ends the retention of what it keeps. Default: no.
    pub verify: bool,
}

/// What a destination is.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// A DICOM peer that takes C-STORE.
    Peer {
        /// Its AE title, the called one.
        aet: AeTitle,
        /// Its host name or address.
        host: String,
        /// Its TCP port, 1 to 65535.
        port: u16,
        /// As whom the gate calls. Default always `MARKGATE`.
        call_as: CallAs,
        /// `[destination.tls]`: with TLS.
        tls: Option<DestinationTls>,
    },
    /// A folder that takes `<ObjectId>.dcm` files.
    Folder(PathBuf),
}

/// `[registry]`: CSV files with further rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RegistryFiles {
    /// Rows of `[[institution]]`.
    pub institutions: Option<PathBuf>,
    /// Rows of `[[item]]`.
    pub items: Option<PathBuf>,
    /// Rows of `[[accreditation]]`.
    pub accreditations: Option<PathBuf>,
    /// Rows of `[[operator]]`.
    pub operators: Option<PathBuf>,
}

/// `[mark]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// How a mark is decided.
    pub policy: MarkPolicy,
    /// What a marked object gets unless a `[[stamp]]` row says otherwise. Default `tag`.
    pub modes: Vec<StampMode>,
    /// A presentation state is made once no image of its series has come for so long, and all have been delivered. Default 90 s.
    pub presentation_state_after: Duration,
    /// What to do where the declared character set cannot hold the name. Default `extend`.
    pub charset: CharsetPolicy,
    /// The zone that dates are meant in, as an offset from UTC. Default `+08:00`.
    pub timezone: Offset,
}

impl Mark {
    /// How marks are worded, written and drawn.
    #[must_use]
    pub fn stamp_policy(&self, pixels: PixelPolicy) -> StampPolicy {
        StampPolicy {
            separator: self.policy.separator.clone(),
            charset: self.charset,
            timezone: self.timezone,
            pixels,
        }
    }
}

/// `[burn_in]`: how a mark is drawn into pixels, a strip or an overlay plane. The defaults are those of [`PixelPolicy`].
#[derive(Debug, Clone, PartialEq)]
pub struct BurnIn {
    /// A TrueType or OpenType font, or a collection of them. Default: the typeface that the program brings along.
    pub font: Option<PathBuf>,
    /// Which font of a collection, from 0.
    pub font_index: u32,
    /// How large text is, and how much of an image it may take: `min_height`, `min_height_share`, `max_area`, `max_width`
    /// and `behind_shutter`.
    pub layout: LayoutPolicy,
    /// Which frames bear it.
    pub frames: MarkedFrames,
    /// What an image without a free corner gets.
    pub no_corner: NoCorner,
    /// Modalities whose pixels stay as they are.
    pub except: Vec<String>,
    /// Whether images FOR PROCESSING may be drawn on.
    pub for_processing: bool,
    /// What becomes of the SOP Instance UID.
    pub uid: UidPolicy,
    /// What Burned In Annotation (0028,0301) says of the text.
    pub burned_in_annotation: BurnedInAnnotation,
}

/// Which frames of an image are drawn on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkedFrames {
    /// Every one.
    All,
    /// The first alone.
    First,
}

/// What an image without a free corner gets in place of text in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoCorner {
    /// Rows with the text below it.
    Strip,
    /// The mode after that: an overlay.
    Next,
}

/// `[rules]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// The packs. Default `db11t2505-2025`.
    pub packs: Vec<PackSource>,
    /// `[rules.override."ID"]`, `[[rules.exception]]` and `[rules.parameters]`: a site's changes. Those to rules and parameters that no pack has
    /// are kept here and have no effect.
    pub changes: Changes,
}

/// Where a rule pack is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PackSource {
    /// Built in, by its name.
    BuiltIn(String),
    /// A TOML file.
    File(PathBuf),
}

/// The title under which the gate answers and calls unless told otherwise.
pub(super) const TITLE: &str = "MARKGATE";
/// The TCP port of the gate unless told otherwise.
const GATE_PORT: u16 = 11112;
/// The TCP port of the console unless told otherwise.
const CONSOLE_PORT: u16 = 8080;
/// The pack that is in use unless told otherwise.
const PACK: &str = "db11t2505-2025";

/// The title [`TITLE`].
pub(super) fn own_title() -> AeTitle {
    AeTitle::parse(TITLE).expect("a constant of eight letters is an AE title")
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            aet: vec![own_title()],
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), GATE_PORT),
            unparsable: Unparsable::default(),
            coerced_status: Status::SUCCESS,
            tls: None,
            timers: Timers::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        let Timers { artim, idle, stall, grace, minimum_rate, .. } = Timers::default();
        let looking = base::limits::Limits::default();
        Self {
            associations: 500,
            associations_per_peer: 200,
            memory: 256 << 20,
            elements: looking.elements,
            header: looking.kept_bytes as u64,
            artim,
            idle,
            stall,
            grace,
            minimum_rate,
        }
    }
}

impl Default for Spool {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("spool"),
            reserve: 2 << 30,
            retention: Duration::from_hours(72),
            ballast: 64 << 20,
            scrub: Some(Duration::from_hours(7 * 24)),
        }
    }
}

impl Default for Audit {
    fn default() -> Self {
        Self { retention: Duration::from_secs(1_095 * 86_400) }
    }
}

impl Default for Console {
    fn default() -> Self {
        Self { listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), CONSOLE_PORT) }
    }
}

impl Default for Mark {
    fn default() -> Self {
        let StampPolicy { charset, timezone, .. } = StampPolicy::default();
        Self {
            policy: MarkPolicy::default(),
            modes: vec![StampMode::Tag],
            presentation_state_after: Duration::from_secs(90),
            charset,
            timezone,
        }
    }
}

impl Default for BurnIn {
    fn default() -> Self {
        let policy = PixelPolicy::default();
        Self {
            font: None,
            font_index: 0,
            layout: policy.layout,
            frames: if policy.every_frame { MarkedFrames::All } else { MarkedFrames::First },
            no_corner: if policy.strip { NoCorner::Strip } else { NoCorner::Next },
            except: policy.kept,
            for_processing: policy.for_processing,
            uid: policy.uid,
            burned_in_annotation: policy.annotation,
        }
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self { packs: vec![PackSource::BuiltIn(PACK.to_owned())], changes: Changes::default() }
    }
}

/// The networks a source may call from when it names none.
pub(super) fn loopback() -> Vec<IpNet> {
    vec![
        IpNet::new_assert(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), 8),
        IpNet::new_assert(IpAddr::V6(std::net::Ipv6Addr::LOCALHOST), 128),
    ]
}

impl Word for Clients {
    const WORDS: &'static [(&'static str, Self)] =
        &[("required", Self::Required), ("optional", Self::Optional), ("none", Self::None)];
}

impl Word for Seccomp {
    const WORDS: &'static [(&'static str, Self)] =
        &[("required", Self::Required), ("optional", Self::Optional)];
}

impl Word for Hold {
    const WORDS: &'static [(&'static str, Self)] = Self::WORDS;
}

impl Word for Late {
    const WORDS: &'static [(&'static str, Self)] =
        &[("inherit", Self::Inherit), ("reopen", Self::Reopen)];
}

impl Word for Unparsable {
    const WORDS: &'static [(&'static str, Self)] =
        &[("hold", Self::Hold), ("forward", Self::Forward), ("refuse", Self::Refuse)];
}

/// The two statuses that `coerced_status` may have.
impl Word for Status {
    const WORDS: &'static [(&'static str, Self)] =
        &[("0000", Self::SUCCESS), ("B000", Self::COERCION)];
}

impl Word for AccreditationStatus {
    const WORDS: &'static [(&'static str, Self)] = &Self::WORDS;
}

impl Word for StampMode {
    const WORDS: &'static [(&'static str, Self)] = &Self::WORDS;
}

impl Word for CharsetPolicy {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("extend", Self::Extend),
        ("latin", Self::Latin),
        ("reencode", Self::Gb18030),
        ("reencode-utf8", Self::Utf8),
    ];
}

impl Word for MarkedFrames {
    const WORDS: &'static [(&'static str, Self)] = &[("all", Self::All), ("first", Self::First)];
}

impl Word for NoCorner {
    const WORDS: &'static [(&'static str, Self)] = &[("strip", Self::Strip), ("next", Self::Next)];
}

impl Word for UidPolicy {
    const WORDS: &'static [(&'static str, Self)] =
        &[("keep", Self::Keep), ("derive", Self::Derive)];
}

impl Word for BurnedInAnnotation {
    const WORDS: &'static [(&'static str, Self)] =
        &[("definition", Self::Definition), ("yes", Self::Yes)];
}

impl Word for MultiItem {
    const WORDS: &'static [(&'static str, Self)] = &[("all", Self::All)];
}

impl Word for Severity {
    const WORDS: &'static [(&'static str, Self)] = Self::WORDS;
}
