//! What the pictures show.

use super::super::picture::{Field, Scene, Shape};
use super::super::specimen::Specimen;

fn seed(specimen: &Specimen) -> u32 {
    // The low half: pictures need not differ for all seeds, only for neighbouring ones.
    let low = u32::try_from(specimen.seed & 0xFFFF_FFFF).unwrap_or_default();
    low.wrapping_mul(0x9E37_79B9).wrapping_add(specimen.series).wrapping_add(specimen.instance << 8)
}

/// How far the slice lies from the middle of the lungs, 0 to 1.
fn height(specimen: &Specimen) -> f32 {
    let step = specimen.instance.saturating_sub(1) % 200;
    let step = f32::from(u16::try_from(step).unwrap_or_default()) / 100.0;
    (step - 1.0).abs() * 0.5
}

/// An axial slice through the chest, in Hounsfield units.
pub(super) fn chest_slice(specimen: &Specimen) -> Scene {
    let away = height(specimen);
    let lung = 0.42 - 0.12 * away;
    let mut shapes = vec![
        // Skin, fat, muscle.
        Shape::new((0.0, 0.0), (0.86, 0.62), -90.0).soft(0.02).textured(25.0),
        Shape::new((0.0, 0.0), (0.79, 0.55), 50.0).soft(0.03).textured(20.0),
        // Lungs with some parenchyma.
        Shape::new((-0.38, -0.02), (0.31, lung), -860.0).soft(0.12).textured(60.0),
        Shape::new((0.38, -0.02), (0.31, lung), -860.0).soft(0.12).textured(60.0),
        // Mediastinum, heart, aorta.
        Shape::new((0.0, -0.08), (0.14, 0.36), 30.0).soft(0.25).textured(15.0),
        Shape::new((0.10, -0.14), (0.25, 0.22), 55.0).soft(0.15).textured(15.0),
        Shape::new((0.10, 0.22), (0.055, 0.055), 150.0).soft(0.2),
        // Trachea, spine and its canal, sternum, the table.
        Shape::new((0.0, 0.06), (0.035, 0.04), -980.0).soft(0.3),
        Shape::new((0.0, 0.36), (0.11, 0.10), 420.0).soft(0.35).textured(80.0),
        Shape::new((0.0, 0.47), (0.04, 0.04), 20.0).soft(0.3),
        Shape::new((0.0, -0.50), (0.10, 0.03), 350.0).soft(0.4).textured(60.0),
        Shape::new((0.0, 0.72), (0.70, 0.05), -300.0).soft(0.1),
    ];
    for (x, y, cosine, sine) in [
        (-0.70, -0.20, 0.3, -0.95),
        (0.70, -0.20, 0.3, 0.95),
        (-0.72, 0.15, 0.2, 0.98),
        (0.72, 0.15, 0.2, -0.98),
        (-0.45, 0.46, 0.9, 0.44),
        (0.45, 0.46, 0.9, -0.44),
        (-0.42, -0.47, 0.9, -0.44),
        (0.42, -0.47, 0.9, 0.44),
    ] {
        shapes.push(Shape::new((x, y), (0.11, 0.028), 520.0).turned(cosine, sine).soft(0.4));
    }
    // Vessels of the lungs, thinner away from the hilum.
    for (index, side) in
        [-1.0_f32, 1.0].into_iter().flat_map(|side| (0_u8..7).map(move |i| (i, side)))
    {
        let step = f32::from(index);
        let (x, y) = (side * (0.22 + 0.05 * step), -0.26 + 0.08 * step + 0.1 * away);
        shapes.push(
            Shape::new((x, y), (0.075 - 0.006 * step, 0.012), 20.0)
                .turned(0.8, side * (0.6 - 0.2 * step))
                .soft(0.6),
        );
    }
    Scene {
        grain: 18.0,
        field: Field::Round,
        outside: -1024.0,
        moving: 60.0,
        seed: seed(specimen),
        ..Scene::new(-1000.0, shapes)
    }
}

/// A chest radiograph seen from behind, 0 black to 1 white.
pub(super) fn chest_projection(specimen: &Specimen) -> Scene {
    let mut shapes = vec![
        // Shoulders and trunk, then the lungs, darker.
        Shape::new((0.0, 0.15), (0.95, 1.10), 0.62).soft(0.35).textured(0.02),
        Shape::new((0.0, -0.95), (0.22, 0.35), 0.60).soft(0.5),
        Shape::new((-0.37, -0.05), (0.32, 0.66), 0.20).soft(0.5).textured(0.05),
        Shape::new((0.38, -0.05), (0.31, 0.64), 0.20).soft(0.5).textured(0.05),
        // Mediastinum, spine, heart, aortic arch, diaphragm.
        Shape::new((0.0, -0.10), (0.13, 0.85), 0.72).soft(0.5),
        Shape::new((0.0, 0.0), (0.06, 1.0), 0.80).soft(0.9).textured(0.06),
        Shape::new((0.13, 0.22), (0.27, 0.30), 0.74).soft(0.35),
        Shape::new((0.10, -0.32), (0.10, 0.09), 0.70).soft(0.5),
        Shape::new((-0.42, 0.78), (0.48, 0.30), 0.82).soft(0.25),
        Shape::new((0.45, 0.84), (0.46, 0.30), 0.78).soft(0.25),
        // Clavicles, hila.
        Shape::new((-0.38, -0.66), (0.36, 0.035), 0.15).turned(0.97, -0.22).soft(0.8).added(),
        Shape::new((0.38, -0.66), (0.36, 0.035), 0.15).turned(0.97, 0.22).soft(0.8).added(),
        Shape::new((-0.17, -0.05), (0.08, 0.14), 0.45).soft(0.9).textured(0.08),
        Shape::new((0.19, -0.08), (0.08, 0.14), 0.45).soft(0.9).textured(0.08),
    ];
    for (rib, side) in
        [-1.0_f32, 1.0].into_iter().flat_map(|side| (0_u8..8).map(move |r| (r, side)))
    {
        let y = -0.55 + 0.155 * f32::from(rib);
        let rib = Shape::new((side * 0.42, y), (0.30, 0.028), 0.10).turned(0.94, side * 0.34);
        shapes.push(rib.soft(0.9).added());
    }
    Scene { grain: 0.012, seed: seed(specimen), ..Scene::new(0.04, shapes) }
}

/// A breast on the right edge of the picture, glandular tissue within.
pub(super) fn breast(specimen: &Specimen) -> Scene {
    let mut shapes = vec![
        Shape::new((0.85, 0.05), (1.15, 0.80), 0.34).soft(0.25).textured(0.05),
        Shape::new((0.80, -0.75), (0.55, 0.75), 0.80).turned(0.88, -0.47).soft(0.3),
        Shape::new((0.35, 0.10), (0.45, 0.38), 0.58).soft(0.8).textured(0.16),
        Shape::new((0.10, 0.02), (0.22, 0.18), 0.66).soft(0.9).textured(0.14),
    ];
    for index in 0_u8..9 {
        let step = f32::from(index);
        let place = (0.65 - 0.07 * step, -0.25 + 0.085 * step);
        let duct = Shape::new(place, (0.20, 0.012), 0.72).turned(0.95, 0.07 * step - 0.31);
        shapes.push(duct.soft(0.9));
        let speck = (0.20 - 0.011 * step, 0.20 - 0.013 * step * (step - 7.0) * 0.2);
        shapes.push(Shape::new(speck, (0.004, 0.004), 0.95).soft(0.5));
    }
    Scene { grain: 0.010, seed: seed(specimen), ..Scene::new(0.0, shapes) }
}

/// An axial slice through the head, T2 weighted: water is white.
pub(super) fn head_slice(specimen: &Specimen) -> Scene {
    let away = height(specimen);
    let shapes = vec![
        // Scalp, skull, liquor, grey matter, white matter.
        Shape::new((0.0, 0.0), (0.70, 0.86), 0.50).soft(0.03).textured(0.05),
        Shape::new((0.0, 0.0), (0.66, 0.82), 0.06).soft(0.02),
        Shape::new((0.0, 0.0), (0.61, 0.77), 0.90).soft(0.03),
        Shape::new((0.0, 0.0), (0.58, 0.74), 0.52).soft(0.06).textured(0.10),
        Shape::new((-0.27, 0.0), (0.21, 0.56), 0.33).soft(0.5).textured(0.05),
        Shape::new((0.27, 0.0), (0.21, 0.56), 0.33).soft(0.5).textured(0.05),
        // Falx, ventricles, basal ganglia.
        Shape::new((0.0, -0.50), (0.012, 0.25), 0.85).soft(0.6),
        Shape::new((0.0, 0.50), (0.012, 0.25), 0.85).soft(0.6),
        Shape::new((-0.10, -0.12), (0.06, 0.21 - 0.08 * away), 0.95).turned(0.97, -0.24).soft(0.25),
        Shape::new((0.10, -0.12), (0.06, 0.21 - 0.08 * away), 0.95).turned(0.97, 0.24).soft(0.25),
        Shape::new((-0.14, 0.20), (0.05, 0.16), 0.93).turned(0.92, 0.39).soft(0.3),
        Shape::new((0.14, 0.20), (0.05, 0.16), 0.93).turned(0.92, -0.39).soft(0.3),
        Shape::new((-0.20, 0.02), (0.08, 0.13), 0.42).soft(0.5),
        Shape::new((0.20, 0.02), (0.08, 0.13), 0.42).soft(0.5),
    ];
    Scene { grain: 0.02, seed: seed(specimen), ..Scene::new(0.01, shapes) }
}

/// A liver with a vessel and a cyst in the sector of a curved probe.
pub(super) fn liver(specimen: &Specimen) -> Scene {
    let shapes = vec![
        Shape::new((0.0, -0.75), (1.2, 0.25), 0.55).soft(0.4).textured(0.25),
        Shape::new((0.0, 0.05), (0.95, 0.72), 0.38).soft(0.3).textured(0.22),
        Shape::new((0.0, 0.62), (0.80, 0.05), 0.85).turned(0.98, 0.2).soft(0.7),
        Shape::new((-0.15, 0.02), (0.30, 0.035), 0.04).turned(0.9, 0.44).soft(0.4),
        Shape::new((0.24, 0.22), (0.10, 0.09), 0.02).soft(0.2),
        Shape::new((0.25, 0.40), (0.08, 0.10), 0.55).soft(0.9).textured(0.2),
    ];
    Scene {
        grain: 0.10,
        field: Field::Fan,
        moving: 0.03,
        seed: seed(specimen),
        ..Scene::new(0.18, shapes)
    }
}

/// Vessels filled with contrast medium, dark on light.
pub(super) fn vessels(specimen: &Specimen) -> Scene {
    let mut shapes = vec![
        Shape::new((0.10, 0.10), (0.75, 0.70), 0.55).soft(0.7).textured(0.05),
        Shape::new((-0.75, 0.20), (0.20, 0.95), 0.45).soft(0.8),
        Shape::new((0.05, 0.85), (0.70, 0.30), 0.40).soft(0.6),
        Shape::new((-0.30, -0.60), (0.22, 0.018), 0.12).turned(0.8, 0.6).soft(0.3),
    ];
    for index in 0_u8..10 {
        let step = f32::from(index);
        let wide = 0.035 - 0.0025 * step;
        let main = Shape::new((-0.12 + 0.075 * step, -0.42 + 0.09 * step), (0.075, wide), 0.10);
        shapes.push(main.turned(0.64, 0.77).soft(0.4));
        let side =
            Shape::new((0.0 + 0.06 * step, -0.42 + 0.012 * step * step), (0.09, wide * 0.7), 0.14);
        shapes.push(side.turned(0.95, 0.05 + 0.05 * step).soft(0.4));
    }
    Scene {
        grain: 0.02,
        field: Field::Round,
        moving: 0.08,
        seed: seed(specimen),
        ..Scene::new(0.72, shapes)
    }
}

/// Bars and boxes, as a captured screen of a workstation might show.
pub(super) fn screen(specimen: &Specimen) -> Scene {
    let mut shapes = vec![Shape::new((0.0, -0.62), (0.9, 0.06), 0.8).boxy()];
    for index in 0_u8..6 {
        let step = f32::from(index);
        let bar =
            Shape::new((-0.6 + 0.24 * step, 0.25 - 0.04 * step), (0.07, 0.30), 0.3 + 0.1 * step);
        shapes.push(bar.boxy());
    }
    Scene { seed: seed(specimen), ..Scene::new(0.12, shapes) }
}
