//! The DICOM Conformance Statement (PS3.2) of a configuration, as Markdown.
//!
//! A function of the configuration and of what the program is built to do: the tables come from the very constants that the
//! network code uses, so the statement cannot fall behind it. It names no patient and no user.

mod commitment;
mod drawn;

use std::fmt::Write as _;
use std::path::Path;

use crate::base::units::{format_duration, format_size};
use crate::config::{Configuration, Destination, Target};
use crate::dicom::IMPLEMENTATION_CLASS_UID;
use crate::dicom::ae_title::CallAs;
use crate::dicom::sop_class::{STORAGE_CLASSES, VERIFICATION, name};
use crate::dicom::status::Status;
use crate::dicom::transfer_syntax::{LISTED, PixelCoding};
use crate::dimse::tls::Clients;
use crate::dimse::{
    APPLICATION_CONTEXT, DEFAULT_MAX_PDU, IMPLEMENTATION_VERSION_NAME, MAX_CONTEXTS, Timers,
};
use crate::policy::admission::{RequiredIdentity, SourceRow};
use crate::policy::disposition::Unparsable;
use crate::stamp::{CREATOR, CharsetPolicy, GROUP, StampMode};

/// The statement.
pub(super) fn statement(configuration: &Configuration, timers: &Timers) -> String {
    let parts = [
        overview(),
        model(configuration),
        associations(configuration, timers),
        storage_scp(configuration),
        storage_scu(configuration),
        commitment::commitment(configuration),
        changes(configuration),
        sop_classes(),
        transfer_syntaxes(),
        character_sets(configuration),
        security(configuration),
        private_attributes(),
    ];
    parts.join("\n")
}

/// A table; vertical bars in cells are escaped.
fn table<const N: usize>(
    heading: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let cell = |text: &String| text.replace('|', "\\|").replace('\n', " ");
    let mut text = line(&heading.map(str::to_owned));
    text.push_str(&line(&[(); N].map(|()| "---".to_owned())));
    for row in rows {
        text.push_str(&line(&row.each_ref().map(cell)));
    }
    text
}

/// A table of fixed texts.
fn fixed<const N: usize>(heading: [&str; N], rows: &[[&str; N]]) -> String {
    table(heading, rows.iter().map(|row| row.map(str::to_owned)))
}

fn overview() -> String {
    let services = fixed(
        ["network service", "SCU", "SCP"],
        &[
            ["Verification", "yes", "yes"],
            ["Storage: the classes of 3.7, retired, private and unknown ones", "yes", "yes"],
            ["Storage Commitment Push Model", "to destinations that offer it", "yes"],
            ["Modality Worklist, Modality Performed Procedure Step, Query/Retrieve", "no", "no"],
        ],
    );
    format!(
        "# DICOM Conformance Statement\n\n\
         markgate {version}, as configured. It follows the outline of PS3.2.\n\n\
         ## 1 Overview\n\n\
         markgate is a store-and-forward gate. It receives composite objects, decides whether they bear a mark of mutual \
         recognition (DB11/T 2505-2025), and sends them on.\n\n{services}\n\
         Media services are not supported.\n\n\
         ## 2 Introduction\n\n\
         For those who put the gate between a modality and a PACS. Conformance does not by itself guarantee that two products \
         work together; the integration is tested on site.\n",
        version = env!("CARGO_PKG_VERSION"),
    )
}

fn model(configuration: &Configuration) -> String {
    let titles = titles(configuration);
    let listen = configuration.gate.listen;
    let retention = format_duration(configuration.spool.retention);
    let destinations = if configuration.destinations.is_empty() {
        "No destination is configured.\n".to_owned()
    } else {
        table(
            ["destination", "kind", "called AE title", "address", "calling AE title"],
            configuration.destinations.iter().map(destination),
        )
    };
    let is_relayed = configuration.routes.iter().any(|route| route.ack.relay().is_some());
    let relayed = match is_relayed {
        true => {
            "Objects of routes with `ack = \"delivered\"` are relayed while they arrive, over an association that is opened with the \
             modality's, and answered as the route's first destination answers.\n\n"
        }
        false => "",
    };
    format!(
        "## 3 Networking\n\n### 3.1 Implementation model\n\n\
         One application entity, {titles}, accepts associations on {listen} and requests associations towards each destination. A \
         received object is stored durably, judged, and forwarded to the destinations of its route, or held until a person \
         releases or rejects it. The original is kept for {retention} after its last delivery.\n\n\
         {relayed}Delivery is at least once: when a connection ends before the answer, the same bytes are sent again under the same SOP \
         Instance UID. The order of objects within a series is kept.\n\n{destinations}"
    )
}

fn titles(configuration: &Configuration) -> String {
    let titles: Vec<String> =
        configuration.gate.aet.iter().map(|title| format!("`{title}`")).collect();
    titles.join(", ")
}

fn calling(call_as: &CallAs) -> String {
    let mut titles: Vec<String> =
        call_as.mapped.iter().map(|(modality, title)| format!("{title} for {modality}")).collect();
    titles.push(match &call_as.otherwise {
        None => "that of the sender".to_owned(),
        Some(title) => title.to_string(),
    });
    titles.join(", ")
}

fn destination(destination: &Destination) -> [String; 5] {
    let none = || "—".to_owned();
    match &destination.target {
        Target::Peer { aet, host, port, call_as, tls } => [
            destination.name.clone(),
            if tls.is_some() { "DICOM with TLS" } else { "DICOM" }.to_owned(),
            aet.to_string(),
            format!("{host}:{port}"),
            calling(call_as),
        ],
        Target::Folder(folder) => {
            [destination.name.clone(), "folder".to_owned(), none(), last(folder), none()]
        }
    }
}

/// The last part of a path: where the rest lies is nobody's business outside.
fn last(folder: &Path) -> String {
    folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned()
}

fn associations(configuration: &Configuration, timers: &Timers) -> String {
    let limits = &configuration.limits;
    let incoming = limits.timers();
    let policies = [
        ("application context", APPLICATION_CONTEXT.to_owned()),
        ("implementation class UID", IMPLEMENTATION_CLASS_UID.to_owned()),
        ("implementation version name", IMPLEMENTATION_VERSION_NAME.to_owned()),
        ("longest P-DATA-TF received", format_size(u64::from(DEFAULT_MAX_PDU))),
        ("longest P-DATA-TF sent", "what the receiver takes, up to the same".to_owned()),
        ("presentation contexts", format!("up to {MAX_CONTEXTS}")),
        ("asynchronous operations window", "1/1, answered when proposed".to_owned()),
        ("associations at a time", limits.associations.to_string()),
        ("associations at a time from one address", limits.associations_per_peer.to_string()),
        ("associations at a time to one destination", "1".to_owned()),
    ];
    let policies = table(
        ["property", "value"],
        policies.map(|(property, value)| [property.to_owned(), value]),
    );
    let waits = [
        ("association request, and closing (ARTIM)", incoming.artim),
        ("next message on an open association", incoming.idle),
        ("a byte within a message", incoming.stall),
        ("connection to a destination", timers.connect),
        ("a destination's answer to an association request", timers.association),
        ("a destination's C-STORE response", timers.response),
        ("a destination's release response", timers.release),
    ];
    let waits = table(
        ["waits at most for", "time"],
        waits.map(|(what, time)| [what.to_owned(), format_duration(time)]),
    );
    let rejections = fixed(
        ["result, source, reason", "when"],
        &[
            ["1 1 2", "the application context is not DICOM's"],
            ["1 1 1", "a user identity is asked of the caller, and is missing or wrong"],
            [
                "1 1 3",
                "the calling AE title is unknown, or calls from an address or with a certificate it may not call with",
            ],
            ["1 1 7", "the called AE title is not one of the gate's"],
            ["1 2 2", "the protocol version is not supported"],
            ["2 3 1", "the spool cannot take objects, or the gate is starting or stopping"],
            ["2 3 2", "as many associations are open as may be, or there is no memory for another"],
        ],
    );
    let sources = sources(&configuration.sources);
    format!(
        "### 3.2 Associations\n\n{policies}\n{waits}\n\
         A peer that sends fewer than {rate} bytes a second, on average over a message, is cut off after {grace}.\n\n\
         {sources}\n\
         An association is rejected:\n\n{rejections}\n\
         A presentation context is accepted when a destination that may get the object takes it, or it can be converted to what \
         one takes, or nothing is known of the destination yet. Otherwise its result is 3 (abstract syntax) or 4 (transfer \
         syntaxes). Of several transfer syntaxes one is chosen that a destination takes as it comes, in the order of the proposal. \
         SCP/SCU role selection grants the SCU role, and for Storage Commitment the SCP role. Extended negotiation is not used. A rejection of reason 1, 3 or 7 by the \
         service user is delayed by a second; beyond 64 such callers at a time connections are closed without an answer.\n",
        rate = incoming.minimum_rate,
        grace = format_duration(incoming.grace),
    )
}

fn sources(sources: &[SourceRow]) -> String {
    if sources.is_empty() {
        return "Any calling AE title is admitted from the gate's own machine, none from elsewhere.\n"
            .to_owned();
    }
    let row = |row: &SourceRow| {
        let hosts: Vec<String> = row.hosts.iter().map(ToString::to_string).collect();
        let title = row.aet.as_ref().map_or_else(|| "any".to_owned(), ToString::to_string);
        let certificate = match row.certificates.as_slice() {
            [] => "—".to_owned(),
            names => names.join(", "),
        };
        let identity = match &row.identity {
            None => "—",
            Some(RequiredIdentity { passcode: None, .. }) => "user name",
            Some(RequiredIdentity { passcode: Some(_), .. }) => "user name and passcode",
        };
        [title, hosts.join(", "), certificate, identity.to_owned()]
    };
    let heading = ["calling AE title", "from", "with a certificate for", "user identity"];
    let rows = table(heading, sources.iter().map(row));
    format!("These callers are admitted; the first that fits counts:\n\n{rows}")
}

fn storage_scp(configuration: &Configuration) -> String {
    let gate = &configuration.gate;
    let durable = "the object is stored durably, whatever will be decided about it";
    let unparsable = match gate.unparsable {
        Unparsable::Hold => {
            "An object that came complete and cannot be walked is stored, and held for a person."
        }
        Unparsable::Forward => {
            "An object that came complete and cannot be walked is stored, and forwarded as it is."
        }
        Unparsable::Refuse => {
            "An object that came complete and cannot be walked is refused with C000."
        }
    };
    let reserve = format_size(configuration.spool.reserve);
    let full = format!(
        "fewer than {reserve} are free, or the disk does not confirm writes; nothing was kept"
    );
    let mut statuses = vec![(Status::SUCCESS, durable)];
    if gate.coerced_status != Status::SUCCESS {
        statuses.push((
            gate.coerced_status,
            "the same, and it is known that the object will be changed",
        ));
    }
    statuses.extend([
        (Status::OUT_OF_RESOURCES, full.as_str()),
        (Status::SOP_CLASS_MISMATCH, "the SOP class of the data set is not the command's"),
        (Status::CANNOT_UNDERSTAND, "the data set was cut off, or does not end where it says"),
        (Status::SOP_INSTANCE_MISMATCH, "the SOP instance of the data set is not the command's"),
        (Status::PROCESSING_FAILURE, "a fault of the gate; nothing was kept"),
        (Status::NOT_AUTHORIZED, "the sender did not negotiate the SCU role"),
        (
            Status::UNRECOGNIZED_OPERATION,
            "an operation other than C-STORE, C-ECHO and those of Storage Commitment",
        ),
        (Status::MISTYPED_ARGUMENT, "the command lacks a mandatory element"),
    ]);
    let statuses = table(
        ["status", "when"],
        statuses.into_iter().map(|(status, when)| [status.to_string(), when.to_owned()]),
    );
    format!(
        "### 3.3 C-STORE as SCP\n\n{statuses}\n{unparsable} The data set is kept as received (level 2, full). Elements that are \
         private, of odd length or of the wrong VR are no reason for refusal. C-ECHO is answered {}.\n",
        Status::SUCCESS,
    )
}

fn storage_scu(configuration: &Configuration) -> String {
    let answers = fixed(
        ["status of the destination", "what follows"],
        &[
            ["0000", "delivered"],
            ["0111, Bxxx", "delivered, with a warning that is recorded"],
            [
                "A7xx, 0110, 0213, 0210; no answer, A-ABORT, A-ASSOCIATE-RJ with result 2",
                "the same object again, after 1 s and then up to 5 min, without end",
            ],
            [
                "A9xx, Cxxx, 0117, 0122, 0124, any other; no presentation context",
                "tried three times within a quarter of an hour, then held for a person; other objects go on",
            ],
            [
                "A-ASSOCIATE-RJ with result 1",
                "the destination is shown as misconfigured; tried again as above, nothing is dropped",
            ],
        ],
    );
    let peers =
        configuration.destinations.iter().filter_map(|destination| match &destination.target {
            Target::Peer { aet, .. } => Some(format!("`{aet}`")),
            Target::Folder(_) => None,
        });
    let peers: Vec<String> = peers.collect();
    let peers = if peers.is_empty() {
        "No DICOM destination is configured.".to_owned()
    } else {
        format!("Objects are sent to {}.", peers.join(", "))
    };
    format!(
        "### 3.4 C-STORE as SCU\n\n{peers} An object is sent in the transfer syntax in which it came when the destination accepts \
         it; otherwise uncompressed ones in Explicit or Implicit VR Little Endian. Compressed objects that the destination does \
         not accept are held. Verification is used on demand of a person (`markgate peer echo`).\n\n{answers}"
    )
}

fn changes(configuration: &Configuration) -> String {
    let mark = &configuration.mark;
    let strip = if mark.policy.strip_stale {
        ", save for a mark of the institution's own that is no longer due, or a legacy one, which is taken off (0008,0080)"
    } else {
        ""
    };
    let extended = match mark.charset {
        CharsetPolicy::Extend => {
            "a code extension is added when the name could not be encoded otherwise; all other text keeps its bytes and meaning"
        }
        CharsetPolicy::Latin => "never: the institution's Latin name is written instead",
        CharsetPolicy::Gb18030 => {
            "GB18030 with all text written anew, when the name could not be encoded otherwise"
        }
        CharsetPolicy::Utf8 => {
            "ISO_IR 192 with all text written anew, when the name could not be encoded otherwise"
        }
    };
    let name = format!("the institution's name, `{}` and the mark", mark.policy.separator);
    let attributes = table(
        ["attribute", "change"],
        [
            ["(0008,0080) Institution Name", name.as_str()],
            [
                "(0400,0561) Original Attributes Sequence",
                "one item appended, with the values before",
            ],
            ["(0018,A001) Contributing Equipment Sequence", "one item appended"],
            ["(0077,xx00) to (0077,xxFF)", "the private block of 6"],
            ["(0008,0005) Specific Character Set", extended],
        ]
        .map(|row| row.map(str::to_owned)),
    );
    let modes: Vec<&str> = drawn::modes(configuration).into_iter().map(StampMode::as_str).collect();
    format!(
        "### 3.6 Attributes that are changed\n\n\
         An unmarked object is sent byte for byte as it came{strip}. In a marked object these differ and nothing else:\n\n\
         {attributes}\n\
         (0008,0080) differs in mode `tag` alone. Group lengths follow where they are present. Objects with digital signatures are \
         never changed. Modes of marking asked for: {}.\n\n{}",
        modes.join(", "),
        drawn::pixels(configuration),
    )
}

fn sop_classes() -> String {
    let role =
        |uid: &str| [name(uid).to_owned(), uid.to_owned(), "yes".to_owned(), "yes".to_owned()];
    let rows = std::iter::once(VERIFICATION).chain(STORAGE_CLASSES.iter().copied()).map(role);
    format!(
        "### 3.7 SOP classes\n\n{}\n\
         Storage classes that are not in this list (retired, private, unknown) are taken and sent alike. Classes of other services \
         are refused (result 3).\n",
        table(["SOP class", "UID", "SCU", "SCP"], rows),
    )
}

fn transfer_syntaxes() -> String {
    let way = |pixels: PixelCoding| match pixels {
        PixelCoding::Native => "as it came, or in another uncompressed syntax",
        PixelCoding::Lossless
        | PixelCoding::MaybeLossy
        | PixelCoding::Lossy
        | PixelCoding::Unknown => "as it came",
    };
    let rows =
        LISTED.iter().map(|(uid, name, pixels)| [*name, *uid, way(*pixels)].map(str::to_owned));
    format!(
        "### 3.8 Transfer syntaxes\n\n{}\n\
         Other transfer syntaxes, private ones included, are carried on as encapsulated ones (PS3.5 §A.4).\n",
        table(["transfer syntax", "UID", "sent on"], rows),
    )
}

fn character_sets(configuration: &Configuration) -> String {
    let mut text = "## 4 Character sets\n\n\
         ISO_IR 6, 13, 100, 101, 109, 110, 126, 127, 138, 144, 148, 166, 192 and 203; GB18030, GBK; ISO 2022 code extensions with \
         these and with ISO-IR 58, 87, 149 and 159. Objects in other character sets are forwarded as they are.\n"
        .to_owned();
    for row in &configuration.sources {
        if let Some(charset) = &row.source.charset {
            let title = row.aet.as_ref().map_or("any caller", |title| title.as_str());
            // Writing to a String does not fail.
            let written = writeln!(
                text,
                "\nText from {title} is read as `{}`, whatever it declares; its bytes stay.",
                charset.declaration()
            );
            debug_assert!(written.is_ok());
        }
    }
    text
}

fn security(configuration: &Configuration) -> String {
    let profiles = fixed(
        ["profile (PS3.15)", "supported"],
        &[
            ["B.12 BCP 195 RFC 8996, 9325 TLS Secure Transport Connection Profile", "yes"],
            ["B.13 Modified BCP 195 RFC 8996, 9325 TLS Secure Transport Connection Profile", "no"],
            ["B.1 to B.11 (retired, or of older versions of TLS)", "no"],
        ],
    );
    let port = match &configuration.gate.tls {
        None => "No port with TLS is configured.".to_owned(),
        Some(tls) => {
            let client = match tls.client {
                Clients::Required => "A certificate is required of the caller.",
                Clients::Optional => {
                    "A caller may show a certificate, which has to be a good one then."
                }
                Clients::None => "No certificate is asked of the caller.",
            };
            format!("Associations with TLS are accepted on {}. {client}", tls.listen)
        }
    };
    let called = configuration.destinations.iter().filter_map(|one| match &one.target {
        Target::Peer { tls: Some(tls), .. } => Some(format!(
            "{} (as `{}`, {} a certificate of the gate's)",
            one.name,
            tls.server_name,
            if tls.identity.is_some() { "with" } else { "without" },
        )),
        Target::Peer { tls: None, .. } | Target::Folder(_) => None,
    });
    let called: Vec<String> = called.collect();
    let called = match called.as_slice() {
        [] => "No destination is called with TLS.".to_owned(),
        some => format!("These destinations are called with TLS: {}.", some.join(", ")),
    };
    format!(
        "## 5 Security\n\n{profiles}\n\
         TLS 1.2 and 1.3 are offered and accepted, nothing older. Cipher suites: TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, \
         TLS_CHACHA20_POLY1305_SHA256; with TLS 1.2 ECDHE with ECDSA or RSA, and AES-128-GCM, AES-256-GCM or ChaCha20-Poly1305. Key \
         agreement by X25519, P-256 or P-384; RSA keys have 2048 bits or more. B.13 is not supported: it wants cipher suites (CCM, \
         CCM_8, Camellia) that the cryptography in use leaves out. Sessions are not resumed and connections not renegotiated. A \
         handshake has to end within ARTIM.\n\n\
         {port} {called} A certificate has to lead to a configured trust anchor, to be within its dates and in no configured \
         revocation list; a destination's has to bear the name called in its Subject Alternative Name. Certificates, keys, trust \
         anchors and revocation lists are read at the start and on reload.\n\n\
         Callers are told apart by AE title and network address and, where configured, by the names of their certificate \
         (Subject Alternative Name, or the subject's Common Name where there is none, or fingerprint) and by user identity (PS3.7 \
         §D.3.3.7, types 1 and 2; a positive response is given when asked for, types 3 to 5 are not taken). The gate writes no \
         patient data to its logs.\n"
    )
}

fn private_attributes() -> String {
    let elements = fixed(
        ["element", "VR", "content"],
        &[
            ["xx01", "CS", "mark; empty where one was taken off"],
            ["xx02", "LO", "scope"],
            ["xx03", "LO", "item codes"],
            ["xx04", "LO", "accreditation"],
            ["xx05", "DA", "last day of the accreditation"],
            ["xx06", "CS", "decision: MARK or NONE"],
            ["xx07", "LO", "hash of the rule set"],
            ["xx08", "DT", "when it was decided"],
            [
                "xx09",
                "CS",
                "how the mark is shown: BURN_IN, STRIP, OVERLAY, PRESENTATION_STATE, TAG",
            ],
        ],
    );
    format!(
        "## 6 Private attributes\n\nPrivate creator `{CREATOR}`, group {GROUP:04X}:\n\n{elements}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
        [gate]
        aet = ["MARKGATE", "GATE2"]
        listen = "127.0.0.1:4444"
        unparsable = "refuse"
        coerced_status = "B000"
        [spool]
        dir = "/srv/secret/spool"
        reserve = "3GiB"
        retention = "24h"
        [[destination]]
        name = "pacs"
        aet = "PACS1"
        host = "10.0.0.9"
        port = 11113
        calling_aet = "keep"
        [[destination]]
        name = "archive"
        folder = "/srv/secret/received"
        [[source]]
        aet = "CT01"
        hosts = ["10.1.0.0/16"]
        charset = "GBK"
        report_port = 105
        [mark]
        separator = "_"
        charset = "latin"
        strip_stale = false
    "#;

    fn stated(text: &str) -> String {
        let loaded = crate::config::parse(text, Path::new("test.toml"), Path::new("/"));
        let loaded = loaded.unwrap_or_else(|mistakes| panic!("{mistakes}"));
        statement(&loaded.configuration, &Timers::default())
    }

    #[test]
    fn it_says_what_the_configuration_says() {
        let text = stated(TEXT);
        for wanted in [
            "`MARKGATE`, `GATE2`, accepts associations on 127.0.0.1:4444",
            "| pacs | DICOM | PACS1 | 10.0.0.9:11113 | that of the sender |",
            "| archive | folder | — | received | — |",
            "| CT01 | 10.1.0.0/16 | — | — |",
            "Text from CT01 is read as `GBK`",
            "| B000 | the same, and it is known",
            "fewer than 3GiB are free",
            "kept for 24h after",
            "is refused with C000",
            "the institution's name, `_` and the mark",
            "never: the institution's Latin name",
            "| longest P-DATA-TF received | 128KiB |",
            "Objects are sent to `PACS1`.",
            "| pacs | is asked where it offers the service, as MARKGATE |",
            "| archive | has what is placed in it |",
            "| CT01 | the address it called from, port 105 |",
        ] {
            assert!(text.contains(wanted), "{wanted} in\n{text}");
        }
        assert!(!text.contains("secret"), "{text}");
        assert!(!text.contains("is taken off (0008,0080)"), "{text}");
    }

    #[test]
    fn it_says_what_holds_where_nothing_is_configured() {
        let text = statement(&Configuration::default(), &Timers::default());
        for wanted in [
            "Any calling AE title is admitted from the gate's own machine",
            "No DICOM destination is configured.",
            "| 0000 | the object is stored durably",
            "no longer due",
            "Private creator `MARKGATE 1.0`, group 0077",
            "No port with TLS is configured. No destination is called with TLS.",
            "Delivery is at least once",
        ] {
            assert!(text.contains(wanted), "{wanted} in\n{text}");
        }
    }

    #[test]
    fn every_class_and_syntax_is_listed() {
        let text = statement(&Configuration::default(), &Timers::default());
        for uid in STORAGE_CLASSES {
            assert!(text.contains(&format!("| {uid} | yes | yes |")), "{uid}");
        }
        for (uid, name, _) in LISTED {
            assert!(text.contains(&format!("| {name} | {uid} |")), "{uid}");
        }
    }

    #[test]
    fn tables_keep_their_shape_whatever_is_in_them() {
        let text = stated(TEXT);
        let mut columns = None;
        for line in text.lines() {
            let bars = line.replace("\\|", "").matches('|').count();
            if !line.starts_with('|') {
                columns = None;
            } else {
                assert_eq!(*columns.get_or_insert(bars), bars, "{line}");
            }
        }
        assert_eq!(table(["a"], [["x|y\nz".to_owned()]]), "| a |\n| --- |\n| x\\|y z |\n");
    }
}
