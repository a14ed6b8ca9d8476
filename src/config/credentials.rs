//! What a `[[source]]` has to show: the names of its certificate, and the user it must give.

use std::path::{Path, PathBuf};

use super::Secrets;
use super::decode::Table;
use super::mistake::{Fault, Mistake, quoted};
use super::model::Gate;
use super::sections::path;
use super::source::{PEM_LIMIT, openness, read_bytes};
use crate::dimse::tls::Clients;
use crate::policy::admission::{Passcode, RequiredIdentity};

const NAME: &str = "a name that the certificate bears (DNS, URI, IP or mail address, else its Common Name), or \"sha256:\" \
                    and 64 hexadecimal digits";

/// A name as a certificate bears it. Fingerprints may be written as openssl prints them.
fn certificate_name(text: &str) -> Option<String> {
    let Some(digits) = text.strip_prefix("sha256:") else {
        let good = !text.is_empty() && text.len() <= 253 && !text.contains(char::is_control);
        return (good && text.trim() == text).then(|| text.to_owned());
    };
    let digits = digits.replace(':', "").to_ascii_lowercase();
    let good = digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    good.then(|| format!("sha256:{digits}"))
}

/// What the keys are read against.
pub(super) struct Reader<'c> {
    pub base: &'c Path,
    pub gate: &'c Gate,
    pub secrets: Secrets,
}

impl Reader<'_> {
    /// The key `certificate`.
    pub(super) fn certificates(
        &self,
        table: &mut Table<'_>,
        warnings: &mut Vec<Mistake>,
    ) -> Vec<String> {
        let names = table.list("certificate", true, NAME, certificate_name).unwrap_or_default();
        let unasked = match &self.gate.tls {
            None => Some("there is no [gate.tls]"),
            Some(tls) if tls.client == Clients::None => Some("[gate.tls] asks for no certificate"),
            Some(_) => None,
        };
        if let (Some(why), false) = (unasked, names.is_empty()) {
            let wanted = "[gate.tls] with client = \"required\", or leave it out".to_owned();
            let found = format!("a certificate, and {why}: this source is never admitted");
            warnings.push(table.note("certificate", Fault::Unusable { found, wanted }));
        }
        names
    }

    /// The keys `user` and `passcode_file`.
    pub(super) fn identity(
        &self,
        table: &mut Table<'_>,
        warnings: &mut Vec<Mistake>,
    ) -> Option<RequiredIdentity> {
        const FILE: &str = "the path of a file with the passcode in it";
        let user = table.text("user");
        let file = table.parsed("passcode_file", FILE, |text| path(self.base, text));
        let passcode = file.and_then(|file| match self.secrets {
            Secrets::Read => passcode(table, file, FILE, warnings),
            Secrets::Leave => Some(Passcode::new(file, b"")),
        });
        if table.has("passcode_file") && !table.has("user") {
            let wanted = "the user name to which the passcode belongs";
            table.fault("user", Fault::Missing { wanted });
        }
        Some(RequiredIdentity { user: user?, passcode })
    }
}

fn passcode(
    table: &mut Table<'_>,
    file: PathBuf,
    wanted: &str,
    warnings: &mut Vec<Mistake>,
) -> Option<Passcode> {
    let text = match read_bytes(&file, PEM_LIMIT) {
        Ok(text) => text,
        Err(fault) => {
            table.fault("passcode_file", about(&file, &fault, wanted));
            return None;
        }
    };
    if let Some(mode) = openness(&file) {
        warnings.push(table.note("passcode_file", open_to_others(&file, mode)));
    }
    // Editors end the last line; no passcode does.
    let secret = text.strip_suffix(b"\n").unwrap_or(&text);
    let secret = secret.strip_suffix(b"\r").unwrap_or(secret);
    if secret.is_empty() {
        let (found, wanted) = (format!("{}, which is empty", shown(&file)), wanted.to_owned());
        table.fault("passcode_file", Fault::Unusable { found, wanted });
    }
    Some(Passcode::new(file, secret))
}

/// A file as a message names it.
pub(super) fn shown(file: &Path) -> String {
    quoted(&file.display().to_string())
}

/// What is wrong with a file that a key names.
pub(super) fn about(file: &Path, fault: &Fault, wanted: &str) -> Fault {
    Fault::Unusable {
        found: format!("{}: {}", shown(file), fault.found()),
        wanted: wanted.to_owned(),
    }
}

/// A file with a secret in it that is no secret.
pub(super) fn open_to_others(file: &Path, mode: u32) -> Fault {
    Fault::Unusable {
        found: format!("{} is open to others than its owner (mode {mode:04o})", shown(file)),
        wanted: "it mode 0600 (chmod 600)".to_owned(),
    }
}
