//! Files of the spool and of its journal, as a sick disk or a stranger might leave them.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr};

use rustix::fs::{MemfdFlags, memfd_create};

use super::format::{footer, head};
use super::stored::StoredObject;
use super::{Envelope, Priority};
use crate::base::object_id::ObjectId;
use crate::base::time::Timestamp;
use crate::dicom::ae_title::AeTitle;
use crate::dicom::uid::Uid;

pub use super::journal::fuzzing::{journal, journals};

/// A file among the objects. What opens can be read to its end and no further; what is not as it arrived says so.
pub fn spool_file(bytes: &[u8]) {
    let mut file = File::from(memfd_create(c"object", MemfdFlags::CLOEXEC).expect("memory"));
    file.write_all(bytes).expect("memory");
    let Ok(object) = StoredObject::open(file).expect("memory can be read") else { return };
    let mut data = Vec::new();
    object.reader().read_to_end(&mut data).expect("what it says is there");
    assert_eq!(data.len() as u64, object.length());
    let range = object.data();
    assert!(range.start <= range.end && range.end <= bytes.len() as u64);
    assert_eq!(object.verify().is_ok(), blake3::hash(&data) == object.hash());
    assert_eq!(object.envelope().syntax().deflated, object.envelope().clone().syntax().deflated);
}

/// Good inputs of [`spool_file`].
#[must_use]
pub fn spool_files() -> Vec<Vec<u8>> {
    let title = |text| AeTitle::parse(text).expect("a title");
    let file = |syntax: &str, data: &[u8]| {
        let envelope = Envelope {
            calling_ae: title("CT01"),
            called_ae: title("MARKGATE"),
            peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
            transfer_syntax: Uid::new(syntax),
            sop_class: Uid::new("1.2.840.10008.5.1.4.1.1.2"),
            sop_instance: Uid::new("1.2.3.4"),
            message_id: 1,
            priority: Priority::Medium,
            received: Timestamp::UNIX_EPOCH,
            certificate: None,
        };
        let head = head(&envelope, ObjectId::from_u128(7));
        let end = footer(envelope.syntax(), data.len() as u64, &blake3::hash(data), &head);
        [&head[..], data, &end].concat()
    };
    let data = b"\x08\0\x60\0CS\x02\0CT\x10\0\x20\0LO\x02\x001 ";
    // Its footer has lost the header: the value still ends the file.
    let mut cut = file("1.2.840.10008.1.2", &[]);
    let value = cut.split_off(cut.len() - 64);
    cut.truncate(cut.len() - 8);
    cut.extend(value);
    vec![
        file("1.2.840.10008.1.2.1", data),
        file("1.2.840.10008.1.2", &[]),
        file("1.2.840.10008.1.2.2", &[]),
        cut,
    ]
}
