//! The coefficients of a sequential frame, as they stand in its stream.

use super::CodecFault;
use super::bits::Bits;
use super::blocks::Layout;
use super::markers::{self, Process};
use super::scan::Tables;

/// The blocks of a frame of JPEG Baseline or Extended.
#[derive(Clone, PartialEq, Eq)]
pub struct Coefficients {
    /// Bits a sample: 8 or 12.
    pub precision: u8,
    /// One for each component.
    pub planes: Vec<Plane>,
}

/// The blocks of a component.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Plane {
    /// Blocks in a line; those that fill the last MCU up are among them.
    pub columns: usize,
    /// What each coefficient is multiplied with, from the lowest frequency to the highest (zigzag).
    pub steps: Vec<u16>,
    /// Line by line, each from the lowest frequency to the highest (zigzag). Eight times the mean of the samples, less half
    /// their range, is the first multiplied with the first step.
    pub blocks: Vec<[i16; 64]>,
}

impl std::fmt::Debug for Coefficients {
    // Pixels are patient data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bits, {} components", self.precision, self.planes.len())
    }
}

impl std::fmt::Debug for Plane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} blocks, {} in a line", self.blocks.len(), self.columns)
    }
}

/// The coefficients of every block. What is allocated is in proportion to the stream, not to what it claims.
///
/// # Errors
/// [`CodecFault::Unsupported`] for other processes; [`CodecFault::Malformed`].
pub fn coefficients(bytes: &[u8]) -> Result<Coefficients, CodecFault> {
    let stream = markers::parse(bytes)?;
    if stream.process != Process::Sequential {
        return Err(CodecFault::Unsupported);
    }
    let mut planes = vec![Plane::default(); stream.components.len()];
    for scan in &stream.scans {
        let tables = Tables::new(scan);
        let decoders = tables.decoders(15)?;
        let layout = Layout::new(&stream, scan, &tables, &decoders)?;
        for part in &layout.parts {
            if let Some(plane) = planes.get_mut(part.component) {
                plane.columns = scan.mcus.0 * part.blocks.0;
                plane.steps = part.quantisation.to_vec();
            }
        }
        for (interval, range) in scan.intervals.iter().enumerate() {
            let bits = Bits::new(bytes.get(range.clone()).unwrap_or_default());
            let (mut reader, mut last) = (bits.reader(), [0; 3]);
            for mcu in layout.mcus_of(interval) {
                layout.blocks_of(mcu, |place, part, (x, y)| {
                    let (Some(last), Some(plane)) =
                        (last.get_mut(place), planes.get_mut(part.component))
                    else {
                        return Ok(());
                    };
                    let block = part.read(&mut reader, last)?.map(|value| value as i16);
                    let at = y * plane.columns + x;
                    if plane.blocks.len() <= at {
                        plane.blocks.resize((y + 1) * plane.columns, [0; 64]);
                    }
                    if let Some(slot) = plane.blocks.get_mut(at) {
                        *slot = block;
                    }
                    Ok(())
                })?;
                reader.check()?;
            }
        }
    }
    Ok(Coefficients { precision: stream.precision, planes })
}
