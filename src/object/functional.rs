//! Functional groups: what an enhanced object says of its frames, one by one or of all at once (PS3.3 C.7.6.16).

use crate::dicom::{Tag, tags};

use super::{HeaderView, Item};

impl HeaderView {
    /// The item of a functional group that holds for a frame, `frame` from 0: its own, else what all frames share. `None` where
    /// there is neither, as in every object that is not enhanced.
    #[must_use]
    pub fn functional_group(&self, frame: u32, group: Tag) -> Option<Item<'_>> {
        self.group_in(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, frame as usize, group)
            .or_else(|| self.group_in(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, 0, group))
    }

    fn group_in(&self, outer: Tag, index: usize, group: Tag) -> Option<Item<'_>> {
        let item = self.items(self.find(outer)?).nth(index)?;
        self.items(item.find(group)?).next()
    }
}
