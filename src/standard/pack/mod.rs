//! Packs of rules: the TOML they are written in, read with every mistake told at once.
//!
//! ```toml
//! format = 1
//! id = "our-hospital"
//! version = "1.0"
//! title.zh = "本院补充规则"
//! title.en = "Our own rules"
//!
//! [parameters]
//! thin = { value = 1.25, unit = "mm", zh = "薄层的最大层厚", en = "thickest slice that counts as thin" }
//! rooms = ["CT01", "CT02"]              # or the value alone
//!
//! [[rule]]
//! id = "OUR-001"
//! level = "instance"                   # left out: this
//! principle = "completeness"
//! authority = "judgement"
//! source = "radiology department, 2026-03"
//! attribute = "SliceThickness"         # whose value a finding shows
//! applies = ["CT", "ECT"]              # left out: to every object
//! when = "dcm.StationName in param.rooms"   # optional; unknown = does not apply
//! severity = "warn"
//! require = "has(dcm.SliceThickness) && dcm.SliceThickness <= param.thin"
//! zh = "层厚{value}mm，应不大于{param.thin}mm"
//! en = "slices {value} mm thick; {param.thin} mm or less is expected"
//! ```
//!
//! A rule with several grades has `[[rule.check]]` tables with `severity`, `require`, `zh` and `en` instead, the gravest first;
//! the first that is not met makes the finding. A requirement that comes to unknown makes none: presence is asked for with
//! `has`.
//!
//! `level` says what a rule looks at: `instance`, the header of one object; `pixel`, its decoded pixels too; `series` and
//! `study`, the objects that belong together.
//!
//! `applies` lists groups of SOP classes, any of which will do; it is looked at before `when` and costs next to nothing:
//!
//! | Word | SOP classes |
//! |---|---|
//! | `images` | every image, by its class or because it has pixels |
//! | `CR`, `DX`, `XR` | Computed Radiography; Digital X-Ray, for presentation and for processing; both |
//! | `MG`, `DBT` | Digital Mammography, for presentation and for processing; Breast Tomosynthesis and Breast Projection |
//! | `PROJ` | `CR`, `DX`, `MG`, `XA`, `RF` |
//! | `CT`, `ECT` | CT Image; Enhanced CT |
//! | `MR`, `EMR` | MR Image; Enhanced MR and Enhanced MR Color |
//! | `XS` | `CT`, `ECT`, `MR`, `EMR`, `PT`, and the Legacy Converted classes |
//! | `XA`, `RF` | X-Ray Angiographic; X-Ray Radiofluoroscopic; each with its enhanced class |
//! | `US`, `NM`, `PT` | Ultrasound of one frame and of several; Nuclear Medicine; PET with Enhanced and Legacy Converted |
//! | `SC` | Secondary Capture, of one frame and of several |
//! | `SR`, `RDSR` | structured reports; those of radiation dose |
//! | `KO`, `PR` | Key Object Selection; presentation states |
//! | `SEG`, `REG`, `RT`, `WF`, `DOC` | segmentations, registrations, radiotherapy, waveforms, encapsulated documents |
//!
//! A rule of level `pixel` may also name `pixel.NAME`, a fact that needs pixels.
//!
//! A message shows values: `{value}` that of the rule's attribute, `{dcm.KEYWORD}`, `{fact.NAME}`, `{pixel.NAME}` and
//! `{param.NAME}`; a brace itself is written twice. Messages go to logs, so what may tell who the patient is cannot stand in one.

mod fault;
mod literal;
mod reader;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::dicom::Tag;
use crate::expression::{Declarations, Expression, Value};

use super::applies::ClassGroups;
use super::message::{Language, Template};
use super::pixels::{self, Needs};
use super::rule::{Authority, Check, Level, Messages, Principle, Rule, Severity};
use literal::Written;

pub use fault::{PackFault, PackProblem};

/// The packs that are built in, by name.
pub const BUILT_IN: &[(&str, &str)] =
    &[("db11t2505-2025", include_str!("../../../config/standards/db11t2505-2025.toml"))];

/// The keys that a pack may have, for who describes the format.
pub const KEYS: Keys = Keys {
    pack: reader::TOP_KEYS,
    rule: reader::RULE_KEYS,
    check: reader::CHECK_KEYS,
    parameter: reader::PARAMETER_KEYS,
};

/// The keys of the tables of a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keys {
    /// Of the pack.
    pub pack: &'static [&'static str],
    /// Of a `[[rule]]`.
    pub rule: &'static [&'static str],
    /// Of a `[[rule.check]]`.
    pub check: &'static [&'static str],
    /// Of a parameter that is a table.
    pub parameter: &'static [&'static str],
}

/// Rules that a pack may have.
const MAX_RULES: usize = 2000;
/// The format that this program reads.
const FORMAT: i64 = 1;

/// A pack of rules: well-formed, every condition compiled with the pack's own parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Pack {
    id: String,
    version: String,
    title: Messages,
    parameters: BTreeMap<String, Parameter>,
    rules: Vec<RuleText>,
    /// The same, compiled with those parameters.
    compiled: Vec<Arc<Rule>>,
    text: String,
}

/// A number, text or list that conditions read as `param.NAME`.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Its default.
    pub value: Value,
    /// What it is counted in: `mm`, `a`, `1`. None for what is no quantity.
    pub unit: Option<String>,
    /// What it is.
    pub about: Option<Messages>,
}

/// A rule as written, to be compiled with the parameters that hold at the site.
#[derive(Debug, Clone, PartialEq)]
struct RuleText {
    id: String,
    line: usize,
    level: Level,
    principle: Principle,
    authority: Authority,
    source: String,
    attribute: Option<Tag>,
    applies: Option<ClassGroups>,
    when: Option<Written>,
    checks: Vec<CheckText>,
}

#[derive(Debug, Clone, PartialEq)]
struct CheckText {
    severity: Severity,
    require: Written,
    zh: Written,
    en: Written,
}

impl Pack {
    /// The built-in pack of this name.
    #[must_use]
    pub fn built_in(name: &str) -> Option<Self> {
        let (_, text) = BUILT_IN.iter().find(|(own, _)| *own == name)?;
        Self::parse(text).ok()
    }

    /// Reads a pack.
    ///
    /// # Errors
    /// Every mistake in it, by line.
    pub fn parse(text: &str) -> Result<Self, Vec<PackFault>> {
        reader::read(text)
    }

    /// Its identifier.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its version, as its maker counts.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What it is.
    #[must_use]
    pub fn title(&self) -> &Messages {
        &self.title
    }

    /// Its parameters with their defaults.
    #[must_use]
    pub fn parameters(&self) -> &BTreeMap<String, Parameter> {
        &self.parameters
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The identifiers of its rules, in their order.
    pub fn rule_ids(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.id.as_str())
    }

    /// Its rules, compiled with these values of its parameters in the stead of its own; only where there are such is anything compiled.
    ///
    /// # Errors
    /// Every condition and message that does not compile with them.
    pub(super) fn rules_with(
        &self,
        values: &BTreeMap<String, Value>,
    ) -> Result<Vec<Arc<Rule>>, Vec<PackFault>> {
        if !self.parameters.keys().any(|name| values.contains_key(name)) {
            return Ok(self.compiled.clone());
        }
        let value = |(name, parameter): (_, &Parameter)| {
            (name, values.get(name).unwrap_or(&parameter.value).clone())
        };
        let names = Names::with(self.parameters.iter().map(value));
        compile(&self.rules, &self.id, &self.text, &names)
    }
}

/// Compiles the rules of a pack, of which `text` is the whole.
fn compile(
    rules: &[RuleText],
    pack: &str,
    text: &str,
    names: &Names,
) -> Result<Vec<Arc<Rule>>, Vec<PackFault>> {
    let (mut compiled, mut faults) = (Vec::new(), Vec::new());
    for rule in rules {
        match rule.compile(pack, text, names) {
            Ok(rule) => compiled.push(Arc::new(rule)),
            Err(mistakes) => faults.extend(mistakes),
        }
    }
    if faults.is_empty() { Ok(compiled) } else { Err(faults) }
}

impl RuleText {
    /// Compiles the rule's conditions and messages.
    fn compile(&self, pack: &str, text: &str, names: &Names) -> Result<Rule, Vec<PackFault>> {
        let mut faults = Vec::new();
        let declarations = names.at(self.level);
        let mut fault = |written: &Written, offset: usize, problem: PackProblem| {
            let (line, column) = written.place(text, offset);
            let rule = Some(self.id.clone());
            faults.push(PackFault { line, column: Some(column), rule, problem });
        };
        let mut condition = |written: &Written| {
            Expression::compile(&written.text, declarations)
                .map_err(|error| {
                    let problem = PackProblem::Condition { key: written.key, fault: error.fault };
                    fault(written, error.offset, problem);
                })
                .ok()
        };
        let when = self.when.as_ref().map(&mut condition);
        let require: Vec<Option<Expression>> =
            self.checks.iter().map(|check| condition(&check.require)).collect();
        let mut message = |written: &Written, language| {
            Template::compile(&written.text, language, self.attribute, declarations)
                .map_err(|(offset, wrong)| {
                    let problem = PackProblem::Message { key: written.key, fault: wrong };
                    fault(written, offset, problem);
                })
                .ok()
        };
        let mut check = |(check, require): (&CheckText, Option<Expression>)| {
            let zh = message(&check.zh, Language::Chinese);
            let en = message(&check.en, Language::English);
            Some(Check { severity: check.severity, require: require?, zh: zh?, en: en? })
        };
        let checks: Vec<Option<Check>> = self.checks.iter().zip(require).map(&mut check).collect();
        if !faults.is_empty() {
            return Err(faults);
        }
        let (when, checks) = (when.flatten(), checks.into_iter().flatten().collect::<Vec<_>>());
        Ok(Rule {
            id: self.id.clone(),
            pack: pack.to_owned(),
            level: self.level,
            principle: self.principle,
            authority: self.authority,
            source: self.source.clone(),
            attribute: self.attribute,
            applies: self.applies,
            pixels: needs(when.as_ref(), &checks),
            when,
            checks,
            off: false,
            shadow: false,
        })
    }
}

/// What conditions and messages have to know of pixels.
fn needs(when: Option<&Expression>, checks: &[Check]) -> Needs {
    let of_checks = checks.iter().fold(Needs::default(), |all, check| {
        let needs = pixels::needs(check.require.variables());
        all.with(needs).with(check.zh.pixels()).with(check.en.pixels())
    });
    when.map_or(of_checks, |when| of_checks.with(pixels::needs(when.variables())))
}

/// What conditions of a pack may name, by level.
struct Names {
    object: Declarations,
    pixels: Declarations,
    series: Declarations,
    study: Declarations,
}

impl Names {
    /// With these parameters beside.
    fn with<'a>(parameters: impl Iterator<Item = (&'a String, Value)>) -> Self {
        let mut names = Self {
            object: super::declarations(),
            pixels: pixels::declare(super::declarations()),
            series: super::study::series_declarations(),
            study: super::study::study_declarations(),
        };
        for (name, value) in parameters {
            let Self { object, pixels, series, study } = &mut names;
            for all in [object, pixels, series, study] {
                *all = std::mem::take(all).with_parameter(name, value.clone());
            }
        }
        names
    }

    fn at(&self, level: Level) -> &Declarations {
        match level {
            Level::Instance => &self.object,
            Level::Pixel => &self.pixels,
            Level::Series => &self.series,
            Level::Study => &self.study,
        }
    }
}
