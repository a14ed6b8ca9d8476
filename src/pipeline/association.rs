//! What is known of an object from its association alone.

use std::net::IpAddr;

use crate::dicom::Tag;
use crate::dicom::ae_title::AeTitle;
use crate::expression::{Environment, Value};

/// Who sent an object, to whom, whence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Association {
    /// The calling AE title.
    pub calling: AeTitle,
    /// The called AE title.
    pub called: AeTitle,
    /// The peer's address.
    pub peer: IpAddr,
}

impl Environment for Association {
    fn attribute(&self, _tag: Tag) -> Value {
        Value::Unknown
    }

    fn variable(&self, name: &str) -> Value {
        match name {
            "calling_aet" => Value::present(self.calling.as_str()),
            "called_aet" => Value::present(self.called.as_str()),
            "peer" => Value::present(&self.peer.to_string()),
            _ => Value::Unknown,
        }
    }
}
