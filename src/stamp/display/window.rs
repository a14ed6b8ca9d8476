//! Windows: linear and sigmoid VOI LUT functions (PS3.3 C.11.2.1.2, C.11.2.1.3).

/// The function of a window: VOI LUT Function (0028,1056).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Curve {
    /// From `center - 0.5 - (width - 1) / 2`, where `width` counts whole values.
    Linear,
    /// From `center - width / 2`.
    LinearExact,
    /// An S around `center`.
    Sigmoid,
}

/// A window on the values that the Modality LUT gives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// Window Center (0028,1050).
    pub center: f64,
    /// Window Width (0028,1051), above 0.
    pub width: f64,
    /// Its function.
    pub curve: Curve,
}

/// From the air around a patient to bone.
pub(super) const AIR_TO_BONE: Window = Window::exact(-300.0, 1400.0);

/// The windows that CT is read at.
pub(super) const CT: [Window; 4] = [
    Window::linear(-600.0, 1500.0),
    Window::linear(400.0, 1800.0),
    Window::linear(40.0, 400.0),
    Window::linear(40.0, 80.0),
];

/// What a sigmoid leaves of the whole range at either end to count as black or white.
const SIGMOID_REST: f64 = 0.005;

impl Window {
    /// A linear window.
    #[must_use]
    pub const fn linear(center: f64, width: f64) -> Self {
        Self { center, width, curve: Curve::Linear }
    }

    const fn exact(center: f64, width: f64) -> Self {
        Self { center, width, curve: Curve::LinearExact }
    }

    /// From `low`, shown black, to `high`, shown white.
    pub(super) fn between(low: f64, high: f64) -> Self {
        Self::exact((low + high) / 2.0, (high - low).max(f64::MIN_POSITIVE))
    }

    /// Windows narrower than a value belong to data of small fractions, which [`Curve::Linear`] is not made for.
    fn curve(&self) -> Curve {
        if self.curve == Curve::Linear && self.width < 1.0 {
            Curve::LinearExact
        } else {
            self.curve
        }
    }

    /// 0 to 1.
    pub(super) fn apply(&self, value: f64) -> f64 {
        if self.curve() == Curve::Sigmoid {
            return 1.0 / (1.0 + (-4.0 * (value - self.center) / self.width).exp());
        }
        let (low, high) = self.edges();
        if value <= low {
            0.0
        } else if value > high {
            1.0
        } else {
            (value - low) / (high - low)
        }
    }

    /// The greatest value that is black and the least that is white, or as good as.
    pub(super) fn edges(&self) -> (f64, f64) {
        match self.curve() {
            Curve::Linear => {
                let (middle, half) = (self.center - 0.5, (self.width - 1.0) / 2.0);
                (middle - half, middle + half)
            }
            Curve::LinearExact => (self.center - self.width / 2.0, self.center + self.width / 2.0),
            Curve::Sigmoid => {
                let reach = self.width / 4.0 * (1.0 / SIGMOID_REST - 1.0).ln();
                (self.center - reach, self.center + reach)
            }
        }
    }

    /// The value that is shown at `share` of the range, above 0 and below 1.
    pub(super) fn invert(&self, share: f64) -> f64 {
        if self.curve() == Curve::Sigmoid {
            return self.center - self.width / 4.0 * (1.0 / share - 1.0).ln();
        }
        let (low, high) = self.edges();
        low + share * (high - low)
    }
}
