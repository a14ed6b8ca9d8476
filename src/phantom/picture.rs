//! Plausible pictures: soft ellipses with texture and grain, from arithmetic alone.
//!
//! Only additions, multiplications and divisions are used, so that every machine paints the same bits.

use super::retouch::{Canvas, Retouch};

/// A picture before it has a size: x and y run from -1 to 1 across the longer side, y downwards.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    /// What lies behind everything.
    pub(super) background: f32,
    /// Painted one over the other.
    pub(super) shapes: Vec<Shape>,
    /// Amplitude of the grain that is added to every sample.
    pub(super) grain: f32,
    /// Where there is a picture at all.
    pub(super) field: Field,
    /// The level outside the field.
    pub(super) outside: f32,
    /// The level of what moves from frame to frame.
    pub(super) moving: f32,
    /// What the grain and the textures depend on.
    pub(super) seed: u32,
}

/// An ellipse, or a box with rounded corners.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) center: (f32, f32),
    pub(super) radii: (f32, f32),
    /// Cosine and sine of its turn.
    pub(super) turn: (f32, f32),
    pub(super) level: f32,
    /// How much of it is rim: near 0 is sharp, 1 fades from the centre on.
    pub(super) edge: f32,
    /// Amplitude of the coarse texture in it.
    pub(super) texture: f32,
    /// Whether it is added to what lies behind it, as in a projection, or hides it.
    pub(super) adds: bool,
    pub(super) boxy: bool,
}

/// The outline of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Full,
    /// The round field of an image intensifier or a reconstruction.
    Round,
    /// The sector of a curved ultrasound probe.
    Fan,
}

impl Shape {
    pub(super) fn new(center: (f32, f32), radii: (f32, f32), level: f32) -> Self {
        Self {
            center,
            radii,
            turn: (1.0, 0.0),
            level,
            edge: 0.15,
            texture: 0.0,
            adds: false,
            boxy: false,
        }
    }

    pub(super) fn turned(self, cosine: f32, sine: f32) -> Self {
        Self { turn: (cosine, sine), ..self }
    }

    pub(super) fn soft(self, edge: f32) -> Self {
        Self { edge, ..self }
    }

    pub(super) fn textured(self, texture: f32) -> Self {
        Self { texture, ..self }
    }

    pub(super) fn added(self) -> Self {
        Self { adds: true, ..self }
    }

    pub(super) fn boxy(self) -> Self {
        Self { boxy: true, ..self }
    }

    /// Half of its extent in x and y, or a little more.
    fn extent(&self) -> (f32, f32) {
        let (cosine, sine) = (self.turn.0.abs(), self.turn.1.abs());
        let (wide, high) = self.radii;
        (wide * cosine + high * sine, wide * sine + high * cosine)
    }

    /// How much of the shape there is at a place: 0 outside, 1 inside of its rim.
    fn cover(&self, x: f32, y: f32) -> f32 {
        let (dx, dy) = (x - self.center.0, y - self.center.1);
        let (cosine, sine) = self.turn;
        let u = (dx * cosine + dy * sine) / self.radii.0;
        let v = (dy * cosine - dx * sine) / self.radii.1;
        let distance = if self.boxy { (u * u).max(v * v) } else { u * u + v * v };
        ((1.0 - distance) / self.edge).clamp(0.0, 1.0)
    }
}

impl Scene {
    pub(super) fn new(background: f32, shapes: Vec<Shape>) -> Self {
        Self {
            background,
            shapes,
            grain: 0.0,
            field: Field::Full,
            outside: 0.0,
            moving: background,
            seed: 0,
        }
    }

    /// The levels of one row of the first frame.
    fn row(&self, y: f32, row: u32, columns: &[f32], mut take: impl FnMut(f32)) {
        // Most shapes do not reach most rows; a picture of 4 million samples is painted in every demo.
        let reaching: Vec<_> = self
            .shapes
            .iter()
            .map(|shape| (shape, shape.extent()))
            .filter(|(shape, (_, high))| (y - shape.center.1).abs() <= *high)
            .map(|(shape, (wide, _))| (shape, shape.center.0 - wide, shape.center.0 + wide))
            .collect();
        for (column, x) in (0_u32..).zip(columns.iter().copied()) {
            if !self.field.has(x, y) {
                take(self.outside);
                continue;
            }
            let mut level = self.background;
            for (shape, left, right) in &reaching {
                if x < *left || x > *right {
                    continue;
                }
                let cover = shape.cover(x, y);
                if cover > 0.0 {
                    let behind = if shape.adds { 0.0 } else { level };
                    let texture =
                        if shape.texture > 0.0 { shape.texture * self.coarse(x, y) } else { 0.0 };
                    level += (shape.level + texture - behind) * cover;
                }
            }
            take(level + self.grain * noise(column, row, self.seed));
        }
    }

    /// Smooth noise with a grain of a sixteenth of the picture.
    fn coarse(&self, x: f32, y: f32) -> f32 {
        let (u, v) = ((x + 2.0) * 16.0, (y + 2.0) * 16.0);
        let (column, row) = (whole(u), whole(v));
        let (fx, fy) = (u - u.floor(), v - v.floor());
        let at = |dx, dy| noise(column + dx, row + dy, self.seed ^ 0x9E37_79B9);
        let top = at(0, 0) * (1.0 - fx) + at(1, 0) * fx;
        let bottom = at(0, 1) * (1.0 - fx) + at(1, 1) * fx;
        top * (1.0 - fy) + bottom * fy
    }
}

impl Field {
    fn has(self, x: f32, y: f32) -> bool {
        match self {
            Self::Full => true,
            Self::Round => x * x + y * y < 0.98,
            Self::Fan => {
                let depth = y + 1.1;
                let distance = x * x + depth * depth;
                x.abs() < depth * 0.7 && distance > 0.09 && distance < 3.6
            }
        }
    }
}

/// A number between -1 and 1 that looks like chance.
fn noise(column: u32, row: u32, seed: u32) -> f32 {
    let mut bits = column
        .wrapping_mul(0x8DA6_B343)
        .wrapping_add(row.wrapping_mul(0xD816_3841))
        .wrapping_add(seed.wrapping_mul(0xCB1A_B31F));
    bits = (bits ^ (bits >> 15)).wrapping_mul(0x2C1B_3C6D);
    bits = (bits ^ (bits >> 12)).wrapping_mul(0x297A_2D39);
    bits ^= bits >> 15;
    f32::from(u16::try_from(bits >> 16).unwrap_or_default()) / 32_767.5 - 1.0
}

/// The whole part of a small positive number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "0 to 64 by its callers"
)]
fn whole(number: f32) -> u32 {
    number as u32
}

/// How levels become stored values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    /// Stored value of level 0.
    pub(super) offset: f32,
    /// Stored values for a level of 1.
    pub(super) slope: f32,
    /// The greatest stored value.
    pub(super) max: u16,
}

impl Scale {
    fn stored(self, level: f32) -> u16 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to what a u16 holds"
        )]
        let value = (self.offset + level * self.slope + 0.5).clamp(0.0, f32::from(self.max)) as u16;
        value
    }
}

/// The frames of one picture: the first whole, of each other what differs from it.
pub(super) struct Painter {
    rows: u16,
    columns: u16,
    moving: f32,
    scale: Scale,
    first: Vec<u16>,
    retouch: Option<Retouch>,
}

/// The place of a sample in the scene.
fn place(index: u16, count: u16, longest: u16) -> f32 {
    (2.0 * f32::from(index) + 1.0 - f32::from(count)) / f32::from(longest)
}

impl Painter {
    pub(super) fn new(
        rows: u16,
        columns: u16,
        scene: &Scene,
        scale: Scale,
        retouch: Option<Retouch>,
    ) -> Self {
        let longest = rows.max(columns).max(1);
        let places: Vec<f32> = (0..columns).map(|index| place(index, columns, longest)).collect();
        let mut first = Vec::with_capacity(usize::from(rows) * usize::from(columns));
        for row in 0..rows {
            let y = place(row, rows, longest);
            scene.row(y, u32::from(row), &places, |level| first.push(scale.stored(level)));
        }
        if let Some(retouch) = retouch {
            let canvas = Canvas { rows, columns, max: scale.max };
            for (place, sample) in first.iter_mut().enumerate() {
                *sample = retouch.touched(canvas, place, *sample);
            }
        }
        Self { rows, columns, moving: scene.moving, scale, first, retouch }
    }

    /// The samples of the first frame, row by row.
    pub(super) fn first(&self) -> &[u16] {
        &self.first
    }

    /// What a frame has in place of samples of the first: something round moves through the picture, back and
    /// forth in 32 frames across and in 20 down.
    pub(super) fn changes(&self, index: u32) -> Vec<(usize, u16)> {
        let mut changes = Vec::new();
        if index == 0 || self.retouch == Some(Retouch::Still) {
            return changes;
        }
        let swing = |period: u16| {
            let phase = u16::try_from(index % u32::from(period)).unwrap_or_default();
            (2.0 * f32::from(phase) / f32::from(period) - 1.0).abs() * 2.0 - 1.0
        };
        let center = (0.35 * swing(32), 0.35 * swing(20));
        let shape = Shape::new(center, (0.07, 0.07), self.moving).soft(0.6);
        let longest = self.rows.max(self.columns).max(1);
        let width = usize::from(self.columns).max(1);
        let there = self.scale.offset + shape.level * self.scale.slope;
        for (row, (line, samples)) in (0..self.rows).zip(self.first.chunks(width).enumerate()) {
            let y = place(row, self.rows, longest);
            if (y - shape.center.1).abs() > shape.radii.1 {
                continue;
            }
            for (column, (offset, sample)) in (0..self.columns).zip(samples.iter().enumerate()) {
                let cover = shape.cover(place(column, self.columns, longest), y);
                if cover > 0.0 {
                    let here = f32::from(*sample);
                    let blend = Scale { offset: here, slope: there - here, ..self.scale };
                    let (place, sample) = (line * width + offset, blend.stored(cover));
                    let (rows, columns) = (self.rows, self.columns);
                    let canvas = Canvas { rows, columns, max: self.scale.max };
                    let touched = self.retouch.map(|how| how.touched(canvas, place, sample));
                    changes.push((place, touched.unwrap_or(sample)));
                }
            }
        }
        changes
    }
}
