//! Storage Commitment in the statement.

use super::table;
use crate::base::units::format_duration;
use crate::commitment::{Counts, Reason};
use crate::config::{Configuration, Destination, Target};
use crate::dicom::sop_class::{STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE};
use crate::dicom::status::Status;
use crate::dimse::normalized::MOST_DATA;

pub(super) fn commitment(configuration: &Configuration) -> String {
    if !configuration.commitment.offer {
        return "### 3.5 Storage Commitment\n\nThe service is not offered (result 3).\n".to_owned();
    }
    let settings = &configuration.commitment;
    let [wait, held, unknown, answer, report] =
        [settings.wait, settings.held, settings.unknown, settings.answer, settings.report]
            .map(format_duration);
    format!(
        "### 3.5 Storage Commitment\n\n\
         Storage Commitment Push Model ({STORAGE_COMMITMENT}, instance {STORAGE_COMMITMENT_INSTANCE}), in Explicit and Implicit VR \
         Little Endian. A request is on disk before it is answered, and survives a restart. It waits until every destination that \
         counts has every object, at most {wait}; objects that a person has to look at are waited for {held}, unknown ones {unknown}.\n\n\
         {statuses}\n{reasons}\n\
         Where the gate has given an object another SOP Instance UID, the report names the one that it came with.\n\n\
         {destinations}\n\
         A destination is asked in the SCU role, under a Transaction UID of the gate's own. It reports on that association within \
         5 s, or on one that it opens to the gate, with the SCP role or without role selection; such an association is admitted by \
         the destination's AE title and address, for Verification and Storage Commitment alone if it is no source. What it has not \
         reported on in {answer} counts as failed.\n\n\
         The modality is told on the association on which it asked while that is open, otherwise on a new one, called by the AE \
         title that it asked, in the SCP role (role selection 0/1), for up to {report}; a report may come twice.\n\n{sources}",
        statuses = statuses(),
        reasons = reasons(),
        destinations = destinations(configuration),
        sources = sources(configuration),
    )
}

fn statuses() -> String {
    let too_long = format!(
        "more than {MOST_DATA} bytes, or too many requests are waiting, or no room on disk"
    );
    table(
        ["N-ACTION status", "when"],
        [
            (
                Status::SUCCESS,
                "the request is kept; asked again about the same objects, it is the same request",
            ),
            (
                Status::PROCESSING_FAILURE,
                "it could not be kept, or its Transaction UID is in use for other objects",
            ),
            (Status::NO_SUCH_SOP_INSTANCE, "another instance than the well-known one"),
            (
                Status::INVALID_ARGUMENT_VALUE,
                "no Transaction UID, no references, or one without class or instance",
            ),
            (Status::NO_SUCH_ACTION, "an action type other than 1"),
            (Status::NOT_AUTHORIZED, "the SCU role was not negotiated"),
            (Status::RESOURCE_LIMITATION, too_long.as_str()),
        ]
        .map(|(status, when)| [status.to_string(), when.to_owned()]),
    )
}

fn reasons() -> String {
    table(
        ["Failure Reason (0008,1197)", "when"],
        [
            (Reason::PROCESSING_FAILURE, "held, rejected or not delivered in time; the destination that was asked did not report on it"),
            (Reason::NO_SUCH_OBJECT, "no such object has come"),
            (Reason::CLASS_INSTANCE_CONFLICT, "it came under another SOP class"),
            (Reason::CLASS_NOT_SUPPORTED, "no class for storage"),
        ]
        .map(|(reason, when)| [reason.to_string(), when.to_owned()])
        .into_iter()
        .chain([["any other".to_owned(), "as the destination reported it".to_owned()]]),
    )
}

fn destinations(configuration: &Configuration) -> String {
    if configuration.destinations.is_empty() {
        return String::new();
    }
    let own = configuration.gate.aet.first().map(ToString::to_string).unwrap_or_default();
    let row = |destination: &Destination| {
        let title = match &destination.target {
            Target::Folder(_) => None,
            Target::Peer { call_as, .. } => {
                Some(call_as.otherwise.as_ref().map_or_else(|| own.clone(), ToString::to_string))
            }
        };
        let how = match (destination.commitment, title) {
            (Counts::Never, _) => "does not count".to_owned(),
            (_, None) => "has what is placed in it".to_owned(),
            (Counts::Delivered, Some(_)) => "its answer to C-STORE counts".to_owned(),
            (Counts::Offered, Some(title)) => {
                format!("is asked where it offers the service, as {title}")
            }
            (Counts::Required, Some(title)) => {
                format!("has to commit itself, and is asked as {title}")
            }
        };
        let how = if destination.verify {
            format!(
                "{how}; it is also asked about all that it gets, and what it lacks is sent again"
            )
        } else {
            how
        };
        [destination.name.clone(), how]
    };
    table(["destination", "for a commitment it"], configuration.destinations.iter().map(row))
}

fn sources(configuration: &Configuration) -> String {
    let row = |source: &crate::policy::admission::SourceRow| {
        let report = source.source.report.as_ref()?;
        let title = source.aet.as_ref().map_or_else(|| "any".to_owned(), ToString::to_string);
        let host = report.host.as_deref().unwrap_or("the address it called from");
        Some([title, format!("{host}, port {}", report.port)])
    };
    let rows: Vec<[String; 2]> = configuration.sources.iter().filter_map(row).collect();
    if rows.is_empty() {
        return "No source is configured to take reports on a new association.\n".to_owned();
    }
    format!("These take reports on a new association:\n\n{}", table(["source", "at"], rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commitment::Settings;

    #[test]
    fn it_says_whether_the_service_is_offered() {
        let mut configuration = Configuration::default();
        let text = commitment(&configuration);
        for wanted in
            ["| 0213 |", "| 0112 | no such object", "at most 24h", "No source is configured"]
        {
            assert!(text.contains(wanted), "{wanted} in\n{text}");
        }
        configuration.commitment = Settings { offer: false, ..Settings::default() };
        assert!(commitment(&configuration).contains("not offered"));
    }
}
