//! From the configuration to what objects are judged by: rule packs are read and joined with the
//! site's changes and the rows that the configuration has compiled.

use crate::config::{self, Configuration, Loaded, Pack as PackPlace, RuleSeverity};
use crate::dicom::ae_title::AeTitle;
use crate::expression::Value;
use crate::pipeline::{Site, Versions};
use crate::policy::disposition::Unparsable;
use crate::standard::{self, Change, Changes, Pack, PackFault, RuleSet, RuleSetFault, Severity};

/// Why a configuration gives nothing to judge by.
#[derive(Debug, thiserror::Error)]
pub enum SiteFault {
    /// A rule pack cannot be read.
    #[error("[rules] packs: {path}: {source}")]
    PackFile {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A rule pack that is not built in.
    #[error("[rules] packs: there is no built-in pack {0}; name a TOML file, or one of: {known}", known = built_in())]
    UnknownPack(String),
    /// Mistakes in a rule pack.
    #[error("rule pack {name}:\n{}", lines(.faults))]
    Pack {
        /// The pack.
        name: String,
        /// All of them.
        faults: Vec<PackFault>,
    },
    /// Packs and the site's changes do not go together.
    #[error("[rules]:\n{}", lines(.0))]
    Rules(Vec<RuleSetFault>),
}

fn built_in() -> String {
    standard::BUILT_IN.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

fn lines<T: ToString>(faults: &[T]) -> String {
    faults.iter().map(|fault| format!("  {}", fault.to_string())).collect::<Vec<_>>().join("\n")
}

/// Builds what a configuration says.
///
/// # Errors
/// The first kind of mistake, with all mistakes of that kind.
pub(super) fn build(loaded: &Loaded) -> Result<Site, SiteFault> {
    let Loaded { configuration, compiled, .. } = loaded;
    let mark = &configuration.mark;
    let rules = rules(&configuration.rules)?;
    let versions = Versions {
        rules: rules.hash().to_owned(),
        registry: digest(&format!("{:?}", configuration.registry)),
        config: digest(&format!("{:?}", (mark, &configuration.sources, &configuration.stamps))),
    };
    let destinations = configuration.destinations.iter();
    Ok(Site {
        ae: own_title(configuration),
        sources: configuration.sources.clone(),
        destinations: destinations.map(|one| one.name.clone()).collect(),
        routes: compiled.routes.clone(),
        rules,
        registry: compiled.registry.clone(),
        mark: mark.policy.clone(),
        modes: compiled.stamps.clone(),
        stamp: mark.stamp_policy(),
        unparsable: match configuration.gate.unparsable {
            config::Unparsable::Hold => Unparsable::Hold,
            config::Unparsable::Forward => Unparsable::Forward,
            config::Unparsable::Refuse => Unparsable::Refuse,
        },
        coerced_status: configuration.gate.coerced_status,
        offset: mark.timezone,
        versions,
    })
}

/// A version in 16 digits: enough to tell two of a site's configurations apart.
fn digest(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().chars().take(16).collect()
}

fn own_title(configuration: &Configuration) -> AeTitle {
    let first = configuration.gate.aet.first().cloned();
    first.unwrap_or_else(|| {
        AeTitle::parse("MARKGATE").expect("a constant of eight letters is an AE title")
    })
}

fn rules(rules: &config::Rules) -> Result<RuleSet, SiteFault> {
    let packs = rules.packs.iter().map(pack).collect::<Result<Vec<_>, _>>()?;
    let change = |change: &config::RuleOverride| Change {
        severity: change.severity.map(|severity| match severity {
            RuleSeverity::Info => Severity::Info,
            RuleSeverity::Warn => Severity::Warn,
            RuleSeverity::Block => Severity::Block,
            RuleSeverity::Quarantine => Severity::Quarantine,
            RuleSeverity::SelfCheck => Severity::SelfCheck,
        }),
        off: change.enabled == Some(false),
        shadow: change.shadow == Some(true),
    };
    let changes = Changes {
        rules: rules.overrides.iter().map(|(id, row)| (id.clone(), change(row))).collect(),
        parameters: rules
            .parameters
            .iter()
            .map(|(name, value)| (name.clone(), Value::from(*value)))
            .collect(),
    };
    RuleSet::build(&packs, &changes).map_err(SiteFault::Rules)
}

fn pack(place: &PackPlace) -> Result<Pack, SiteFault> {
    match place {
        PackPlace::BuiltIn(name) => {
            Pack::built_in(name).ok_or_else(|| SiteFault::UnknownPack(name.clone()))
        }
        PackPlace::File(path) => {
            let name = path.display().to_string();
            let text = std::fs::read_to_string(path)
                .map_err(|source| SiteFault::PackFile { path: name.clone(), source })?;
            Pack::parse(&text).map_err(|faults| SiteFault::Pack { name, faults })
        }
    }
}
