//! The facts told the plain way, value by value, with everything at hand: what the quick way has to agree with to the last bit.

use std::time::Duration;

use super::meaning::{Rescale, rises, window};
use super::tests::{image, shape};
use super::*;
use crate::codec::Colour;
use crate::dicom::photometric::Photometric;
use crate::standard::tests::{Image, without_hurry};

/// Frames as values of 16 bits, row by row.
struct Plain<'a> {
    shape: FrameShape,
    frames: Vec<Vec<Vec<u16>>>,
    /// Samples of each frame, as they are decoded.
    samples: Vec<Vec<u8>>,
    scale: Scale,
    view: &'a HeaderView,
    sorted: OnceCell<Vec<u16>>,
}

/// Neighbouring rows or columns of one and the same value: where they begin, where they end, the value.
type Band = (usize, usize, u16);

impl Plain<'_> {
    fn is_padding(&self, value: u16) -> bool {
        self.scale.padding().is_some_and(|(low, high)| (low..=high).contains(&value))
    }

    fn sorted<'f>(&self, frames: impl Iterator<Item = &'f Vec<Vec<u16>>>) -> Vec<u16> {
        let values = frames.flatten().flatten().copied();
        let mut values: Vec<u16> = values.filter(|value| !self.is_padding(*value)).collect();
        values.sort_unstable();
        values
    }

    fn all(&self) -> &[u16] {
        self.sorted.get_or_init(|| self.sorted(self.frames.iter()))
    }

    fn is_blank(&self) -> bool {
        let mut frames = self.frames.iter().map(|frame| self.sorted(std::iter::once(frame)));
        frames.all(|values| values.first() == values.last())
    }

    fn is_ordered(&self) -> bool {
        self.shape.photometric != Photometric::PaletteColor
    }

    fn ordered(&self, share: f64) -> Option<i64> {
        let value = percentile(self.all(), share).filter(|_| self.is_ordered())?;
        Some(self.scale.stored(value))
    }

    fn rescale(&self) -> Option<Rescale> {
        Rescale::of(self.view).filter(|_| self.shape.photometric.is_monochrome())
    }

    fn hounsfield(&self) -> Option<Rescale> {
        self.rescale().filter(|_| is_hounsfield(self.view))
    }

    fn tell(&self, name: &str) -> Value {
        let stored = |value: u16| self.scale.stored(value);
        let all = self.all();
        match name {
            "looked_at" => (self.frames.len() as i64).into(),
            "decodes" | "within_budget" => true.into(),
            "blank" => self.is_blank().into(),
            "all_padding" => all.is_empty().into(),
            "min" => all.first().map(|value| stored(*value)).into(),
            "max" => all.last().map(|value| stored(*value)).into(),
            "p0_5" => self.ordered(0.005).into(),
            "p1" => self.ordered(0.01).into(),
            "p5" => self.ordered(0.05).into(),
            "p50" => self.ordered(0.5).into(),
            "p95" => self.ordered(0.95).into(),
            "p99" => self.ordered(0.99).into(),
            "p99_5" => self.ordered(0.995).into(),
            "spread" => self.spread().into(),
            "spread_share" => {
                let (low, high) = self.shape.range();
                self.spread().map(|spread| spread as f64 / (high - low).max(1) as f64).into()
            }
            "clipped_share" => {
                let clipped = self.outside(false).max(self.outside(true)) as f64;
                self.within_border().map(|within| clipped / within).into()
            }
            "exposed_share" => self.exposed_share().into(),
            "stray_bits" => Value::Unknown,
            "constant_rows" => (self.most(|frame| inner(frame, 1)) as i64).into(),
            "constant_columns" => (self.most(|frame| inner(&turned(frame), 4)) as i64).into(),
            "trailing_share" => (self.most(trailing) as f64 / f64::from(self.shape.rows)).into(),
            "hu_p0_5" => self.units(0.005).into(),
            "hu_p99" => self.units(0.99).into(),
            "hu_tissue" => self.tissue().into(),
            "window_share" => self.window_share().into(),
            "window_spans" => self.window_spans().into(),
            "entropy" => entropy(all).filter(|_| self.is_ordered()).into(),
            "correlation" => self.correlation().filter(|_| self.is_ordered()).into(),
            "background_dark" => self.is_background_dark().into(),
            "identical_frames" => {
                let differ = self.samples.iter().any(|samples| *samples != self.samples[0]);
                (self.samples.len() > 1).then_some(!differ).into()
            }
            "hash" => Value::present(&self.hash().to_hex()),
            unknown => panic!("{unknown} is not told the plain way"),
        }
    }

    fn hash(&self) -> blake3::Hash {
        let (rows, columns) = (self.shape.rows.to_le_bytes(), self.shape.columns.to_le_bytes());
        let words = |bytes: &[u8]| -> Vec<u32> {
            bytes.chunks(4).map(|word| u32::from_le_bytes(word.try_into().expect("4"))).collect()
        };
        let key: Vec<u32> = (1..=1024_u64)
            .map(|place| {
                let state = place.wrapping_mul(0x9E37_79B9_7F4A_7C15);
                let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
                (mixed ^ (mixed >> 31)) as u32
            })
            .collect();
        let mut hashed = [rows, columns].concat();
        for block in self.samples[0].chunks(4096) {
            if block.len() < 4096 {
                hashed.extend(block);
                continue;
            }
            let words = words(block);
            let sum = |at: usize| u64::from(words[at].wrapping_add(key[at]));
            let products = (0..1024).step_by(2).map(|at| sum(at) * sum(at + 1));
            hashed.extend(products.fold(0, u64::wrapping_add).to_le_bytes());
        }
        blake3::hash(&hashed)
    }

    fn spread(&self) -> Option<i64> {
        Some(self.ordered(0.995)? - self.ordered(0.005)?)
    }

    fn units(&self, share: f64) -> Option<f64> {
        let rescale = self.hounsfield()?;
        let share = if rescale.slope < 0.0 { 1.0 - share } else { share };
        Some(rescale.apply(self.ordered(share)?))
    }

    fn tissue(&self) -> Option<f64> {
        let rescale = self.hounsfield()?;
        let limit = self.scale.value(((-400.0 - rescale.intercept) / rescale.slope) as i64);
        let is_tissue =
            |value: &u16| if rescale.slope < 0.0 { *value <= limit } else { *value >= limit };
        let tissue: Vec<u16> = self.all().iter().copied().filter(is_tissue).collect();
        Some(rescale.apply(self.scale.stored(percentile(&tissue, 0.5)?)))
    }

    fn window_share(&self) -> Option<f64> {
        let (rescale, (low, high)) = (self.rescale()?, window(self.view)?);
        let all = self.all();
        let shown = all.iter().map(|value| rescale.apply(self.scale.stored(*value)));
        let within = shown.filter(|value| (low..=high).contains(value)).count();
        (!all.is_empty()).then(|| within as f64 / all.len() as f64)
    }

    fn window_spans(&self) -> Option<f64> {
        let (rescale, (low, high)) = (self.rescale()?, window(self.view)?);
        let range = (self.ordered(0.99)? - self.ordered(0.01)?) as f64 * rescale.slope.abs();
        (range > 0.0).then(|| (high - low) / range)
    }

    fn exposed_share(&self) -> Option<f64> {
        let all = self.all();
        let (low, high) = (f64::from(percentile(all, 0.005)?), f64::from(percentile(all, 0.995)?));
        let margin = (high - low) * 0.05;
        let range = low + margin..=high - margin;
        let exposed = all.iter().filter(|value| range.contains(&f64::from(**value))).count();
        Some((exposed as f64 / self.within_border()?).min(1.0))
    }

    fn within_border(&self) -> Option<f64> {
        let border = self.border(false, 50).0 + self.border(true, 50).0;
        let within = self.all().len().checked_sub(border)?;
        (within > 0 && self.is_ordered() && !self.is_blank()).then_some(within as f64)
    }

    fn is_background_dark(&self) -> Option<bool> {
        let rescale = self.rescale()?;
        let (low, high) = (self.border(false, 10).0, self.border(true, 10).0);
        let least = self.all().len() as f64 * 0.05;
        (low != high && low.max(high) as f64 >= least)
            .then(|| (low > high) == rises(self.view, &self.shape, rescale))
    }

    /// Pixels of all frames at the extreme value of their frame that are in no border.
    fn outside(&self, bright: bool) -> usize {
        let (_, within, all) = self.border(bright, 50);
        all - within
    }

    /// Pixels in the dark or the bright border of all frames; how many of them, and of all, are extreme.
    fn border(&self, bright: bool, part: u32) -> (usize, usize, usize) {
        let (mut all, mut extremes, mut everywhere) = (0, 0, 0);
        for frame in &self.frames {
            let values = self.sorted(std::iter::once(frame));
            let (Some(min), Some(max)) = (values.first(), values.last()) else { continue };
            let (Some(low), Some(high)) = (percentile(&values, 0.005), percentile(&values, 0.995))
            else {
                continue;
            };
            if min == max {
                continue;
            }
            let margin = (u32::from(high - low) / part) as u16;
            let extreme = if bright { *max } else { *min };
            everywhere += values.iter().filter(|value| **value == extreme).count();
            let is_border = |value: &u16| {
                let near = if bright { *value >= high - margin } else { *value <= low + margin };
                near || self.is_padding(*value)
            };
            for row in frame {
                let left = row.iter().take_while(|value| is_border(value)).count();
                let right = row.iter().rev().take_while(|value| is_border(value)).count();
                let places = (0..row.len()).filter(|at| *at < left || *at >= row.len() - right);
                for value in places.map(|at| row[at]).filter(|value| !self.is_padding(*value)) {
                    all += 1;
                    extremes += usize::from(value == extreme);
                }
            }
        }
        (all, extremes, everywhere)
    }

    fn most(&self, of: impl Fn(&[Vec<u16>]) -> usize) -> usize {
        self.frames.iter().map(|frame| of(frame)).max().unwrap_or(0)
    }

    fn correlation(&self) -> Option<f64> {
        let frames = self.frames.iter().filter_map(|frame| {
            let sampled = (0..frame.len()).step_by(8);
            let across =
                sampled.clone().flat_map(|at| frame[at].windows(2).map(|two| (two[0], two[1])));
            let below = sampled.filter(|at| at + 1 < frame.len());
            let down =
                below.flat_map(|at| frame[at].iter().copied().zip(frame[at + 1].iter().copied()));
            let told = [self.alike(across), self.alike(down)];
            told.into_iter().flatten().reduce(f64::max)
        });
        frames.reduce(f64::max)
    }

    fn alike(&self, pairs: impl Iterator<Item = (u16, u16)>) -> Option<f64> {
        let is_pixel = |pair: &(u16, u16)| !self.is_padding(pair.0) && !self.is_padding(pair.1);
        let pairs: Vec<(u64, u64)> =
            pairs.filter(is_pixel).map(|(one, other)| (one.into(), other.into())).collect();
        let mean = |of: fn(&(u64, u64)) -> u64| {
            pairs.iter().map(of).sum::<u64>() as f64 / pairs.len() as f64
        };
        let (first, second) = (mean(|pair| pair.0), mean(|pair| pair.1));
        let one = mean(|pair| pair.0 * pair.0) - first * first;
        let other = mean(|pair| pair.1 * pair.1) - second * second;
        let both = mean(|pair| pair.0 * pair.1) - first * second;
        (pairs.len() >= 64 && one > 1e-3 && other > 1e-3).then(|| both / (one * other).sqrt())
    }
}

fn percentile(sorted: &[u16], share: f64) -> Option<u16> {
    let wanted = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(wanted.max(1) - 1).copied()
}

fn entropy(sorted: &[u16]) -> Option<f64> {
    let (low, high) = (percentile(sorted, 0.005)?, percentile(sorted, 0.995)?);
    let width = usize::from(high - low) + 1;
    let mut bins = [0_usize; 256];
    for value in sorted {
        bins[usize::from(*value.clamp(&low, &high) - low) * 256 / width] += 1;
    }
    let shares = bins.iter().filter(|count| **count > 0);
    let shares = shares.map(|count| *count as f64 / sorted.len() as f64);
    Some(shares.fold(0.0, |entropy, share| entropy - share * share.log2()))
}

fn turned(frame: &[Vec<u16>]) -> Vec<Vec<u16>> {
    (0..frame[0].len()).map(|column| frame.iter().map(|row| row[column]).collect()).collect()
}

fn bands(rows: &[Vec<u16>]) -> Vec<Band> {
    let mut bands: Vec<Band> = Vec::new();
    for (at, row) in rows.iter().enumerate().filter(|(_, row)| row.iter().all(|v| *v == row[0])) {
        match bands.last_mut() {
            Some((_, end, value)) if *end == at && *value == row[0] => *end += 1,
            Some(_) | None => bands.push((at, at + 1, row[0])),
        }
    }
    bands
}

fn is_picture(row: &[u16], value: u16) -> bool {
    row.iter().filter(|other| **other != value).count() * 2 >= row.len()
}

/// The longest band that interrupts a picture, of those that are long enough.
fn inner(rows: &[Vec<u16>], least: usize) -> usize {
    let bands = bands(rows).into_iter().filter(|(first, end, value)| {
        end - first >= least
            && *first > 0
            && *end < rows.len()
            && is_picture(&rows[first - 1], *value)
            && is_picture(&rows[*end], *value)
    });
    bands.map(|(first, end, _)| end - first).max().unwrap_or(0)
}

fn trailing(rows: &[Vec<u16>]) -> usize {
    let (lines, columns) = (bands(rows), bands(&turned(rows)));
    let Some((first, end, value)) = lines.last().copied() else { return 0 };
    let begins = |by: usize| is_picture(&rows[first - by], value);
    if first < 2 || end < rows.len() || !(begins(1) || begins(2)) {
        return 0;
    }
    let top = lines.first().filter(|band| band.0 == 0);
    let left = columns.first().filter(|band| band.0 == 0);
    let right = columns.last().filter(|band| band.1 == rows[0].len());
    let alike = [top, left, right].into_iter().flatten().filter(|band| band.2 == value);
    (end - first).saturating_sub(alike.map(|band| band.1 - band.0).max().unwrap_or(0))
}

/// Frames of samples that are at hand, shown so many rows at a time.
struct Held {
    shape: FrameShape,
    colour: Colour,
    frames: Vec<Vec<u8>>,
    strip: usize,
}

impl PixelSource for Held {
    fn shape(&self) -> Result<FrameShape, PixelFault> {
        Ok(self.shape)
    }

    fn frames(&self) -> Result<u32, PixelFault> {
        Ok(self.frames.len() as u32)
    }

    fn look(&self, index: u32, see: See<'_>) -> Result<(), PixelFault> {
        let (colour, sample_bytes) = (self.colour, self.shape.sample_bytes() as u8);
        let strips = self.frames[index as usize].chunks(grey::row_bytes(&self.shape) * self.strip);
        for samples in strips {
            see(&Strip { colour, sample_bytes, samples, stray_bits: None })?;
        }
        Ok(())
    }

    fn spent(&self) -> Duration {
        Duration::ZERO
    }
}

/// The values of a frame, by arithmetic on numbers of 64 bits.
fn plain_frame(held: &Held, scale: Scale, samples: &[u8]) -> Vec<Vec<u16>> {
    let (shape, width) = (&held.shape, held.shape.sample_bytes());
    let number = |bytes: &[u8]| {
        let number = bytes.iter().rev().fold(0_i64, |all, byte| all << 8 | i64::from(*byte));
        let top = 1 << (8 * width - 1);
        let signed = shape.signed && held.colour == Colour::Single;
        scale.value(if signed && number >= top { number - 2 * top } else { number })
    };
    let values = samples.chunks(width * shape.samples()).map(|pixel| {
        let parts: Vec<u32> = pixel.chunks(width).map(|part| number(part).into()).collect();
        match held.colour {
            Colour::Single | Colour::Ybr => parts[0] as u16,
            Colour::Rgb => ((77 * parts[0] + 150 * parts[1] + 29 * parts[2]) / 256) as u16,
        }
    });
    let values: Vec<u16> = values.collect();
    values.chunks(usize::from(shape.columns)).map(<[u16]>::to_vec).collect()
}

/// What is drawn, as shares of the range.
#[derive(Debug, Clone, Copy)]
enum Scene {
    Noise,
    Body,
    Collimated,
    LostRows,
    LostColumns,
    Interrupted,
    OneValue,
    FewLevels,
}

const SCENES: [Scene; 8] = [
    Scene::Noise,
    Scene::Body,
    Scene::Collimated,
    Scene::LostRows,
    Scene::LostColumns,
    Scene::Interrupted,
    Scene::OneValue,
    Scene::FewLevels,
];

impl Scene {
    /// 0 to 1.
    fn level(
        self,
        (row, column): (usize, usize),
        (rows, columns): (usize, usize),
        grain: f64,
    ) -> f64 {
        let (across, down) = (column as f64 / columns as f64, row as f64 / rows as f64);
        let away = (across - 0.5).hypot(down - 0.45);
        let body = if away < 0.4 { 0.5 + 0.4 * (0.4 - away) + grain / 20.0 } else { grain / 90.0 };
        match self {
            Self::Noise => grain,
            Self::Body => body,
            Self::Collimated if (0.2..0.8).contains(&across) && down > 0.1 => 0.3 + grain / 4.0,
            Self::Collimated => 1.0,
            Self::LostRows if (0.4..0.6).contains(&down) => 0.0,
            Self::LostColumns if (0.4..0.6).contains(&across) => 0.0,
            Self::Interrupted if row * columns + column > rows * columns * 7 / 10 => 0.0,
            Self::LostRows | Self::LostColumns | Self::Interrupted => 0.2 + body,
            Self::OneValue => 0.25,
            Self::FewLevels => 0.5 + 0.0001 * (grain * 3.0).floor(),
        }
    }
}

fn held(shape: FrameShape, scene: Scene, frames: usize, strip: usize) -> Held {
    let (low, high) = shape.range();
    let mut bits = 0x9E37_79B9_u32;
    let mut grain = move || {
        bits ^= bits << 13;
        bits ^= bits >> 17;
        bits ^= bits << 5;
        f64::from(bits) / f64::from(u32::MAX)
    };
    let (rows, columns) = (usize::from(shape.rows), usize::from(shape.columns));
    let mut draw = |frame: usize| {
        let mut samples = Vec::new();
        for place in (0..rows * columns).map(|at| (at / columns, at % columns)) {
            for part in 0..shape.samples() {
                let level =
                    scene.level(place, (rows, columns), grain()) * (1.0 - 0.1 * part as f64);
                let level = (level - 0.05 * frame as f64).clamp(0.0, 1.0);
                let value = low + ((high - low) as f64 * level) as i64;
                samples.extend(&value.to_le_bytes()[..shape.sample_bytes()]);
            }
        }
        samples
    };
    let colour = match shape.photometric {
        Photometric::Rgb => Colour::Rgb,
        Photometric::YbrFull => Colour::Ybr,
        _ => Colour::Single,
    };
    let mut drawn: Vec<Vec<u8>> = (0..frames.min(2)).map(&mut draw).collect();
    // The third is the second again.
    let again: Vec<Vec<u8>> =
        drawn.iter().skip(1).cycle().take(frames.saturating_sub(2)).cloned().collect();
    drawn.extend(again);
    Held { shape, colour, frames: drawn, strip }
}

/// All facts, asked for one by one and all at once.
#[track_caller]
fn check(held: &Held, image: &Image, what: &str) {
    let all_at_once = needs_at(0..PIXEL_FACTS.len());
    let looking = without_hurry(Looking { step: 1, ..Looking::default() });
    for expected in [Needs::default(), all_at_once] {
        image.look_at_pixels(held, looking, |subject| {
            subject.expect_pixels(expected);
            let padding = padding(subject.view(), &held.shape);
            let padding = padding.filter(|_| held.shape.photometric.is_monochrome());
            let scale = Scale::of(&held.shape).padded(padding);
            let plain = Plain {
                shape: held.shape,
                frames: held.frames.iter().map(|frame| plain_frame(held, scale, frame)).collect(),
                samples: held.frames.clone(),
                scale,
                view: subject.view(),
                sorted: OnceCell::new(),
            };
            for fact in PIXEL_FACTS {
                assert_eq!(
                    subject.pixel(fact.name),
                    plain.tell(fact.name),
                    "{}, {what}",
                    fact.name
                );
            }
        });
    }
}

#[test]
fn every_fact_of_every_kind_of_pixels_is_what_it_is_the_plain_way() {
    use Photometric::{Monochrome1, Monochrome2, PaletteColor, Rgb, YbrFull};
    let depths = [(8, 8), (8, 6), (16, 12), (16, 16), (16, 9), (32, 32), (32, 20), (1, 1)];
    let kinds = [Monochrome1, Monochrome2, PaletteColor, Rgb, YbrFull];
    let mut number = 0;
    for ((allocated, stored), photometric) in
        depths.into_iter().flat_map(|depth| kinds.map(|kind| (depth, kind)))
    {
        for (signed, scene) in [false, true].into_iter().flat_map(|sign| SCENES.map(|s| (sign, s)))
        {
            number += 1;
            if allocated == 1 && (photometric != Monochrome2 || signed) {
                continue;
            }
            let sizes = [(41, 67), (8, 64), (9, 33), (70, 16), (3, 7)];
            let (rows, columns) = sizes[number % sizes.len()];
            let high_bit = stored - 1;
            let shape = FrameShape {
                rows,
                columns,
                photometric,
                allocated,
                stored,
                high_bit,
                signed,
                planar: false,
            };
            let (low, high) = shape.range();
            let held = held(shape, scene, 1 + number % 3, [1, 5, 100][number % 3]);
            // No padding; the dark end of the picture; most of it; a value that is not there.
            let reach = (high - low) / 64;
            let padding =
                [None, Some((low, low + reach)), Some((low, high - reach)), Some((high, high))];
            let image = match padding[number % 4] {
                None => image(),
                Some((first, last)) => image()
                    .with("PixelPaddingValue", first as u16)
                    .with("PixelPaddingRangeLimit", last as u16),
            };
            let slope = ["1", "-1", "0.5", "1e-3"][number / 4 % 4];
            let image = image.with("RescaleSlope", slope).with("RescaleIntercept", "-1024");
            check(&held, &image, &format!("{shape:?}, {scene:?}, slope {slope}"));
        }
    }
}

#[test]
fn rows_wider_and_frames_longer_than_what_is_at_hand_are_looked_at_alike() {
    for (rows, columns) in [(9, 20_000), (3000, 12), (1, 40_000), (170, 200)] {
        for padded in [false, true] {
            let shape = FrameShape { rows, columns, signed: true, ..shape() };
            let held = held(shape, Scene::Body, 1, 7);
            let image =
                if padded { image().with("PixelPaddingValue", 0xF800_u16) } else { image() };
            check(&held, &image, &format!("{rows} by {columns}, padded: {padded}"));
        }
    }
}
