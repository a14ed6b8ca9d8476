//! Facts that need pixels: what a frame shows, not what the data set says of it. Rules of level `pixel` read one as
//! `pixel.NAME`.
//!
//! A [`Subject`](super::Subject) that carries a [`PixelSource`] has its frames looked at when the first of these facts is asked
//! for, and never before. Of a multi-frame image some frames stand for all ([`Looking`]). A frame is seen row by row, nothing is
//! kept of it, and only what some fact [needs](Needs) is found out. Stored values are counted, and almost everything follows from
//! that count; Pixel Padding is left out of it. Colours are told by their luminance; of palettes nothing is told that takes an order
//! of values.
//!
//! A fact judges nothing, and no picture makes one fail: what cannot be told is unknown, and [`PixelFault`] says why. Nothing
//! here tells right from left: what a border or a marker in the picture suggests decides no laterality (PIX-015).

mod border;
mod frame;
mod grey;
mod histogram;
mod likeness;
mod meaning;
mod needs;
mod picture;
mod source;
mod structure;

use std::cell::{Cell, OnceCell, RefCell};

use crate::codec::FrameShape;
use crate::expression::{Declarations, Kind, Value};
use crate::object::HeaderView;

pub use meaning::{is_hounsfield, padding};
pub use needs::Needs;
pub use source::{Looking, PixelFault, PixelSource, See, Strip};

use super::about::{About, about};
use frame::Plan;
use grey::Scale;
use histogram::Counters;
use meaning::Meaning;
use picture::Picture;

/// A fact that conditions of level `pixel` may use.
#[derive(Debug, Clone, Copy)]
pub struct PixelFact {
    /// Its name, after `pixel.`.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What it says, in a line for the manual.
    pub about: About,
    needs: Needs,
    compute: fn(&Looked) -> Value,
}

/// What came of looking.
#[derive(Debug)]
struct Looked {
    /// The frames that were looked at, as one; `None` of none.
    picture: Option<Picture>,
    /// Why not all were looked at that were to be.
    fault: Option<PixelFault>,
    /// What they were looked at for.
    needs: Needs,
}

const fn fact(
    name: &'static str,
    kind: Kind,
    about: About,
    needs: Needs,
    compute: fn(&Looked) -> Value,
) -> PixelFact {
    PixelFact { name, kind, about, needs, compute }
}

/// A fact of a picture; unknown without one.
macro_rules! of {
    ($tell:expr) => {
        |looked| {
            looked.picture.as_ref().map_or(Value::Unknown, |picture| {
                let tell: fn(&Picture) -> Value = $tell;
                tell(picture)
            })
        }
    };
}

/// Every fact that needs pixels.
pub const PIXEL_FACTS: &[PixelFact] = &[
    fact(
        "looked_at",
        Kind::Number,
        about(
            "查看的帧数：首帧、中间帧、末帧，及每隔若干帧取一帧",
            "frames that were looked at: the first, the middle, the last, and every so many",
        ),
        Needs::FRAME,
        of!(|picture| i64::from(picture.looked_at()).into()),
    ),
    fact(
        "decodes",
        Kind::Bool,
        about(
            "要查看的帧是否能解码且与数据集所述相符；非因其自身而不能解码时未知",
            "whether the frames to be looked at could be decoded, and are what the data set says; unknown where they could not for a reason other than theirs",
        ),
        Needs::FRAME,
        |looked| match looked.fault {
            Some(fault) if fault.is_damage() => false.into(),
            Some(_) => Value::Unknown,
            None => true.into(),
        },
    ),
    fact(
        "within_budget",
        Kind::Bool,
        about(
            "时间和内存是否足以看完所有要查看的帧",
            "whether time and memory were enough to look at all frames that were to be looked at",
        ),
        Needs::FRAME,
        |looked| match (looked.fault, &looked.picture) {
            (Some(PixelFault::OverBudget), _) => false.into(),
            (_, Some(_)) => true.into(),
            (_, None) => Value::Unknown,
        },
    ),
    fact(
        "blank",
        Kind::Bool,
        about(
            "查看的各帧是否均只有一个值（不计填充值）",
            "whether each frame looked at has one value throughout, padding left out",
        ),
        Needs::FRAME,
        of!(|picture| picture.is_blank().into()),
    ),
    fact(
        "all_padding",
        Kind::Bool,
        about("是否只有填充值", "whether there is nothing but padding"),
        Needs::FRAME,
        of!(|picture| picture.is_all_padding().into()),
    ),
    fact(
        "min",
        Kind::Number,
        about("存储值的最小值", "the least stored value"),
        Needs::VALUES,
        of!(|picture| picture.min().into()),
    ),
    fact(
        "max",
        Kind::Number,
        about("存储值的最大值", "the greatest stored value"),
        Needs::VALUES,
        of!(|picture| picture.max().into()),
    ),
    fact(
        "p0_5",
        Kind::Number,
        about("存储值的第 0.5 百分位", "percentile 0.5 of the stored values"),
        Needs::VALUES,
        of!(|picture| picture.percentile(0.005).into()),
    ),
    fact(
        "p1",
        Kind::Number,
        about("第 1 百分位", "percentile 1"),
        Needs::VALUES,
        of!(|picture| picture.percentile(0.01).into()),
    ),
    fact(
        "p5",
        Kind::Number,
        about("第 5 百分位", "percentile 5"),
        Needs::VALUES,
        of!(|picture| picture.percentile(0.05).into()),
    ),
    fact(
        "p50",
        Kind::Number,
        about("中位数", "the median"),
        Needs::VALUES,
        of!(|picture| picture.percentile(0.5).into()),
    ),
    fact(
        "p95",
        Kind::Number,
        about("第 95 百分位", "percentile 95"),
        Needs::VALUES,
        of!(|picture| picture.percentile(0.95).into()),
    ),
    fact(
        "p99",
        Kind::Number,
        about("第 99 百分位", "percentile 99"),
        Needs::VALUES,
        of!(|picture| picture.percentile(0.99).into()),
    ),
    fact(
        "p99_5",
        Kind::Number,
        about("第 99.5 百分位", "percentile 99.5"),
        Needs::VALUES,
        of!(|picture| picture.percentile(0.995).into()),
    ),
    fact(
        "spread",
        Kind::Number,
        about("第 0.5 至第 99.5 百分位之间的灰度级数", "levels from percentile 0.5 to 99.5"),
        Needs::VALUES,
        of!(|picture| picture.spread().into()),
    ),
    fact(
        "spread_share",
        Kind::Number,
        about(
            "同上，占存储位数所容全部灰度级的比例，0 至 1",
            "the same as a share of all levels that Bits Stored allows, 0 to 1",
        ),
        Needs::VALUES,
        of!(|picture| picture.spread_share().into()),
    ),
    fact(
        "clipped_share",
        Kind::Number,
        about(
            "取最小值或最大值的像素所占比例中较大者，不计边框；0 至 1",
            "the share of pixels at the least or at the greatest value, whichever is greater, borders left out; 0 to 1",
        ),
        Needs::BORDER,
        of!(|picture| picture.clipped_share().into()),
    ),
    fact(
        "exposed_share",
        Kind::Number,
        about(
            "位于第 0.5 与第 99.5 百分位之间 5% 至 95% 处的像素所占比例，不计边框；0 至 1",
            "the share of pixels between 5 % and 95 % of the way from percentile 0.5 to 99.5, borders left out; 0 to 1",
        ),
        Needs::BORDER,
        of!(|picture| picture.exposed_share().into()),
    ),
    fact(
        "stray_bits",
        Kind::Bool,
        about(
            "未压缩样本在存储位之外是否有既非符号也非叠加层的位",
            "whether native samples have bits set beside the stored ones that are neither their sign nor an overlay",
        ),
        Needs::FRAME,
        of!(|picture| picture.stray_bits().into()),
    ),
    fact(
        "constant_rows",
        Kind::Number,
        about(
            "图像中间连续只有一个值的最多行数",
            "the most neighbouring rows with one value throughout that interrupt a picture",
        ),
        Needs::STRUCTURE,
        of!(|picture| picture.constant_rows().into()),
    ),
    fact(
        "constant_columns",
        Kind::Number,
        about("图像中间连续只有一个值的最多列数", "the same of columns"),
        Needs::STRUCTURE,
        of!(|picture| picture.constant_columns().into()),
    ),
    fact(
        "trailing_share",
        Kind::Number,
        about(
            "图像中断而他处无此边框时，下端只有一个值的行所占比例；0 至 1",
            "the share of rows at the lower end with one value throughout, where the picture breaks off and has no such border elsewhere; 0 to 1",
        ),
        Needs::STRUCTURE,
        of!(|picture| picture.trailing_share().into()),
    ),
    fact(
        "hu_p0_5",
        Kind::Number,
        about(
            "第 0.5 百分位，以 HU 计；非 HU 值时未知",
            "percentile 0.5 in Hounsfield units; unknown of other values",
        ),
        Needs::VALUES,
        of!(|picture| picture.hounsfield(0.005).into()),
    ),
    fact(
        "hu_p99",
        Kind::Number,
        about("第 99 百分位，以 HU 计", "percentile 99 in Hounsfield units"),
        Needs::VALUES,
        of!(|picture| picture.hounsfield(0.99).into()),
    ),
    fact(
        "hu_tissue",
        Kind::Number,
        about(
            "高于 -400 HU（非空气）部分的中位数",
            "the median of what is no air, above -400 Hounsfield units",
        ),
        Needs::VALUES,
        of!(|picture| picture.tissue().into()),
    ),
    fact(
        "window_share",
        Kind::Number,
        about(
            "落在第一个窗内的像素所占比例，0 至 1；无窗时未知",
            "the share of pixels within the first window, 0 to 1; unknown without one",
        ),
        Needs::VALUES,
        of!(|picture| picture.window_share().into()),
    ),
    fact(
        "window_spans",
        Kind::Number,
        about(
            "首个窗口的宽度是第 1 至第 99 百分位范围的多少倍；没有窗口或只有一个值时未知",
            "how many times the first window is as wide as the range from percentile 1 to 99; unknown without one, or of one value",
        ),
        Needs::VALUES,
        of!(|picture| picture.window_spans().into()),
    ),
    fact(
        "entropy",
        Kind::Number,
        about(
            "第 0.5 至第 99.5 百分位分为 256 格的熵，比特",
            "the entropy of 256 bins from percentile 0.5 to 99.5, in bits",
        ),
        Needs::VALUES,
        of!(|picture| picture.entropy().into()),
    ),
    fact(
        "correlation",
        Kind::Number,
        about(
            "相邻像素的相似程度：噪声近于 0，图像近于 1",
            "how alike neighbours are: near 0 of noise, near 1 of a picture",
        ),
        Needs::LIKENESS,
        of!(|picture| picture.correlation().into()),
    ),
    fact(
        "background_dark",
        Kind::Bool,
        about(
            "身体以外的背景是否显示为暗；周围没有背景或不知如何显示时未知",
            "whether what lies around the body is shown dark; unknown where there is nothing around it, or it cannot be told how values are shown",
        ),
        Needs::BORDER,
        of!(|picture| picture.is_background_dark().into()),
    ),
    fact(
        "identical_frames",
        Kind::Bool,
        about(
            "查看的各帧是否完全相同；单帧时未知",
            "whether all frames looked at are the same; unknown of a single frame",
        ),
        Needs::SAMENESS,
        of!(|picture| picture.has_identical_frames().into()),
    ),
    fact(
        "hash",
        Kind::Text,
        about(
            "首帧尺寸与样本的散列值，64 位十六进制数字",
            "a hash of size and samples of the first frame, 64 hexadecimal digits",
        ),
        Needs::HASH,
        of!(|picture| picture.hash().map_or(Value::Unknown, |hash| Value::present(&hash.to_hex()))),
    ),
];

/// The place in [`PIXEL_FACTS`] of the fact of this name.
#[must_use]
pub fn index_of(name: &str) -> Option<usize> {
    PIXEL_FACTS.iter().position(|fact| fact.name == name)
}

/// What the facts that conditions name need; other names need nothing.
#[must_use]
pub(super) fn needs<'n>(names: impl Iterator<Item = &'n str>) -> Needs {
    let facts = names.filter_map(|name| index_of(name.strip_prefix("pixel.")?));
    needs_at(facts)
}

/// What the facts at these places in [`PIXEL_FACTS`] need.
#[must_use]
pub(super) fn needs_at(places: impl Iterator<Item = usize>) -> Needs {
    let facts = places.filter_map(|place| PIXEL_FACTS.get(place));
    facts.fold(Needs::default(), |all, fact| all.with(fact.needs))
}

/// Adds the facts that need pixels to what a condition may name.
#[must_use]
pub(super) fn declare(declarations: Declarations) -> Declarations {
    PIXEL_FACTS.iter().fold(declarations, |all, fact| {
        all.with_variable(&format!("pixel.{}", fact.name), fact.kind)
    })
}

/// The pixels of one object: looked at when they are asked for, as a rule once.
pub(super) struct Pixels<'a> {
    source: &'a dyn PixelSource,
    looking: Looking,
    /// What they are looked at for, once anybody asks.
    expected: Cell<Needs>,
    looked: RefCell<Option<Looked>>,
    facts: Vec<OnceCell<Value>>,
}

impl<'a> Pixels<'a> {
    pub(super) fn new(source: &'a dyn PixelSource, looking: Looking) -> Self {
        Self {
            source,
            looking,
            expected: Cell::default(),
            looked: RefCell::default(),
            facts: PIXEL_FACTS.iter().map(|_| OnceCell::new()).collect(),
        }
    }

    /// Says what will be asked for, so that one look is enough. Whatever else is asked for takes another.
    pub(super) fn expect(&self, needs: Needs) {
        self.expected.set(self.expected.get().with(needs));
    }

    /// The fact at this place in [`PIXEL_FACTS`].
    pub(super) fn fact(&self, index: usize, view: &HeaderView) -> Value {
        let (Some(fact), Some(cell)) = (PIXEL_FACTS.get(index), self.facts.get(index)) else {
            return Value::Unknown;
        };
        cell.get_or_init(|| self.looked(fact.needs, view, fact.compute)).clone()
    }

    /// What was met, if anybody has looked.
    pub(super) fn fault(&self) -> Option<PixelFault> {
        self.looked.borrow().as_ref()?.fault
    }

    /// See [`Subject::pixel_hash`](super::Subject::pixel_hash).
    pub(super) fn hash(&self, view: &HeaderView) -> Option<[u8; 32]> {
        self.looked(Needs::HASH, view, |looked| {
            let picture = looked.picture.as_ref().filter(|picture| !picture.is_blank())?;
            picture.hash().map(|hash| *hash.as_bytes())
        })
    }

    fn looked<T>(&self, needs: Needs, view: &HeaderView, tell: impl FnOnce(&Looked) -> T) -> T {
        let mut looked = self.looked.borrow_mut();
        let looked = match &mut *looked {
            Some(looked) if looked.needs.cover(needs) => looked,
            looked => {
                self.expect(needs);
                looked.insert(self.look(view))
            }
        };
        tell(looked)
    }

    fn look(&self, view: &HeaderView) -> Looked {
        let needs = self.expected.get();
        let begun = self.source.spent();
        let (shape, frames) = match self.extent() {
            Ok(extent) => extent,
            Err(fault) => return Looked { picture: None, fault: Some(fault), needs },
        };
        let padding = padding(view, &shape).filter(|_| shape.photometric.is_monochrome());
        let scale = Scale::of(&shape).padded(padding);
        let allowed = || match self.source.spent().saturating_sub(begun) > self.looking.time {
            true => Err(PixelFault::OverBudget),
            false => Ok(()),
        };
        let mut counters = Counters::default();
        let mut picture = Picture::new(shape, Meaning::of(view, &shape), frames.len());
        let fault = frames.into_iter().find_map(|frame| {
            let plan =
                Plan { shape, scale, needs, hashes: picture.hashes(needs), allowed: &allowed };
            let seen = allowed().and_then(|()| plan.look(self.source, frame, &mut counters));
            seen.map(|seen| picture.add(seen)).err()
        });
        Looked { picture: (picture.looked_at() > 0).then_some(picture), fault, needs }
    }

    /// What frames are, and which to look at.
    fn extent(&self) -> Result<(FrameShape, Vec<u32>), PixelFault> {
        let shape = self.source.shape()?;
        if shape.decoded_bytes()? as u64 > self.looking.memory {
            return Err(PixelFault::OverBudget);
        }
        Ok((shape, self.looking.frames(self.source.frames()?)))
    }
}

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
