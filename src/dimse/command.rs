//! Command sets as bytes: group 0000 in Implicit VR Little Endian, whatever the transfer syntax of the context (PS3.7 §6.3.1).

use crate::dicom::uid::Uid;
use crate::dimse::fault::BadCommand;

/// A command set longer than this is refused: real ones have some 200 bytes, an Attribute Identifier List a few thousand.
pub(crate) const MAX_COMMAND: usize = 64 << 10;

/// The elements of group 0000 that mean something to us.
pub(crate) mod element {
    pub(crate) const GROUP_LENGTH: u16 = 0x0000;
    pub(crate) const AFFECTED_SOP_CLASS: u16 = 0x0002;
    pub(crate) const REQUESTED_SOP_CLASS: u16 = 0x0003;
    pub(crate) const COMMAND_FIELD: u16 = 0x0100;
    pub(crate) const MESSAGE_ID: u16 = 0x0110;
    pub(crate) const RESPONDED_TO: u16 = 0x0120;
    pub(crate) const PRIORITY: u16 = 0x0700;
    pub(crate) const DATA_SET_TYPE: u16 = 0x0800;
    pub(crate) const STATUS: u16 = 0x0900;
    pub(crate) const OFFENDING_ELEMENT: u16 = 0x0901;
    pub(crate) const ERROR_COMMENT: u16 = 0x0902;
    pub(crate) const AFFECTED_SOP_INSTANCE: u16 = 0x1000;
    pub(crate) const REQUESTED_SOP_INSTANCE: u16 = 0x1001;
    pub(crate) const EVENT_TYPE: u16 = 0x1002;
    pub(crate) const ACTION_TYPE: u16 = 0x1008;
    pub(crate) const MOVE_ORIGINATOR: u16 = 0x1030;
    pub(crate) const MOVE_MESSAGE_ID: u16 = 0x1031;
}

/// Command Data Set Type that says that no data set follows (PS3.7 §E.1). Every other value says that one does.
pub(crate) const NO_DATA_SET: u16 = 0x0101;

/// The values of a command set, as they stand in its bytes. Of an element that stands twice the first counts.
#[derive(Debug, Default)]
pub(crate) struct CommandSet<'a> {
    pub(crate) affected_sop_class: Option<&'a [u8]>,
    pub(crate) requested_sop_class: Option<&'a [u8]>,
    pub(crate) command_field: Option<&'a [u8]>,
    pub(crate) message_id: Option<&'a [u8]>,
    pub(crate) responded_to: Option<&'a [u8]>,
    pub(crate) priority: Option<&'a [u8]>,
    pub(crate) data_set_type: Option<&'a [u8]>,
    pub(crate) status: Option<&'a [u8]>,
    pub(crate) offending_element: Option<&'a [u8]>,
    pub(crate) error_comment: Option<&'a [u8]>,
    pub(crate) affected_sop_instance: Option<&'a [u8]>,
    pub(crate) requested_sop_instance: Option<&'a [u8]>,
    pub(crate) event_type: Option<&'a [u8]>,
    pub(crate) action_type: Option<&'a [u8]>,
    pub(crate) move_originator: Option<&'a [u8]>,
    pub(crate) move_message_id: Option<&'a [u8]>,
}

impl<'a> CommandSet<'a> {
    /// Splits a command set into its elements. The group length is not believed, elements out of order and unknown ones
    /// are passed over.
    pub(crate) fn parse(mut bytes: &'a [u8]) -> Result<Self, BadCommand> {
        let mut set = Self::default();
        while !bytes.is_empty() {
            let Some((header, rest)) = bytes.split_first_chunk::<8>() else {
                return Err(BadCommand::Stray(bytes.len()));
            };
            let [group_low, group_high, element_low, element_high, length @ ..] = *header;
            let element = u16::from_le_bytes([element_low, element_high]);
            let length = u32::from_le_bytes(length);
            let split = usize::try_from(length).ok().and_then(|at| rest.split_at_checked(at));
            let Some((value, rest)) = split else {
                return Err(BadCommand::Cut { element, length, left: rest.len() });
            };
            bytes = rest;
            if [group_low, group_high] != [0, 0] {
                continue;
            }
            let place = match element {
                element::AFFECTED_SOP_CLASS => &mut set.affected_sop_class,
                element::REQUESTED_SOP_CLASS => &mut set.requested_sop_class,
                element::COMMAND_FIELD => &mut set.command_field,
                element::MESSAGE_ID => &mut set.message_id,
                element::RESPONDED_TO => &mut set.responded_to,
                element::PRIORITY => &mut set.priority,
                element::DATA_SET_TYPE => &mut set.data_set_type,
                element::STATUS => &mut set.status,
                element::OFFENDING_ELEMENT => &mut set.offending_element,
                element::ERROR_COMMENT => &mut set.error_comment,
                element::AFFECTED_SOP_INSTANCE => &mut set.affected_sop_instance,
                element::REQUESTED_SOP_INSTANCE => &mut set.requested_sop_instance,
                element::EVENT_TYPE => &mut set.event_type,
                element::ACTION_TYPE => &mut set.action_type,
                element::MOVE_ORIGINATOR => &mut set.move_originator,
                element::MOVE_MESSAGE_ID => &mut set.move_message_id,
                _ => continue,
            };
            place.get_or_insert(value);
        }
        Ok(set)
    }
}

/// The first value of a US element.
pub(crate) fn number(value: Option<&[u8]>) -> Option<u16> {
    value.and_then(|bytes| bytes.first_chunk()).map(|bytes| u16::from_le_bytes(*bytes))
}

/// A UI element with something in it.
pub(crate) fn uid(value: Option<&[u8]>) -> Option<Uid> {
    let uid = Uid::new(&text(value?));
    (!uid.is_empty()).then_some(uid)
}

/// A text element of the default repertoire; other bytes become U+FFFD.
pub(crate) fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).trim_matches([' ', '\0']).to_owned()
}

/// Writes a command set: elements in ascending order, then [`Builder::finish`].
pub(crate) struct Builder(Vec<u8>);

impl Builder {
    pub(crate) fn new() -> Self {
        let mut out = Vec::with_capacity(256);
        out.extend([0; 12]);
        Self(out)
    }

    fn header(&mut self, element: u16, length: usize) {
        self.0.extend([0, 0]);
        self.0.extend(element.to_le_bytes());
        self.0.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    }

    pub(crate) fn number(&mut self, element: u16, value: u16) -> &mut Self {
        self.header(element, 2);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// An AT element.
    pub(crate) fn tags(&mut self, element: u16, tags: &[dicom_core::Tag]) -> &mut Self {
        self.header(element, tags.len() * 4);
        for tag in tags {
            self.0.extend(tag.group().to_le_bytes());
            self.0.extend(tag.element().to_le_bytes());
        }
        self
    }

    /// A text element, padded to even length with a NUL (UI) or a space.
    pub(crate) fn text(&mut self, element: u16, value: &str, padding: u8) -> &mut Self {
        let odd = value.len() % 2;
        self.header(element, value.len() + odd);
        self.0.extend(value.as_bytes());
        if odd == 1 {
            self.0.push(padding);
        }
        self
    }

    pub(crate) fn uid(&mut self, element: u16, uid: &Uid) -> &mut Self {
        self.text(element, uid.as_str(), 0)
    }

    /// Puts the group length in front and hands the bytes over.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        let length = u32::try_from(self.0.len() - 12).unwrap_or(u32::MAX);
        let [group, element] = [0u16, element::GROUP_LENGTH];
        let mut front = Vec::with_capacity(12);
        front.extend(group.to_le_bytes());
        front.extend(element.to_le_bytes());
        front.extend(4u32.to_le_bytes());
        front.extend(length.to_le_bytes());
        if let Some(place) = self.0.get_mut(..12) {
            place.copy_from_slice(&front);
        }
        std::mem::take(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_set_is_read_back_as_written() {
        let bytes = Builder::new()
            .uid(element::AFFECTED_SOP_CLASS, &Uid::new("1.2.840.10008.1.1"))
            .number(element::COMMAND_FIELD, 0x0030)
            .number(element::MESSAGE_ID, 7)
            .number(element::DATA_SET_TYPE, NO_DATA_SET)
            .finish();
        // Group length: 8 + 18, and three times 8 + 2.
        assert_eq!(bytes.get(..12), Some(&[0, 0, 0, 0, 4, 0, 0, 0, 56, 0, 0, 0][..]));
        assert_eq!(bytes.len(), 68);
        let set = CommandSet::parse(&bytes).expect("a command set");
        assert_eq!(uid(set.affected_sop_class), Some(Uid::new("1.2.840.10008.1.1")));
        assert_eq!(number(set.command_field), Some(0x0030));
        assert_eq!(number(set.message_id), Some(7));
        assert_eq!(number(set.status), None);
    }

    #[test]
    fn a_wrong_group_length_an_unknown_element_and_disorder_do_no_harm() {
        let mut bytes = Builder::new()
            .number(element::MESSAGE_ID, 7)
            .number(0x7777, 1)
            .number(element::COMMAND_FIELD, 1)
            .number(element::MESSAGE_ID, 9)
            .finish();
        bytes[8] = 99;
        let set = CommandSet::parse(&bytes).expect("a command set");
        assert_eq!((number(set.message_id), number(set.command_field)), (Some(7), Some(1)));
    }

    #[test]
    fn elements_that_do_not_add_up_are_named() {
        #[track_caller]
        fn check(bytes: &[u8], want: BadCommand) {
            assert_eq!(CommandSet::parse(bytes).err(), Some(want));
        }
        check(&[0, 0, 0], BadCommand::Stray(3));
        let cut = BadCommand::Cut { element: 2, length: 0xFFFF_FFFF, left: 1 };
        check(&[0, 0, 2, 0, 255, 255, 255, 255, b'1'], cut);
    }

    #[test]
    fn a_number_of_one_byte_is_none_and_an_empty_uid_is_missing() {
        assert_eq!(number(Some(&[1])), None);
        assert_eq!(number(Some(&[1, 2, 3, 4])), Some(0x0201));
        assert_eq!(uid(Some(b"\0\0")), None);
        assert_eq!(uid(Some(b" 1.2\0")), Some(Uid::new("1.2")));
    }
}
