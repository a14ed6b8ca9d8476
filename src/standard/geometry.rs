//! Slices in space: how one lies, and what many of them make together.
//!
//! Pure computations over numbers, in millimetres and the patient's coordinates (PS3.3 C.7.6.2.1.1): whoever keeps the
//! positions of a series hands them in. Nothing here judges; numbers that are not finite are left out.

/// Unit vectors written with few digits differ from 1, and right angles from 0, by less than this.
const UNIT_TOLERANCE: f64 = 0.01;
/// Components of two orientations that are the same differ by no more than this.
const SAME_ORIENTATION: f64 = 0.001;
/// Positions, in millimetres, that are written with few digits and mean the same place differ by less than this.
const SAME_PLACE: f64 = 0.01;
/// Part of the usual interval by which others may differ.
const INTERVAL_SHARE: f64 = 0.001;
/// Millimetres by which intervals may differ all the same: tables and decimal strings are no better.
const INTERVAL_FLOOR: f64 = 0.05;
/// From so many intervals on, a slice is missing between two.
const GAP: f64 = 1.5;
/// A slice of this many thicknesses from the next leaves tissue between.
const COVERED: f64 = 1.05;
/// The least component of a normal along a body axis, that of 41 degrees off it, for a plane that bears its name.
const NAMED_PLANE: f64 = 0.75;
/// Stacks that one series is split into. A diffusion series with a stack a direction has some hundred.
const MAX_STACKS: usize = 512;

/// A vector in the patient's coordinates: towards the left, the back and the head.
pub type Vector = [f64; 3];

fn dot(a: Vector, b: Vector) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn length(vector: Vector) -> f64 {
    dot(vector, vector).sqrt()
}

/// The direction of the rows and the columns of an image: Image Orientation (Patient) (0020,0037).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plane {
    /// Along a row, to its last column.
    pub row: Vector,
    /// Along a column, to its last row.
    pub column: Vector,
}

/// The planes of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum View {
    /// Across the body.
    Axial,
    /// From side to side and up and down.
    Coronal,
    /// From front to back and up and down.
    Sagittal,
    /// More than 41 degrees off all of them.
    Oblique,
}

impl View {
    /// Its name, as conditions compare it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Axial => "axial",
            Self::Coronal => "coronal",
            Self::Sagittal => "sagittal",
            Self::Oblique => "oblique",
        }
    }
}

impl Plane {
    /// Six finite numbers, row first.
    #[must_use]
    pub fn of(numbers: &[f64]) -> Option<Self> {
        let &[a, b, c, d, e, f] = numbers else { return None };
        let plane = Self { row: [a, b, c], column: [d, e, f] };
        numbers.iter().all(|number| number.is_finite()).then_some(plane)
    }

    /// Whether rows and columns are unit vectors at a right angle, to 0.01.
    #[must_use]
    pub fn is_orthonormal(&self) -> bool {
        let near = |number: f64, goal: f64| (number - goal).abs() <= UNIT_TOLERANCE;
        near(length(self.row), 1.0)
            && near(length(self.column), 1.0)
            && near(dot(self.row, self.column), 0.0)
    }

    /// The direction across the image, of length 1 where the plane is orthonormal.
    #[must_use]
    pub fn normal(&self) -> Vector {
        let ([a, b, c], [d, e, f]) = (self.row, self.column);
        [b * f - c * e, c * d - a * f, a * e - b * d]
    }

    /// Whether the other has the same orientation: no component differs by more than 0.001.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let near = |(a, b): (&f64, &f64)| (a - b).abs() <= SAME_ORIENTATION;
        self.row.iter().zip(&other.row).all(near) && self.column.iter().zip(&other.column).all(near)
    }

    /// How far Image Position (Patient) (0020,0032) lies along the normal, in millimetres.
    #[must_use]
    pub fn along(&self, position: Vector) -> f64 {
        dot(self.normal(), position)
    }

    /// The plane of the body that it lies in.
    #[must_use]
    pub fn view(&self) -> View {
        let [x, y, z] = self.normal().map(f64::abs);
        if z >= NAMED_PLANE {
            View::Axial
        } else if y >= NAMED_PLANE {
            View::Coronal
        } else if x >= NAMED_PLANE {
            View::Sagittal
        } else {
            View::Oblique
        }
    }

    /// Degrees, 0 to 90, between the normal and the long axis of the body: what a tilted gantry gives a slice.
    #[must_use]
    pub fn tilt(&self) -> f64 {
        let normal = self.normal();
        let [_, _, z] = normal;
        // Vectors with few digits may come to a little more than 1.
        (z.abs() / length(normal).max(f64::MIN_POSITIVE)).min(1.0).acos().to_degrees()
    }
}

/// How many orientations there are among images. One a stack is what a volume has.
#[must_use]
pub fn orientations(planes: &[Plane]) -> usize {
    let mut distinct: Vec<Plane> = Vec::new();
    for plane in planes {
        if distinct.len() < MAX_STACKS && !distinct.iter().any(|known| known.is_same(plane)) {
            distinct.push(*plane);
        }
    }
    distinct.len()
}

/// What tells the stacks of one series apart beside the orientation. What an image does not say is the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Traits {
    /// Slice Thickness (0018,0050) in micrometres.
    pub thickness: i32,
    /// Convolution Kernel (0018,1210), by [`Traits::word`].
    pub kernel: u32,
    /// Image Type (0008,0008), by [`Traits::word`]: magnitude and phase, water and fat.
    pub image_type: u32,
    /// The contrast phase, by [`Traits::word`] of what tells it.
    pub contrast: u32,
    /// Acquisition Number (0020,0012).
    pub acquisition: i32,
    /// Echo Time (0018,0081) or Effective Echo Time (0018,9082) in microseconds.
    pub echo: i32,
    /// Diffusion b-value (0018,9087) in s/mm².
    pub b_value: i32,
    /// Diffusion Gradient Orientation (0018,9089), by [`Traits::word`].
    pub direction: u32,
    /// Temporal Position Identifier (0020,0100), else Trigger Time (0018,1060) in milliseconds.
    pub temporal: i32,
}

impl Traits {
    /// A text as a number, the same in every run and release. Case and padding do not count.
    #[must_use]
    pub fn word(text: &str) -> u32 {
        // FNV-1a: short, and no two kernels of one scanner have met in it.
        let bytes = text.trim().bytes().map(|byte| byte.to_ascii_uppercase());
        bytes.fold(0x811C_9DC5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
    }

    /// A number in thousandths: millimetres as micrometres.
    #[must_use]
    pub fn thousandths(number: f64) -> i32 {
        // A cast of what lies beyond goes to the nearest there is.
        (number * 1000.0).round() as i32
    }
}

/// Sorts the images of a series into stacks: those of one orientation and the same traits.
#[derive(Debug, Clone, Default)]
pub struct Splitter {
    stacks: Vec<(Plane, Traits)>,
}

impl Splitter {
    /// The number of an image's stack, counted from 0; `None` when the series has more than 512.
    pub fn stack_of(&mut self, plane: &Plane, traits: Traits) -> Option<usize> {
        let known = |(own, its): &(Plane, Traits)| *its == traits && own.is_same(plane);
        if let Some(stack) = self.stacks.iter().position(known) {
            return Some(stack);
        }
        (self.stacks.len() < MAX_STACKS).then(|| {
            self.stacks.push((*plane, traits));
            self.stacks.len() - 1
        })
    }

    /// How many stacks there are.
    #[must_use]
    pub fn stacks(&self) -> usize {
        self.stacks.len()
    }
}

/// From where to where slices reach along their normal, in millimetres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extent {
    /// The lowest position.
    pub from: f64,
    /// The highest.
    pub to: f64,
}

impl Extent {
    /// Millimetres covered by slices of this thickness whose centres reach so far.
    #[must_use]
    pub fn covered(&self, thickness: f64) -> f64 {
        self.to - self.from + thickness.max(0.0)
    }

    /// Whether it reaches as far as another at both ends, but for so many millimetres. Both along the same normal.
    #[must_use]
    pub fn contains(&self, other: &Self, tolerance: f64) -> bool {
        self.from <= other.from + tolerance && self.to >= other.to - tolerance
    }
}

/// What the positions of parallel slices tell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stack {
    /// Images.
    pub images: usize,
    /// Different positions.
    pub positions: usize,
    /// Images that most positions have: 1 in a volume, more where something repeats that no trait tells.
    pub usual: usize,
    /// Images beyond the usual number at their position: duplicates.
    pub surplus: usize,
    /// The interval that most neighbours have, in millimetres; `None` with one position.
    pub interval: Option<f64>,
    /// The widest interval, in millimetres; 0 with one position.
    pub widest: f64,
    /// Slices missing between others: a neighbour is 1.5 intervals or more away.
    pub missing: usize,
    /// Intervals that differ from the usual one by more than a thousandth and 0.05 mm, gaps of missing slices left out.
    pub irregular: usize,
    /// The outermost positions.
    pub extent: Extent,
}

impl Stack {
    /// Of positions [along](Plane::along) the normal, in any order; `None` without any.
    #[must_use]
    pub fn of(positions: &[f64]) -> Option<Self> {
        let places = Places::of(positions);
        let (first, last) = (places.0.first()?, places.0.last()?);
        let extent = Extent { from: first.at, to: last.at };
        let usual = places.usual();
        let intervals = places.intervals();
        let interval = mode(&intervals);
        let off = |interval: f64| intervals.iter().map(move |own| (*own, interval));
        let gaps = |(own, usual): &(f64, f64)| *own >= GAP * usual;
        Some(Self {
            images: places.0.iter().map(|place| place.images).sum(),
            positions: places.0.len(),
            usual,
            surplus: places.0.iter().map(|place| place.images.saturating_sub(usual)).sum(),
            interval,
            widest: intervals.iter().copied().fold(0.0, f64::max),
            missing: interval.map_or(0, |interval| {
                off(interval).filter(gaps).map(|(own, usual)| absent(own, usual)).sum()
            }),
            irregular: interval.map_or(0, |interval| {
                let irregular = |(own, usual): &(f64, f64)| (own - usual).abs() > tolerance(*usual);
                off(interval).filter(|pair| !gaps(pair) && irregular(pair)).count()
            }),
            extent,
        })
    }

    /// Whether the usual interval leaves tissue between slices of this thickness, in millimetres; `None` where there is
    /// no interval or no thickness.
    #[must_use]
    pub fn is_open(&self, thickness: f64) -> Option<bool> {
        let interval = self.interval.filter(|_| thickness > 0.0)?;
        Some(interval > thickness * COVERED)
    }
}

/// One position and how many images it has.
#[derive(Debug, Clone, Copy)]
struct Place {
    at: f64,
    images: usize,
}

/// Different positions, rising.
struct Places(Vec<Place>);

impl Places {
    fn of(positions: &[f64]) -> Self {
        let mut rising: Vec<f64> = positions.iter().copied().filter(|at| at.is_finite()).collect();
        rising.sort_unstable_by(f64::total_cmp);
        let mut places: Vec<Place> = Vec::with_capacity(rising.len());
        for at in rising {
            match places.last_mut() {
                Some(place) if at - place.at < SAME_PLACE => place.images += 1,
                Some(_) | None => places.push(Place { at, images: 1 }),
            }
        }
        Self(places)
    }

    /// The number of images that most positions have, the smaller of two that are as frequent.
    fn usual(&self) -> usize {
        let mut images: Vec<usize> = self.0.iter().map(|place| place.images).collect();
        images.sort_unstable();
        let runs = images.chunk_by(|a, b| a == b);
        // Of equals `max_by_key` takes the last: from behind, that is the smallest.
        let longest = runs.rev().max_by_key(|run| run.len());
        longest.and_then(<[usize]>::first).copied().unwrap_or_default()
    }

    fn intervals(&self) -> Vec<f64> {
        let neighbours = self.0.iter().zip(self.0.iter().skip(1));
        neighbours.map(|(lower, higher)| higher.at - lower.at).collect()
    }
}

fn tolerance(interval: f64) -> f64 {
    (INTERVAL_SHARE * interval).max(INTERVAL_FLOOR)
}

/// Slices missing in a gap of this width.
fn absent(gap: f64, interval: f64) -> usize {
    // A cast of what lies beyond goes to the nearest there is.
    ((gap / interval).round() as usize).saturating_sub(1).max(1)
}

/// The value that most numbers come near to, the smaller of two that as many do: what is missing widens intervals.
fn mode(numbers: &[f64]) -> Option<f64> {
    let mut rising = numbers.to_vec();
    rising.sort_unstable_by(f64::total_cmp);
    let mut best: &[f64] = &[];
    let mut rest = rising.as_slice();
    while let Some(smallest) = rest.first() {
        let near = rest.partition_point(|number| number - smallest <= tolerance(*smallest));
        let cluster = rest.get(..near).unwrap_or_default();
        if cluster.len() > best.len() {
            best = cluster;
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    best.get(best.len() / 2).copied()
}

/// What the Instance Numbers (0020,0013) of a series tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbering {
    /// The lowest.
    pub first: i32,
    /// The highest.
    pub last: i32,
    /// Numbers between them that no image has.
    pub missing: u32,
    /// Images whose number another has as well.
    pub repeated: u32,
}

impl Numbering {
    /// Of the numbers of all images, in any order; `None` without any.
    #[must_use]
    pub fn of(numbers: &[i32]) -> Option<Self> {
        let mut rising = numbers.to_vec();
        rising.sort_unstable();
        let (first, last) = (*rising.first()?, *rising.last()?);
        let all = rising.len();
        rising.dedup();
        // At most the whole range of an i32, which a u32 holds.
        let span = last.abs_diff(first);
        let distinct = u32::try_from(rising.len() - 1).unwrap_or(u32::MAX);
        let repeated = u32::try_from(all - rising.len()).unwrap_or(u32::MAX);
        Some(Self { first, last, missing: span.saturating_sub(distinct), repeated })
    }
}

/// One image of a stack.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slice {
    /// Its position along the normal, in millimetres.
    pub at: f64,
    /// Its Instance Number (0020,0013).
    pub number: i32,
}

/// Slices that are lost for certain: there is a gap between two neighbours, and numbers between theirs that no image of the
/// series has. `numbers` are those of the whole series.
#[must_use]
pub fn lost_slices(slices: &[Slice], numbers: &[i32]) -> usize {
    let mut rising: Vec<Slice> = slices.iter().copied().filter(|one| one.at.is_finite()).collect();
    rising.sort_unstable_by(|a, b| a.at.total_cmp(&b.at));
    let positions: Vec<f64> = rising.iter().map(|slice| slice.at).collect();
    let Some(interval) = Stack::of(&positions).and_then(|stack| stack.interval) else { return 0 };
    let mut known = numbers.to_vec();
    known.sort_unstable();
    known.dedup();
    let neighbours = rising.iter().zip(rising.iter().skip(1));
    neighbours
        .map(|(lower, higher)| (higher.at - lower.at, lower.number, higher.number))
        .filter(|(gap, _, _)| *gap >= GAP * interval)
        .map(|(gap, one, other)| {
            let (low, high) = (one.min(other), one.max(other));
            let up_to = |number: i32| known.partition_point(|own| *own < number);
            let present = up_to(high).saturating_sub(up_to(low.saturating_add(1)));
            let between = (high.abs_diff(low) as usize).saturating_sub(1);
            between.saturating_sub(present).min(absent(gap, interval))
        })
        .sum()
}

/// The part of the slice thickness, both in millimetres, that lies between neighbours and is in no slice: 0.3 for slices
/// of 5 mm every 6.5. Negative where slices overlap; `None` without a thickness.
#[must_use]
pub fn gap_share(interval: f64, thickness: f64) -> Option<f64> {
    let share = (interval - thickness) / thickness;
    (thickness > 0.0 && share.is_finite()).then_some(share)
}

/// How many different numbers there are, those that differ by less than one counted as one: b-values in s/mm².
#[must_use]
pub fn distinct(numbers: &[f64]) -> usize {
    let mut rising: Vec<f64> =
        numbers.iter().copied().filter(|number| number.is_finite()).collect();
    rising.sort_unstable_by(f64::total_cmp);
    rising.dedup_by(|next, kept| *next - *kept < 1.0);
    rising.len()
}

#[cfg(test)]
#[path = "tests/geometry.rs"]
mod tests;
