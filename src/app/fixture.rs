//! What the tests of the app share: a configuration, and objects in custody.

use std::path::Path;

use crate::base::limits::Limits;
use crate::base::time::Timestamp;
use crate::config::{self, Loaded};
use crate::dicom::ae_title::AeTitle;
use crate::dicom::transfer_syntax::TransferSyntax;
use crate::object::{Scan, scan_reader};
use crate::phantom::Specimen;
use crate::spool::{Envelope, Priority};

/// A gate before a folder, for the hospital of the phantoms and another; `dir` holds spool and folder.
pub(super) fn loaded(dir: &Path) -> Loaded {
    loaded_with(dir, "")
}

/// The same, with these tables besides.
pub(super) fn loaded_with(dir: &Path, tables: &str) -> Loaded {
    let text = r#"
        [gate]
        listen = "127.0.0.1:0"
        [spool]
        dir = "spool"
        reserve = "1MiB"
        [[destination]]
        name = "archive"
        folder = "received"
        [[source]]
        aet = "CT01"
        institution = "demo"
        [[source]]
        aet = "*"
        hosts = ["10.0.0.0/8"]
        institution = "other"
        [[institution]]
        id = "demo"
        name = "北京示范医院"
        aliases = ["Beijing Demonstration Hospital"]
        [[institution]]
        id = "other"
        name = "天津样例医院"
        [[item]]
        code = "CT-CHEST"
        name = "胸部CT"
        when = "dcm.Modality == 'CT'"
        scopes = ["BJHR", "JJJHR"]
        [[accreditation]]
        institution = "demo"
        items = ["CT-CHEST"]
        scope = "JJJHR"
        valid_from = 2026-04-01
        [rules.override."IMG-ENC-003"]
        off = true
    "#;
    let loaded = config::parse(&format!("{text}{tables}"), Path::new("test.toml"), dir);
    loaded.unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// Noon of a day on which the accreditation holds.
pub(super) fn noon() -> Timestamp {
    "2026-06-01T04:00:00Z".parse().expect("an instant")
}

/// What came of a specimen's data set on its way.
pub(super) fn scan(specimen: &Specimen) -> Scan {
    let syntax = TransferSyntax::of(specimen.transfer_syntax().as_str());
    scan_reader(specimen.data_set().as_slice(), syntax, Limits::default()).expect("bytes in memory")
}

/// How a specimen came from CT01.
pub(super) fn envelope(specimen: &Specimen, received: Timestamp) -> Envelope {
    let title = |title| AeTitle::parse(title).expect("a title");
    Envelope {
        calling_ae: title("CT01"),
        called_ae: title("MARKGATE"),
        peer: "127.0.0.1".parse().expect("an address"),
        certificate: None,
        transfer_syntax: specimen.transfer_syntax(),
        sop_class: specimen.sop_class(),
        sop_instance: specimen.sop_instance(),
        message_id: 1,
        priority: Priority::Medium,
        received,
    }
}
