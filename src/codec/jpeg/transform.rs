//! The cosine transform of blocks (ISO/IEC 10918-1 A.3.3), in integers.

/// Eight lines of eight.
pub(super) type Square = [[i64; 8]; 8];

/// Bits behind the point of what goes in and comes out.
pub(super) const FRACTION: u32 = 10;

/// Bits behind the point of the cosines.
const SCALE: u32 = 20;

// Half of the cosine of k π / 16.
const C1: i64 = 514_214;
const C2: i64 = 484_379;
const C3: i64 = 435_930;
const C4: i64 = 370_728;
const C5: i64 = 291_279;
const C6: i64 = 200_636;
const C7: i64 = 102_284;

/// Where the coefficients of a stream, from the lowest frequency to the highest, stand in a block (figure A.6).
pub(super) const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, //
    12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28, //
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, //
    58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// Samples, around zero, of coefficients.
pub(super) fn inverse(coefficients: &Square) -> Square {
    transposed(&transposed(&coefficients.map(inverse_line)).map(inverse_line))
}

/// Coefficients of samples around zero.
pub(super) fn forward(samples: &Square) -> Square {
    transposed(&transposed(&samples.map(forward_line)).map(forward_line))
}

fn transposed(square: &Square) -> Square {
    let mut turned = [[0; 8]; 8];
    for (y, line) in square.iter().enumerate() {
        for (value, column) in line.iter().zip(&mut turned) {
            if let Some(slot) = column.get_mut(y) {
                *slot = *value;
            }
        }
    }
    turned
}

fn rounded(line: [i64; 8]) -> [i64; 8] {
    line.map(|value| (value + (1 << (SCALE - 1))) >> SCALE)
}

fn inverse_line([s0, s1, s2, s3, s4, s5, s6, s7]: [i64; 8]) -> [i64; 8] {
    let (sum, difference) = ((s0 + s4) * C4, (s0 - s4) * C4);
    let (wide, narrow) = (s2 * C2 + s6 * C6, s2 * C6 - s6 * C2);
    let (e0, e1, e2, e3) = (sum + wide, difference + narrow, difference - narrow, sum - wide);
    let o0 = s1 * C1 + s3 * C3 + s5 * C5 + s7 * C7;
    let o1 = s1 * C3 - s3 * C7 - s5 * C1 - s7 * C5;
    let o2 = s1 * C5 - s3 * C1 + s5 * C7 + s7 * C3;
    let o3 = s1 * C7 - s3 * C5 + s5 * C3 - s7 * C1;
    rounded([e0 + o0, e1 + o1, e2 + o2, e3 + o3, e3 - o3, e2 - o2, e1 - o1, e0 - o0])
}

fn forward_line([x0, x1, x2, x3, x4, x5, x6, x7]: [i64; 8]) -> [i64; 8] {
    let (a0, a1, a2, a3) = (x0 + x7, x1 + x6, x2 + x5, x3 + x4);
    let (b0, b1, b2, b3) = (x0 - x7, x1 - x6, x2 - x5, x3 - x4);
    rounded([
        (a0 + a1 + a2 + a3) * C4,
        b0 * C1 + b1 * C3 + b2 * C5 + b3 * C7,
        (a0 - a3) * C2 + (a1 - a2) * C6,
        b0 * C3 - b1 * C7 - b2 * C1 - b3 * C5,
        (a0 - a1 - a2 + a3) * C4,
        b0 * C5 - b1 * C1 + b2 * C7 + b3 * C3,
        (a0 - a3) * C6 - (a1 - a2) * C2,
        b0 * C7 - b1 * C5 + b2 * C3 - b3 * C1,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A block by the formula of the standard.
    fn by_formula(coefficients: &Square) -> [[f64; 8]; 8] {
        let basis = |u: usize, x: usize| {
            let scale = if u == 0 { 0.5f64.sqrt() } else { 1.0 };
            scale / 2.0 * ((2 * x + 1) as f64 * u as f64 * std::f64::consts::PI / 16.0).cos()
        };
        let mut samples = [[0.0; 8]; 8];
        for (y, line) in samples.iter_mut().enumerate() {
            for (x, sample) in line.iter_mut().enumerate() {
                for (v, coefficients) in coefficients.iter().enumerate() {
                    for (u, &coefficient) in coefficients.iter().enumerate() {
                        *sample += coefficient as f64 * basis(u, x) * basis(v, y);
                    }
                }
            }
        }
        samples
    }

    #[test]
    fn samples_are_those_of_the_formula_and_lead_back() {
        let mut coefficients = [[0; 8]; 8];
        let mut state = 7i64;
        for value in coefficients.iter_mut().flatten() {
            state = (state * 1_103_515_245 + 12_345) & 0x7FFF_FFFF;
            *value = ((state >> 8) % 4001 - 2000) << FRACTION;
        }
        let samples = inverse(&coefficients);
        let want = by_formula(&coefficients);
        for (got, want) in samples.iter().flatten().zip(want.iter().flatten()) {
            assert!((*got as f64 - want).abs() < 16.0, "{got} for {want}");
        }
        let back = forward(&samples);
        for (got, want) in back.iter().flatten().zip(coefficients.iter().flatten()) {
            assert!((got - want).abs() < 16, "{got} for {want}");
        }
    }
}
