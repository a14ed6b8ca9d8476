//! The lines that were rendered last.

use std::sync::Arc;

use super::Lettering;

/// Lines kept. A gate writes a name or two, each with a mark or two, at the sizes of its modalities.
const KEPT: usize = 64;

/// The lines asked for last, the latest at the end.
#[derive(Default)]
pub(super) struct Cache {
    lines: Vec<Line>,
}

struct Line {
    text: Box<str>,
    height: u32,
    rendered: Arc<Lettering>,
}

impl Cache {
    pub(super) fn find(&mut self, text: &str, height: u32) -> Option<Arc<Lettering>> {
        let place = self.lines.iter().position(|line| line.height == height && *line.text == *text);
        let line = self.lines.remove(place?);
        let rendered = Arc::clone(&line.rendered);
        self.lines.push(line);
        Some(rendered)
    }

    pub(super) fn keep(&mut self, text: &str, height: u32, rendered: Arc<Lettering>) {
        if self.find(text, height).is_some() {
            return;
        }
        if self.lines.len() >= KEPT {
            self.lines.remove(0);
        }
        self.lines.push(Line { text: text.into(), height, rendered });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_asked_for_longest_goes_first() {
        let mut cache = Cache::default();
        let line = || Arc::new(Lettering::default());
        for height in 0..KEPT as u32 {
            cache.keep("A", height, line());
        }
        assert!(cache.find("A", 0).is_some());
        cache.keep("B", 0, line());
        assert!(cache.find("A", 0).is_some());
        assert!(cache.find("A", 1).is_none());
        assert!(cache.find("B", 0).is_some());
        assert_eq!(cache.lines.len(), KEPT);
    }
}
