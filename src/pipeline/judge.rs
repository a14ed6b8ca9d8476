//! The call itself.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use jiff::civil::Date;

use super::late::gives_up_mark;
use super::{Association, Site, Verdict, study};
use crate::base::time::{Timestamp, date_at};
use crate::dicom::status::Status;
use crate::dicom::uid::Uid;
use crate::dicom::{Tag, tags};
use crate::object::edit::EditPlan;
use crate::object::{End, Scan};
use crate::policy::admission::Source;
use crate::policy::disposition::{Disposition, disposition};
use crate::recognition::{Decision, Exam, Institution, Reason, ScopeCode, decide};
use crate::stamp::layout::Corner;
use crate::stamp::{Broken, ImagePixels, Job, Provenance, Stamp, Workshop, self_check, stamp};
use crate::standard::study::Keys;
use crate::standard::{Announced, Arrival, Assessment, Finding, OwnNames, RuleSet, Subject, facts};

/// One object, as it came.
#[derive(Clone, Copy)]
pub struct Image<'a> {
    /// Its elements.
    pub scan: &'a Scan,
    /// Who sent it; `None` for a file.
    pub sender: Option<&'a Association>,
    /// What is known of it from its sender.
    pub source: &'a Source,
    /// Its SOP class UID.
    pub sop_class: &'a str,
    /// Its transfer syntax UID.
    pub transfer_syntax: &'a str,
    /// As what it was announced. Over an association what is announced as something else is refused before it is judged.
    pub announced: Announced<'a>,
    /// Whether its sender calls it urgent.
    pub urgent: bool,
    /// What its pixels can be looked at and stamped with; without it they are not, and stay as they are.
    pub workshop: Option<&'a dyn Workshop>,
    /// Corners in which others of its series, or of its device and protocol, bear the text; the first that is free is taken.
    pub preferred: &'a [Corner],
    /// Whether another version of it went out under its SOP Instance UID, or may.
    pub other_version: bool,
    /// What was found on its study that concerns it, where it waited for that.
    pub study: Option<&'a Assessment>,
    /// What identities are hidden by in what its study needs of it; without it nothing is told.
    pub keys: Option<&'a Keys>,
    /// What was decided on its mark, where it has gone out by that: nothing is decided or stamped again.
    pub decided: Option<&'a Decision>,
}

impl<'a> Image<'a> {
    /// Its pixels for rules to look at, where they can be and it was walked to its end.
    #[must_use]
    pub fn pixels(&self) -> Option<ImagePixels<'a>> {
        let workshop = self.workshop.filter(|_| matches!(self.scan.end, End::Complete))?;
        Some(ImagePixels::new(&self.scan.header, self.transfer_syntax, workshop))
    }
}

/// Judges one object. A panic on the way is a fault of the gate: the object goes on unmarked, as unchecked.
#[must_use]
pub fn judge(site: &Site, image: &Image<'_>, now: Timestamp) -> Verdict {
    let judged = catch_unwind(AssertUnwindSafe(|| judge_or_panic(site, image, now)));
    judged.unwrap_or_else(|_panic| unchecked(site, image))
}

/// What the C-STORE of an object in custody is answered with once it is judged: 0000, or the status of the site's choice where the
/// object will be changed.
#[must_use]
pub fn acknowledgement(site: &Site, verdict: &Verdict) -> Status {
    if verdict.plan.is_empty() { Status::SUCCESS } else { site.coerced_status }
}

/// The names of the institution that a sender is mapped to.
#[derive(Debug, Clone, Copy)]
pub struct SenderNames<'a> {
    institution: &'a Institution,
    scopes: &'a [ScopeCode],
}

impl<'a> SenderNames<'a> {
    /// Of the sender of an image; `None` when it is mapped to none.
    #[must_use]
    pub fn of(site: &'a Site, image: &Image<'a>) -> Option<Self> {
        let institution = site.registry.institution(image.source.institution.as_ref()?)?;
        Some(Self { institution, scopes: site.registry.scope_codes() })
    }
}

impl OwnNames for SenderNames<'_> {
    fn is_own(&self, name: &str, day: Option<Date>) -> bool {
        self.institution.read(name, self.scopes, day).own
    }
}

/// The object as conditions and rules see it; `peer` is its sender's address as text, empty where there is none.
#[must_use]
pub fn subject<'a>(
    site: &'a Site,
    image: &Image<'a>,
    peer: &'a str,
    names: Option<&'a SenderNames<'a>>,
    now: Timestamp,
) -> Subject<'a> {
    let sender = image.sender;
    let arrival = Arrival {
        calling_aet: sender.map_or("", |sender| sender.calling.as_str()),
        called_aet: sender.map_or("", |sender| sender.called.as_str()),
        peer,
        transfer_syntax: image.transfer_syntax,
        charset: image.source.charset.clone(),
        end: Some(image.scan.end),
        announced: image.announced,
        institution: names.map(|names| names as &dyn OwnNames),
        now,
        offset: site.offset,
        personnel: site.personnel.as_ref(),
    };
    Subject::new(&image.scan.header, arrival)
}

fn judge_or_panic(site: &Site, image: &Image<'_>, now: Timestamp) -> Verdict {
    let peer = image.sender.map(|sender| sender.peer.to_string()).unwrap_or_default();
    let names = SenderNames::of(site, image);
    let pixels = image.pixels();
    let subject = subject(site, image, &peer, names.as_ref(), now);
    let subject = match &pixels {
        Some(pixels) => subject.with_pixels(pixels, site.rules.looking()),
        None => subject,
    };
    // What its study will ask for is found out in the same look.
    let subject = if image.keys.is_some() { subject.expecting(&["hash"]) } else { subject };
    let chosen = site.routes.choose(&subject);
    let urgent = image.urgent || image.source.urgent || chosen.urgent;
    let rules = site.rules.of(&study::way(image, &chosen));
    let mut assessment = rules.assess(&subject);
    if let Some(found) = image.study {
        assessment.add(beside(found, &assessment));
    }
    let is_whole = match image.scan.end {
        End::Complete => true,
        End::Cut { .. } | End::Malformed(_) | End::TooDeep { .. } | End::Unlooked(_) => false,
    };
    let (decision, Stamp { plan, modes, fallen_back, corner, .. }) = match image.decided {
        Some(decision) => (decision.clone(), Stamp::none()),
        None if is_whole => {
            let (decision, stamp) = mark(site, image, &subject, (rules, &assessment), now);
            match stamp {
                // Whether pixels forbid it will be known when it has gone.
                Ok(stamp) if !stamp.modes.is_empty() && gives_up_mark(&chosen, rules, &subject) => {
                    if let Some(workshop) = image.workshop {
                        workshop.discard();
                    }
                    (decision.withheld(Reason::Unchecked, &site.mark), Stamp::none())
                }
                stamp => kept(site, decision, stamp, &mut assessment),
            }
        }
        // What was not looked at to its end is carried on as it is.
        None => (Decision::without_judgement(Reason::Unchecked), Stamp::none()),
    };
    let mark = decision.mark().map(|scope| scope.as_str());
    // What has its verdict shares no fate any more.
    let said = (mark, Vec::new());
    let part = image.keys.and_then(|keys| study::part_of(image, &subject, &chosen, said, keys));
    let part = part.map(Box::new);
    Verdict {
        disposition: disposition(
            // Of what was not looked at to its end, rules may miss what is there: the site's setting decides.
            assessment.quarantining().filter(|_| is_whole).map(|finding| finding.rule.as_str()),
            &image.scan.end,
            site.unparsable,
            urgent,
        ),
        study: uid(image, tags::STUDY_INSTANCE_UID),
        series: uid(image, tags::SERIES_INSTANCE_UID),
        modality: image.scan.header.string(tags::MODALITY),
        findings: assessment.findings,
        shadow: assessment.shadow,
        tried: assessment.tried,
        with_study: image.study.is_some(),
        decision,
        modes,
        fallen_back,
        corner,
        plan,
        destinations: chosen.destinations,
        urgent,
        unchecked: false,
        rules: Arc::clone(rules),
        part,
    }
}

/// What was found on a study, without what an object's own findings say already, as gravely.
fn beside(study: &Assessment, own: &Assessment) -> Assessment {
    let says = |known: &Finding, found: &Finding| {
        known.rule == found.rule && known.severity >= found.severity
    };
    let is_new = |found: &&Finding| !own.findings.iter().any(|known| says(known, found));
    let findings = study.findings.iter().filter(is_new).cloned().collect();
    Assessment { findings, ..study.clone() }
}

/// The verdict on an object that comes while the gate is in bypass: not judged, not touched, not held. Its header is looked at for the
/// conditions of routes alone; where it cannot be, the object goes wherever its association's objects may go.
#[must_use]
pub fn bypassed(site: &Site, image: &Image<'_>, now: Timestamp) -> Verdict {
    let chosen = match (&image.scan.end, image.sender) {
        (End::Complete, _) | (_, None) => catch_unwind(AssertUnwindSafe(|| {
            let text = image.sender.map(|sender| sender.peer.to_string()).unwrap_or_default();
            let chosen = site.routes.choose(&subject(site, image, &text, None, now));
            (chosen.destinations, chosen.urgent)
        })),
        (
            End::Cut { .. } | End::Malformed(_) | End::TooDeep { .. } | End::Unlooked(_),
            Some(to),
        ) => Ok((site.routes.possible(to), false)),
    };
    let all = unchecked(site, image);
    let (destinations, urgent) = chosen.unwrap_or_else(|_panic| (all.destinations.clone(), true));
    Verdict {
        decision: Decision::without_judgement(Reason::Bypass),
        destinations,
        urgent: urgent || image.urgent || image.source.urgent,
        unchecked: false,
        ..all
    }
}

fn mark(
    site: &Site,
    image: &Image<'_>,
    subject: &Subject<'_>,
    (rules, assessment): (&RuleSet, &Assessment),
    now: Timestamp,
) -> (Decision, Result<Stamp, Broken>) {
    let name = facts::identity::institution_name(subject);
    let exam = Exam {
        sop_class: image.sop_class,
        exam_date: facts::dates::exam_date(subject),
        institution: image.source.institution.as_ref(),
        institution_name: name.as_deref(),
        imported: facts::identity::is_imported(subject),
        clinical: facts::identity::is_clinical(subject),
        quality_blocked: assessment.blocks(),
        environment: subject,
    };
    let decision = decide(&site.registry, &site.mark, &exam, date_at(now, site.offset));
    let institution = decision.institution.as_ref().and_then(|id| site.registry.institution(id));
    let Some(institution) = institution else {
        return (decision, Ok(Stamp::none()));
    };
    let names = institution.names_on(decision.exam_date);
    let provenance = Provenance {
        ae: site.ae.clone(),
        source: image.sender.map(|sender| sender.calling.clone()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        rules: rules.hash().to_owned(),
    };
    let job = Job {
        view: &image.scan.header,
        read_as: subject.charset(),
        decision: &decision,
        names: &names,
        policy: &site.stamp,
        provenance: &provenance,
        now,
        sop_class: image.sop_class,
        transfer_syntax: image.transfer_syntax,
        workshop: image.workshop,
        preferred: image.preferred,
        other_version: image.other_version,
    };
    match stamp(site.modes.modes(subject), &job) {
        Ok(stamped) => {
            let checked = self_check(&job, &stamped, site.registry.scope_codes());
            if let (Err(_), Some(workshop)) = (checked, image.workshop) {
                workshop.discard();
            }
            (decision, checked.map(|()| stamped))
        }
        Err(obstacle) => {
            let reason = obstacle.reason();
            let decision = decision.withheld(reason, &site.mark);
            (decision, Ok(Stamp::none()))
        }
    }
}

/// The decision and its stamp; or, where that would not keep what is promised of it, neither, with the finding.
fn kept(
    site: &Site,
    decision: Decision,
    stamp: Result<Stamp, Broken>,
    assessment: &mut Assessment,
) -> (Decision, Stamp) {
    match stamp {
        Ok(stamp) => (decision, stamp),
        Err(broken) => {
            assessment.findings.push(broken.finding());
            (decision.withheld(Reason::SelfCheck, &site.mark), Stamp::none())
        }
    }
}

fn uid(image: &Image<'_>, tag: Tag) -> Uid {
    image.scan.header.string(tag).map(|uid| Uid::new(&uid)).unwrap_or_default()
}

/// The verdict on an object that could not be judged: it goes on unmarked wherever its association's objects may go.
#[must_use]
pub fn unchecked(site: &Site, image: &Image<'_>) -> Verdict {
    let destinations = match image.sender {
        Some(sender) => site.routes.possible(sender),
        None => (0..site.destinations.len()).collect(),
    };
    Verdict {
        study: uid(image, tags::STUDY_INSTANCE_UID),
        series: uid(image, tags::SERIES_INSTANCE_UID),
        modality: None,
        findings: Vec::new(),
        shadow: Vec::new(),
        tried: Vec::new(),
        with_study: false,
        decision: Decision::without_judgement(Reason::Unchecked),
        modes: Vec::new(),
        fallen_back: Vec::new(),
        corner: None,
        plan: EditPlan::default(),
        destinations,
        urgent: true,
        disposition: Disposition::Forward,
        unchecked: true,
        rules: Arc::clone(site.rules.site()),
        part: None,
    }
}
