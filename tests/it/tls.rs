//! Associations over TLS in both directions: who is let in, who is refused and for what, and what a reload changes.

use crate::support::certificates::{Authority, Issued, Order};
use crate::support::dataset::Object;
use crate::support::eventually::{SOON, eventually, until};
use crate::support::figure::figure;
use crate::support::gate::{Configuration, Gate};
use crate::support::peers::{self, Storescp};
use crate::support::sender::{Refusal, Sender};
use crate::support::sink::Sink;
use crate::support::tunnel::Tunnel;
use crate::support::wire::{CT_IMAGE, Context, EXPLICIT_LE, IMPLICIT_LE, VERIFICATION};
use crate::support::{http, ports, process};
use rustls::version::{TLS12, TLS13};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

/// The name by which the gate knows CT01.
const CT01: &str = "ct01.hospital.example";

/// A gate with a port for TLS, laid out and not started.
struct Secure {
    gate: Gate,
    port: u16,
    authority: Authority,
}

impl Secure {
    fn lay(configuration: &Configuration) -> Self {
        let port = ports::free();
        let authority = Authority::new("hospital");
        let section = format!(
            "[gate.tls]\nlisten = \"127.0.0.1:{port}\"\ncertificate = \"gate.pem\"\nkey = \"gate.key\"\n\
             trust = \"trust.pem\"\ncrl = \"crl.pem\"\n"
        );
        let gate = Gate::lay(&configuration.clone().section(&section));
        let secure = Self { gate, port, authority };
        secure.put("trust.pem", &secure.authority.certificate);
        secure.put("crl.pem", &secure.authority.revoke(&[]));
        secure.put_pair("gate", &own(&secure.authority));
        secure
    }

    fn put(&self, name: &str, text: &str) -> PathBuf {
        let file = self.gate.folder().join(name);
        std::fs::write(&file, text).expect("a folder of ours");
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).expect("a file of ours");
        file
    }

    fn put_pair(&self, name: &str, issued: &Issued) -> (PathBuf, PathBuf) {
        let key = self.put(&format!("{name}.key"), &issued.key);
        (key, self.put(&format!("{name}.pem"), &issued.certificate))
    }

    fn modality(&self) -> Issued {
        self.authority.issue(Order { common_name: "CT01", names: &[CT01], expired: false })
    }

    /// Connections that ended for this cause.
    fn failures(&self, cause: &str) -> usize {
        let page = http::get(self.gate.console(), "/metrics").expect("the gate answers").body;
        let page = String::from_utf8(page).expect("text");
        let wanted = format!("markgate_tls_failures_total{{outcome=\"{cause}\"}} ");
        let line = page.lines().find_map(|line| line.strip_prefix(&wanted));
        line.map_or(0, |count| count.parse().expect("a number"))
    }
}

/// The gate's own certificate.
fn own(authority: &Authority) -> Issued {
    authority.issue(Order { common_name: "gate", names: &["127.0.0.1"], expired: false })
}

fn source(names: &str) -> String {
    format!("[[source]]\naet = \"CT01\"\ncertificate = {names}\n")
}

fn ask(port: u16) -> Result<Sender, Refusal> {
    let verification = [Context::proposed(1, VERIFICATION, &[IMPLICIT_LE])];
    Sender::connect(port, "CT01", "MARKGATE", &verification)
}

#[track_caller]
fn store(port: u16, number: u32) {
    let object = Object::chest_ct(700, number);
    let mut sender = Sender::for_one(port, CT_IMAGE, EXPLICIT_LE);
    let answer = sender.store(CT_IMAGE, &object.instance, &object.data());
    assert_eq!(answer.map(|answer| answer.status), Some(0));
    assert!(sender.release());
}

/// What OpenSSL's client says when it offers nothing but this version.
fn old_client(port: u16, version: &str) -> bool {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-connect", &format!("127.0.0.1:{port}"), version]);
    // Without this OpenSSL itself refuses what is so old.
    command.args(["-cipher", "ALL@SECLEVEL=0"]);
    process::run(command).status.success()
}

#[test]
fn tls_matrix() {
    let sink = Sink::up();
    let mut secure =
        Secure::lay(&Configuration::new().section(&source(&format!("{CT01:?}"))).pacs(&sink));
    let other = Authority::new("elsewhere");
    let order = Order { common_name: "CT01", names: &[CT01], expired: false };
    let (good, revoked) = (secure.modality(), secure.modality());
    secure.put("crl.pem", &secure.authority.revoke(&[&revoked]));
    let expired = secure.authority.issue(Order { expired: true, ..order });
    let another = secure.authority.issue(Order { names: &["ct02.hospital.example"], ..order });
    let foreign = other.issue(order);
    secure.gate.restart();
    let trusted = secure.authority.certificate.clone();
    let tunnel = |version, shown| Tunnel::to(secure.port, version, &trusted, shown);

    for (number, version) in [(1, &TLS12), (2, &TLS13)] {
        store(tunnel(version, Some(&good)).port(), number);
    }
    let mut refused = 0;
    for version in [&TLS12, &TLS13] {
        for (cause, shown) in [
            ("no_certificate", None),
            ("unknown_issuer", Some(&foreign)),
            ("expired", Some(&expired)),
            ("revoked", Some(&revoked)),
        ] {
            let before = secure.failures(cause);
            let asked = ask(tunnel(version, shown).port()).map(|_| ());
            assert_eq!(asked, Err(Refusal::Closed), "{cause} {version:?}");
            until(cause, || secure.failures(cause) == before + 1);
            refused += 1;
        }
        let stranger = Refusal::Rejected { result: 1, source: 1, reason: 3 };
        let asked = ask(tunnel(version, Some(&another)).port()).map(|_| ());
        assert_eq!(asked, Err(stranger), "the certificate of another modality");
        refused += 1;
    }
    for version in ["-tls1", "-tls1_1"] {
        let before = secure.failures("version");
        assert!(!old_client(secure.port, version), "{version}");
        until(version, || secure.failures("version") == before + 1);
        refused += 1;
    }
    assert_eq!(ask(secure.port).map(|_| ()), Err(Refusal::Closed), "DICOM on the port with TLS");
    let stranger = Refusal::Rejected { result: 1, source: 1, reason: 3 };
    assert_eq!(ask(secure.gate.port()).map(|_| ()), Err(stranger), "a source with a certificate");
    refused += 2;
    assert_eq!(sink.wait_for(2).len(), 2);
    assert!(secure.gate.log().contains("the peer shows no certificate"), "{}", secure.gate.log());
    figure(
        "R13",
        "tls_matrix",
        format_args!("{refused} refused, each by its cause; TLS 1.2 and 1.3 let in"),
    );
}

#[test]
fn a_reload_swaps_certificates_and_cuts_nobody_off() {
    let sink = Sink::up();
    let mut secure =
        Secure::lay(&Configuration::new().section(&source(&format!("{CT01:?}"))).pacs(&sink));
    secure.gate.restart();
    let good = secure.modality();
    let tunnel = |authority: &str| Tunnel::to(secure.port, &TLS13, authority, Some(&good));
    let old = tunnel(&secure.authority.certificate);
    let mut open = ask(old.port()).expect("let in");
    assert_eq!(open.echo(), Some(0));

    let successor = Authority::new("successor");
    secure.put_pair("gate", &own(&successor));
    secure.gate.reload();
    let new = tunnel(&successor.certificate);
    eventually("the new certificate is in force", SOON, || ask(new.port()).ok());
    assert_eq!(open.echo(), Some(0), "the open association goes on");
    assert!(
        ask(old.port()).is_err(),
        "who trusts the old authority alone does not trust the new one"
    );

    secure.put("gate.key", &own(&successor).key);
    secure.gate.reload();
    until("the reload is refused", || {
        secure.gate.log().contains("does not belong to the certificate")
    });
    assert!(ask(new.port()).is_ok(), "what was in force stays so");

    secure.put_pair("gate", &own(&successor));
    secure.put("crl.pem", &secure.authority.revoke(&[&good]));
    secure.gate.reload();
    eventually("a revoked modality is refused", SOON, || ask(new.port()).is_err().then_some(()));
    assert_eq!(open.echo(), Some(0));
    assert!(open.release());
}

/// A gate whose PACS speaks TLS and trusts the hospital.
fn towards(tls: &str, issuer: impl Fn(&Secure) -> Issued) -> (Secure, Sink, Tunnel) {
    let sink = Sink::up();
    let authority = Authority::new("hospital");
    let placeholder = Configuration::new();
    let mut secure = Secure::lay(&placeholder);
    secure.authority = authority;
    let tunnel = Tunnel::before(sink.port(), &issuer(&secure), &secure.authority.certificate);
    let configuration = Configuration::new().destination("pacs", tunnel.port()).section(&format!(
        "[destination.tls]\ncertificate = \"gate.pem\"\nkey = \"gate.key\"\n{tls}"
    ));
    secure.gate.configure(&configuration);
    secure.put_pair("gate", &own(&secure.authority));
    secure.put("pacs-trust.pem", &secure.authority.certificate);
    (secure, sink, tunnel)
}

fn pacs_certificate(secure: &Secure) -> Issued {
    secure.authority.issue(Order { common_name: "pacs", names: &["127.0.0.1"], expired: false })
}

fn is_misconfigured(gate: &Gate) -> bool {
    gate.list(&["peer", "ls"]).iter().any(|peer| peer["state"] == "misconfigured")
}

#[test]
fn a_destination_of_another_authority_gets_nothing_and_loses_nothing() {
    let (mut secure, sink, _tunnel) = towards("trust = \"pacs-trust.pem\"\n", pacs_certificate);
    secure.put("pacs-trust.pem", &Authority::new("elsewhere").certificate);
    secure.gate.restart();
    store(secure.gate.port(), 10);
    until("the destination is shown as misconfigured", || is_misconfigured(&secure.gate));
    assert_eq!(sink.received().len(), 0);
    secure.put("pacs-trust.pem", &secure.authority.certificate);
    secure.gate.reload();
    until("reloaded", || secure.gate.log().contains("configuration reloaded"));
    secure.gate.done(&["queue", "flush"]);
    assert_eq!(sink.wait_for(1).len(), 1);
}

#[test]
fn a_destination_with_another_name_gets_nothing_and_loses_nothing() {
    let tls = "trust = \"pacs-trust.pem\"\nserver_name = \"pacs.hospital.example\"\n";
    let (mut secure, sink, tunnel) = towards(tls, pacs_certificate);
    secure.gate.restart();
    store(secure.gate.port(), 11);
    until("the destination is shown as misconfigured", || is_misconfigured(&secure.gate));
    let peers = secure.gate.done(&["peer", "ls"]);
    assert!(peers.contains("not for pacs.hospital.example"), "{peers}");
    assert_eq!(sink.received().len(), 0);
    secure.gate.terminate();
    secure.gate.end();
    secure.gate.configure(&Configuration::new().destination("pacs", tunnel.port()).section(
        "[destination.tls]\ntrust = \"pacs-trust.pem\"\ncertificate = \"gate.pem\"\nkey = \"gate.key\"\n",
    ));
    secure.gate.restart();
    assert_eq!(sink.wait_for(1).len(), 1);
}

#[test]
fn dcmtk_speaks_tls_with_the_gate_on_both_sides() {
    let mut secure = Secure::lay(&Configuration::new());
    let (pacs_key, pacs) = secure.put_pair("pacs", &pacs_certificate(&secure));
    let (ct_key, ct) = secure.put_pair("ct", &secure.modality());
    let trust = secure.gate.folder().join("trust.pem");
    let path = |file: &PathBuf| file.to_str().expect("text").to_owned();
    let storescp =
        Storescp::start_with(&["+tls", &path(&pacs_key), &path(&pacs), "+cf", &path(&trust)]);
    let port = secure.port;
    secure.gate.configure(
        &Configuration::new()
            .section(&source(&format!("[{CT01:?}]")))
            .section(&format!(
                "[gate.tls]\nlisten = \"127.0.0.1:{port}\"\ncertificate = \"gate.pem\"\nkey = \"gate.key\"\n\
                 trust = \"trust.pem\"\n"
            ))
            .destination("pacs", storescp.port())
            .section(
                "[destination.tls]\ntrust = \"trust.pem\"\ncertificate = \"gate.pem\"\nkey = \"gate.key\"\n",
            ),
    );
    secure.gate.restart();
    let object = Object::chest_ct(701, 1);
    let files = [object.file()];
    let sent = |options: &[&str]| peers::storescu(port, "CT01", &files, options);
    let anonymous = sent(&["+tla", "+cf", &path(&trust)]);
    assert!(!anonymous.status.success(), "without a certificate");
    let known = sent(&["+tls", &path(&ct_key), &path(&ct), "+cf", &path(&trust)]);
    assert!(known.status.success(), "{}", String::from_utf8_lossy(&known.stderr));
    let data = object.data();
    assert_eq!(storescp.wait_for(&object.instance, data.len()), data);
}

#[test]
fn what_soon_expires_is_told_and_measured() {
    let sink = Sink::up();
    let mut secure = Secure::lay(&Configuration::new().pacs(&sink));
    let order = Order { common_name: "gate", names: &["127.0.0.1"], expired: true };
    secure.put_pair("gate", &secure.authority.issue(order));
    let check = secure.gate.done(&["config", "check"]);
    assert!(
        check.contains("gate.tls.certificate") && check.contains("has expired on 2021-01-01"),
        "{check}"
    );
    secure.gate.restart();
    let page = http::get(secure.gate.console(), "/metrics").expect("the gate answers").body;
    let page = String::from_utf8(page).expect("text");
    assert!(page.contains("markgate_certificate_expiry_seconds{certificate=\"gate\"} -"), "{page}");
    assert!(
        page.contains("markgate_certificate_expiry_seconds{certificate=\"gate/trust\"} "),
        "{page}"
    );
    until("the log tells", || secure.gate.log().contains("has expired on 2021-01-01"));
    assert!(secure.gate.done(&["status"]).contains("expired"));
}

#[test]
fn config_check_tells_of_files_that_will_not_do() {
    let secure = Secure::lay(&Configuration::new().destination("pacs", 4242));
    std::fs::set_permissions(
        secure.gate.folder().join("gate.key"),
        PermissionsExt::from_mode(0o640),
    )
    .expect("a file of ours");
    let check = secure.gate.done(&["config", "check"]);
    assert!(check.contains("gate.tls.key") && check.contains("mode 0640"), "{check}");
    secure.put("gate.key", &own(&secure.authority).key);
    secure.put("trust.pem", "nothing");
    secure.put("crl.pem", "nothing");
    let output = secure.gate.run(&["config", "check"]);
    assert_eq!(output.status.code(), Some(2));
    let check = String::from_utf8(output.stdout).expect("text");
    for wanted in [
        "gate.key\": the private key does not belong to the certificate",
        "trust.pem\": no certificate in it",
        "crl.pem\": no revocation list in it",
    ] {
        assert!(check.contains(wanted), "{wanted} in {check}");
    }
}
