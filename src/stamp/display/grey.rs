//! Monochrome images: Modality LUT, VOI LUT, polarity.

use super::table::Table;
use super::window::{self, Window};

/// From stored values to those that have a meaning (PS3.3 C.11.1).
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Modality {
    Rescale { slope: f64, intercept: f64 },
    Table(Table),
}

/// From those to what is of interest (PS3.3 C.11.2).
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Voi {
    Window(Window),
    Table(Table),
    /// The whole range, lowest and highest, for want of anything better.
    Whole(f64, f64),
    /// The range of the frame's own values.
    Fitted(f64, f64),
}

/// The pipeline of a monochrome image.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Grey {
    pub(super) modality: Modality,
    pub(super) voi: Voi,
    /// Whether what comes out of it is shown inverted.
    pub(super) inverse: bool,
}

impl Grey {
    pub(super) fn value(&self, stored: i64) -> f64 {
        match &self.modality {
            Modality::Rescale { slope, intercept } => stored as f64 * slope + intercept,
            Modality::Table(table) => f64::from(table.at(stored)),
        }
    }

    /// 0 black to 1 white.
    pub(super) fn shown(&self, stored: i64) -> f64 {
        let value = self.value(stored);
        let share = match &self.voi {
            Voi::Window(window) => window.apply(value),
            Voi::Table(table) => {
                f64::from(table.at(value.round() as i64)) / f64::from(table.max.max(1))
            }
            Voi::Whole(low, high) | Voi::Fitted(low, high) => {
                Window::between(*low, *high).apply(value)
            }
        };
        if self.inverse { 1.0 - share } else { share }
    }

    /// Whether the least stored value is the brightest.
    pub(super) fn is_falling(&self) -> bool {
        let falls = matches!(self.modality, Modality::Rescale { slope, .. } if slope < 0.0);
        falls != self.inverse
    }

    pub(super) fn is_without_window(&self) -> bool {
        matches!(self.voi, Voi::Whole(..))
    }

    /// Takes the stored values from `low` to `high` for the window.
    pub(super) fn fit(&mut self, low: i64, high: i64) {
        let (one, other) = (self.value(low), self.value(high));
        self.voi = Voi::Fitted(one.min(other), one.max(other));
    }

    pub(super) fn set_window(&mut self, window: Window) {
        self.voi = Voi::Window(window);
    }

    /// The window in force; `None` of a table.
    pub(super) fn window(&self) -> Option<Window> {
        match &self.voi {
            Voi::Window(window) => Some(*window),
            Voi::Whole(low, high) | Voi::Fitted(low, high) => Some(Window::between(*low, *high)),
            Voi::Table(_) => None,
        }
    }

    /// The usual windows beside the one in force.
    pub(super) fn presets(&self, hounsfield: bool) -> Vec<Window> {
        if hounsfield {
            return window::CT.to_vec();
        }
        match &self.voi {
            Voi::Window(window) => {
                let wide = |factor| Window { width: window.width * factor, ..*window };
                vec![wide(0.5), wide(2.0)]
            }
            // Wider than all values there are, a window has nothing that could be shown white.
            Voi::Whole(..) | Voi::Fitted(..) | Voi::Table(_) => Vec::new(),
        }
    }
}
