//! The configuration as the rest of the program sees it: plain values, every one of them checked.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use jiff::civil::Date;
use jiff::tz::Offset;

use super::decode::Word;
use crate::dicom::ae_title::AeTitle;
use crate::dicom::status::Status;

/// A whole configuration. What it refers to by name is there.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Configuration {
    /// `[gate]`: the DICOM SCP.
    pub gate: Gate,
    /// `[spool]`: where everything durable lies.
    pub spool: Spool,
    /// `[console]`: web pages, REST and metrics; without it they answer on a control socket in the spool folder.
    pub console: Option<Console>,
    /// `[[destination]]`: at least one in a configuration that was read from a file.
    pub destinations: Vec<Destination>,
    /// `[[source]]`: which callers; when there is none, any caller from loopback and none from elsewhere.
    pub sources: Vec<Source>,
    /// `[[route]]`: the first match wins; without a match, every destination.
    pub routes: Vec<Route>,
    /// `[[institution]]`, then the rows of `[registry] institutions`.
    pub institutions: Vec<Institution>,
    /// `[[item]]`, then the rows of `[registry] items`.
    pub items: Vec<Item>,
    /// `[[accreditation]]`, then the rows of `[registry] accreditations`.
    pub accreditations: Vec<Accreditation>,
    /// `[[scope]]`: scopes of recognition beside the built-in `BJHR` and `JJJHR`.
    pub scopes: Vec<Scope>,
    /// `[registry]`: the CSV files that rows came from.
    pub registry: RegistryFiles,
    /// `[mark]`: how a mark is decided and written.
    pub mark: Mark,
    /// `[[stamp]]`: which modes for which objects; the first match wins, without a match [`Mark::modes`].
    pub stamps: Vec<StampRow>,
    /// `[rules]`: rule packs and a site's changes to them.
    pub rules: Rules,
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
}

/// What becomes of a complete object that cannot be walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unparsable {
    /// Taken into custody (0000) and held.
    Hold,
    /// Taken into custody and handed on as it is.
    Forward,
    /// Answered C000 and discarded.
    Refuse,
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
        /// As whom the gate calls.
        calling_aet: CallingAet,
    },
    /// A folder that takes `<ObjectId>.dcm` files.
    Folder(PathBuf),
}

/// The calling AE title towards a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallingAet {
    /// That of the modality that sent the object.
    Keep,
    /// Always this one. Default `MARKGATE`.
    Fixed(AeTitle),
}

/// `[[source]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// The calling AE title; `None` (`"*"`) is any.
    pub aet: Option<AeTitle>,
    /// The networks it may call from, at least one. Default loopback alone.
    pub hosts: Vec<IpNet>,
    /// The institution whose examinations it sends; without one its objects pass unmarked.
    pub institution: Option<String>,
    /// Whether its objects are never held by rules. Default false.
    pub urgent: bool,
    /// How its wrongly declared text is to be read (a term of (0008,0005), or `GBK`). The bytes stay.
    pub charset: Option<String>,
}

/// `[[route]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Names of destinations, at least one.
    pub to: Vec<String>,
    /// The condition; without one every object matches.
    pub when: Option<String>,
    /// Whether its objects are never held by rules. Default false.
    pub urgent: bool,
}

/// `[[institution]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Institution {
    /// What other rows call it. Unique.
    pub id: String,
    /// Its name, which the mark follows.
    pub name: String,
    /// A shorter name, for where the name with the mark would pass 64 characters.
    pub short_name: Option<String>,
    /// A name in Latin letters, for where the character set cannot hold the name.
    pub latin_name: Option<String>,
    /// Other names under which Institution Name (0008,0080) may have it.
    pub aliases: Vec<String>,
}

/// `[[item]]`: an examination item of the recognition lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its code. Unique.
    pub code: String,
    /// Its name.
    pub name: String,
    /// The condition under which an object belongs to it.
    pub when: String,
    /// Codes of the scopes whose lists have it.
    pub scopes: Vec<String>,
}

/// `[[accreditation]]`: who may bear which mark, for what, when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accreditation {
    /// The institution's id.
    pub institution: String,
    /// The items' codes; `None` (`"*"`) is every item.
    pub items: Option<Vec<String>>,
    /// The scope's code.
    pub scope: String,
    /// First day, in the zone of [`Mark::timezone`].
    pub valid_from: Date,
    /// Last day; without one it does not end.
    pub valid_to: Option<Date>,
    /// Default `active`.
    pub status: AccreditationStatus,
}

/// Whether an accreditation counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccreditationStatus {
    /// It does.
    Active,
    /// Not yet.
    Pending,
    /// For now it does not.
    Suspended,
    /// Never again.
    Revoked,
}

/// `[[scope]]`: a region of mutual recognition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The mark: two to eight capital letters and `HR`.
    pub code: String,
    /// The wider scope has the greater rank; `BJHR` has 20 and `JJJHR` 30.
    pub rank: u32,
    /// First day on which it may be borne.
    pub valid_from: Option<Date>,
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
}

/// `[mark]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Between name and mark. Default `-`, as in the older `-GX`.
    pub separator: String,
    /// Whether examinations from before 2026-04-01 bear a mark. Default false: the standard was not in force.
    pub mark_before_effective: bool,
    /// What a marked object gets unless a `[[stamp]]` row says otherwise. Default `tag`.
    pub modes: Vec<StampMode>,
    /// What to do where the declared character set cannot hold the name. Default `extend`.
    pub charset: CharsetPolicy,
    /// Whether an own mark that is no longer due, or a legacy one, is taken off. Default true.
    pub strip_stale: bool,
    /// Whether an accreditation must be valid today as well as on the day of the examination. Default true.
    pub require_active_at_stamp: bool,
    /// Which scope an examination of several items bears. Default `all`.
    pub multi_item: MultiItem,
    /// Days for which an accreditation counts after its end. Default 0.
    pub grace_days: u16,
    /// The zone that dates are meant in, as an offset from UTC. Default `+08:00`.
    pub timezone: Offset,
}

/// A way of showing a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StampMode {
    /// In Institution Name.
    Tag,
    /// Drawn into the pixels. Not in this version: falls to `tag`.
    BurnIn,
    /// In a strip added below the image. Not in this version: falls to `tag`.
    Strip,
    /// In an overlay plane. Not in this version: falls to `tag`.
    Overlay,
    /// In a presentation state beside the images. Not in this version: falls to `tag`.
    PresentationState,
}

/// What to do where the declared character set cannot hold the institution's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CharsetPolicy {
    /// Add a code extension that can; all other bytes keep their meaning.
    Extend,
    /// Use the institution's Latin name.
    Latin,
    /// Write all text anew in a set that can.
    Reencode,
}

/// Which scope an examination of several items bears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MultiItem {
    /// Only one that all of its items have.
    All,
}

/// `[[stamp]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StampRow {
    /// The condition; without one every object matches.
    pub when: Option<String>,
    /// The modes, all of which are applied.
    pub modes: Vec<StampMode>,
}

/// `[rules]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// The packs. Default `db11t2505-2025`.
    pub packs: Vec<Pack>,
    /// `[rules.override."ID"]`, by rule.
    pub overrides: BTreeMap<String, RuleOverride>,
    /// `[rules.parameters]`: numbers that rules refer to by name.
    pub parameters: BTreeMap<String, f64>,
}

/// Where a rule pack is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pack {
    /// Built in, by its name.
    BuiltIn(String),
    /// A TOML file.
    File(PathBuf),
}

/// A site's change to one rule; what is absent stays as the pack has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RuleOverride {
    /// Another severity.
    pub severity: Option<RuleSeverity>,
    /// False switches the rule off.
    pub enabled: Option<bool>,
    /// True counts what the rule finds and lets it have no effect.
    pub shadow: Option<bool>,
}

/// What a rule's finding does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleSeverity {
    /// Noted.
    Info,
    /// Noted, and shown to people.
    Warn,
    /// No mark.
    Block,
    /// Held for a person.
    Quarantine,
    /// Our own output is wrong: the original goes out, with an alarm.
    SelfCheck,
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
            unparsable: Unparsable::Hold,
            coerced_status: Status::SUCCESS,
        }
    }
}

impl Default for Spool {
    fn default() -> Self {
        Self { dir: PathBuf::from("spool"), reserve: 2 << 30, retention: Duration::from_hours(72) }
    }
}

impl Default for Console {
    fn default() -> Self {
        Self { listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), CONSOLE_PORT) }
    }
}

impl Default for CallingAet {
    fn default() -> Self {
        Self::Fixed(own_title())
    }
}

impl Default for Mark {
    fn default() -> Self {
        Self {
            separator: "-".to_owned(),
            mark_before_effective: false,
            modes: vec![StampMode::Tag],
            charset: CharsetPolicy::Extend,
            strip_stale: true,
            require_active_at_stamp: true,
            multi_item: MultiItem::All,
            grace_days: 0,
            timezone: Offset::constant(8),
        }
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            packs: vec![Pack::BuiltIn(PACK.to_owned())],
            overrides: BTreeMap::new(),
            parameters: BTreeMap::new(),
        }
    }
}

/// The networks a source may call from when it names none.
pub(super) fn loopback() -> Vec<IpNet> {
    vec![
        IpNet::new_assert(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), 8),
        IpNet::new_assert(IpAddr::V6(std::net::Ipv6Addr::LOCALHOST), 128),
    ]
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
    const WORDS: &'static [(&'static str, Self)] = &[
        ("active", Self::Active),
        ("pending", Self::Pending),
        ("suspended", Self::Suspended),
        ("revoked", Self::Revoked),
    ];
}

impl Word for StampMode {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("tag", Self::Tag),
        ("burn-in", Self::BurnIn),
        ("strip", Self::Strip),
        ("overlay", Self::Overlay),
        ("presentation-state", Self::PresentationState),
    ];
}

impl Word for CharsetPolicy {
    const WORDS: &'static [(&'static str, Self)] =
        &[("extend", Self::Extend), ("latin", Self::Latin), ("reencode", Self::Reencode)];
}

impl Word for MultiItem {
    const WORDS: &'static [(&'static str, Self)] = &[("all", Self::All)];
}

impl Word for RuleSeverity {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("info", Self::Info),
        ("warn", Self::Warn),
        ("block", Self::Block),
        ("quarantine", Self::Quarantine),
        ("self_check", Self::SelfCheck),
    ];
}
