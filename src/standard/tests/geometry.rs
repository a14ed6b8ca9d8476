//! Slices in space, by tables of numbers.

use std::f64::consts::FRAC_1_SQRT_2;

use super::*;

const AXIAL: [f64; 6] = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
const CORONAL: [f64; 6] = [1.0, 0.0, 0.0, 0.0, 0.0, -1.0];
const SAGITTAL: [f64; 6] = [0.0, 1.0, 0.0, 0.0, 0.0, -1.0];
/// Rows to the left, columns leaning back by 20 degrees.
const TILTED: [f64; 6] = [1.0, 0.0, 0.0, 0.0, 0.939_693, -0.342_020];
/// Halfway between all planes.
const OBLIQUE: [f64; 6] = [FRAC_1_SQRT_2, -FRAC_1_SQRT_2, 0.0, 0.408_248, 0.408_248, -0.816_497];

fn plane(numbers: [f64; 6]) -> Plane {
    Plane::of(&numbers).expect("six numbers")
}

#[test]
fn planes_are_named_by_their_normal() {
    for (numbers, view, tilt) in [
        (AXIAL, View::Axial, 0.0),
        (CORONAL, View::Coronal, 90.0),
        (SAGITTAL, View::Sagittal, 90.0),
        (TILTED, View::Axial, 20.0),
        (OBLIQUE, View::Oblique, 54.7),
    ] {
        let plane = plane(numbers);
        assert_eq!(plane.view(), view, "{numbers:?}");
        assert!((plane.tilt() - tilt).abs() < 0.1, "{numbers:?}: {}", plane.tilt());
        assert!(plane.is_orthonormal(), "{numbers:?}");
    }
    assert!((plane([0.0; 6]).tilt() - 90.0).abs() < 0.1);
}

#[test]
fn planes_are_of_six_numbers() {
    assert_eq!(Plane::of(&[1.0, 0.0, 0.0]), None);
    assert_eq!(Plane::of(&[]), None);
    assert_eq!(Plane::of(&[1.0, 0.0, 0.0, 0.0, f64::NAN, 0.0]), None);
    for crooked in [
        [0.0; 6],
        [1.02, 0.0, 0.0, 0.0, 1.0, 0.0],
        [1.0, 0.0, 0.0, 0.0, 0.98, 0.0],
        [1.0, 0.0, 0.0, 0.02, 0.9998, 0.0],
    ] {
        assert!(!plane(crooked).is_orthonormal(), "{crooked:?}");
    }
    assert!(plane([1.005, 0.0, 0.0, 0.005, 0.999, 0.0]).is_orthonormal());
}

#[test]
fn orientations_are_told_apart_by_a_thousandth() {
    let near = plane([1.0, 0.0009, 0.0, 0.0, 1.0, 0.0]);
    let far = plane([1.0, 0.0011, 0.0, 0.0, 1.0, 0.0]);
    assert!(plane(AXIAL).is_same(&near) && !plane(AXIAL).is_same(&far));
    assert_eq!(orientations(&[]), 0);
    assert_eq!(orientations(&[plane(AXIAL), near, plane(AXIAL)]), 1);
    assert_eq!(orientations(&[plane(AXIAL), far, plane(CORONAL), far]), 3);
}

#[test]
fn positions_are_measured_along_the_normal() {
    for (numbers, position, want) in [
        (AXIAL, [-170.0, -180.0, 42.5], 42.5),
        (CORONAL, [-170.0, 30.0, 42.5], 30.0),
        (SAGITTAL, [12.0, 30.0, 42.5], -12.0),
        (TILTED, [0.0, 10.0, 0.0], 3.42),
    ] {
        let at = plane(numbers).along(position);
        assert!((at - want).abs() < 0.001, "{numbers:?}: {at}");
    }
}

/// The stack of slices at `count` places every `step` millimetres, `change` applied to the places.
fn stack(count: u16, step: f64, change: impl FnOnce(&mut Vec<f64>)) -> Stack {
    let mut places: Vec<f64> = (0..count).map(|index| f64::from(index) * step - 100.0).collect();
    change(&mut places);
    Stack::of(&places).expect("slices")
}

#[test]
fn stacks_tell_what_is_wrong_with_them() {
    /// Positions, surplus, missing, irregular.
    #[track_caller]
    fn check(stack: &Stack, want: (usize, usize, usize, usize)) {
        let found = (stack.positions, stack.surplus, stack.missing, stack.irregular);
        assert_eq!(found, want, "{stack:?}");
    }
    check(&stack(40, 1.25, |_| ()), (40, 0, 0, 0));
    check(&stack(40, 1.25, |at| at.reverse()), (40, 0, 0, 0));
    // One away, three away, one at the end that nobody can miss.
    check(&stack(40, 1.25, |at| at.retain(|at| (at + 91.25).abs() > 0.1)), (39, 0, 1, 0));
    check(&stack(40, 1.25, |at| at.retain(|at| !(-91.5..-88.0).contains(at))), (37, 0, 3, 0));
    check(&stack(40, 1.25, |at| at.truncate(39)), (39, 0, 0, 0));
    // Twice the same.
    check(&stack(40, 1.25, |at| at.push(-100.0)), (40, 1, 0, 0));
    check(&stack(40, 1.25, |at| at.push(-99.995)), (40, 1, 0, 0));
    // Within 0.05 mm, beyond, and halfway.
    check(&stack(40, 1.25, |at| at[3] += 0.02), (40, 0, 0, 0));
    check(&stack(40, 1.25, |at| at[3] += 0.06), (40, 0, 0, 2));
    check(&stack(40, 1.25, |at| at[3] += 0.625), (40, 0, 1, 1));
    // Of 100 mm a thousandth is more than 0.05 mm.
    check(&stack(10, 100.0, |at| at[9] += 0.09), (10, 0, 0, 0));
    check(&stack(10, 100.0, |at| at[9] += 0.11), (10, 0, 0, 1));
    // Two slices know no other interval; what is no number is left out.
    check(&stack(2, 30.0, |_| ()), (2, 0, 0, 0));
    check(&stack(3, 5.0, |at| at.push(f64::NAN)), (3, 0, 0, 0));
}

#[test]
fn what_repeats_everywhere_is_no_duplicate() {
    // Thirty directions that no trait tells apart, one of them twice.
    let all = stack(20, 3.0, |at| *at = at.repeat(30));
    assert_eq!((all.images, all.positions, all.usual, all.surplus), (600, 20, 30, 0));
    let more = stack(20, 3.0, |at| {
        *at = at.repeat(30);
        at.push(-100.0);
    });
    assert_eq!((more.usual, more.surplus), (30, 1));
    // As many doubled as single: the doubled are the fault.
    let half = stack(2, 3.0, |at| at.push(-100.0));
    assert_eq!((half.usual, half.surplus), (1, 1));
}

#[test]
fn stacks_have_a_length() {
    let chest = stack(201, 1.25, |_| ());
    assert_eq!(chest.interval, Some(1.25));
    assert_eq!(chest.extent, Extent { from: -100.0, to: 150.0 });
    assert_eq!(Some(chest.extent.covered(1.25)), Some(251.25));
    assert_eq!(Some(stack(5, 4.0, |at| at[4] += 3.0).widest), Some(7.0));
    let one = stack(1, 1.0, |_| ());
    assert_eq!((one.interval, one.widest, one.extent.covered(5.0)), (None, 0.0, 5.0));
    assert_eq!(Stack::of(&[]), None);
    assert_eq!(Stack::of(&[f64::INFINITY]), None);
    let within = |from, to| chest.extent.contains(&Extent { from, to }, 5.0);
    assert!(within(-100.0, 150.0) && within(-104.0, 155.0) && within(0.0, 1.0));
    assert!(!within(-106.0, 150.0) && !within(-100.0, 156.0));
}

#[test]
fn slices_cover_the_tissue_or_do_not() {
    for (step, thickness, open) in [
        (1.25, 1.25, Some(false)),
        (1.25, 2.5, Some(false)),
        (5.2, 5.0, Some(false)),
        (5.3, 5.0, Some(true)),
        (10.0, 1.0, Some(true)),
        (10.0, 0.0, None),
    ] {
        assert_eq!(stack(9, step, |_| ()).is_open(thickness), open, "{step} {thickness}");
    }
    assert_eq!(stack(1, 5.0, |_| ()).is_open(5.0), None);
}

#[test]
fn numbers_are_there_once_and_without_gaps() {
    let of = |numbers: &[i32]| {
        let found = Numbering::of(numbers).expect("numbers");
        (found.first, found.last, found.missing, found.repeated)
    };
    assert_eq!(of(&[3, 1, 2]), (1, 3, 0, 0));
    assert_eq!(of(&[1, 2, 5]), (1, 5, 2, 0));
    assert_eq!(of(&[7, 7, 8, 8, 8]), (7, 8, 0, 3));
    assert_eq!(of(&[-1, 1]), (-1, 1, 1, 0));
    assert_eq!(of(&[i32::MIN, i32::MAX]), (i32::MIN, i32::MAX, u32::MAX - 1, 0));
    assert_eq!(Numbering::of(&[]), None);
}

#[test]
fn a_slice_is_lost_where_both_place_and_number_are_missing() {
    let series = |gone: &[i32], backwards: bool| {
        let slices: Vec<Slice> = (1..=30)
            .filter(|number| !gone.contains(number))
            .map(|number| {
                let at = f64::from(number) * 2.5;
                Slice { at: if backwards { -at } else { at }, number }
            })
            .collect();
        let numbers: Vec<i32> = slices.iter().map(|slice| slice.number).collect();
        (slices, numbers)
    };
    for (gone, backwards, lost) in
        [(&[][..], false, 0), (&[12], false, 1), (&[12], true, 1), (&[12, 13, 20], true, 3)]
    {
        let (slices, numbers) = series(gone, backwards);
        assert_eq!(lost_slices(&slices, &numbers), lost, "{gone:?}");
    }
    // The number is that of an image elsewhere in the series: a gap by intent.
    let (slices, mut numbers) = series(&[12], false);
    numbers.push(12);
    assert_eq!(lost_slices(&slices, &numbers), 0);
    // Numbers are missing and no place is.
    let (mut slices, numbers) = series(&[12], false);
    for slice in &mut slices {
        slice.at -= if slice.number > 12 { 2.5 } else { 0.0 };
    }
    assert_eq!(lost_slices(&slices, &numbers), 0);
    assert_eq!(lost_slices(&[], &[]), 0);
}

#[test]
fn series_are_split_by_orientation_and_traits() {
    let mut splitter = Splitter::default();
    let traits = Traits { thickness: Traits::thousandths(1.25), ..Traits::default() };
    let lung = Traits { kernel: Traits::word("LUNG"), ..traits };
    assert_eq!(splitter.stack_of(&plane(AXIAL), traits), Some(0));
    assert_eq!(splitter.stack_of(&plane(AXIAL), lung), Some(1));
    assert_eq!(splitter.stack_of(&plane(CORONAL), traits), Some(2));
    assert_eq!(splitter.stack_of(&plane([1.0, 0.0, 0.0005, 0.0, 1.0, 0.0]), traits), Some(0));
    assert_eq!(splitter.stacks(), 3);
    for number in 0..600 {
        splitter.stack_of(&plane(AXIAL), Traits { acquisition: number, ..lung });
    }
    assert_eq!(splitter.stacks(), 512);
    let new = Traits { b_value: 1000, ..traits };
    assert_eq!(splitter.stack_of(&plane(AXIAL), new), None);
    assert_eq!(splitter.stack_of(&plane(CORONAL), traits), Some(2));
}

#[test]
fn words_and_thousandths_are_compared_as_numbers() {
    assert_eq!(Traits::word(" Br38f "), Traits::word("BR38F"));
    assert_ne!(Traits::word("BR38F"), Traits::word("BR39F"));
    assert_eq!((Traits::thousandths(0.625), Traits::thousandths(1e12)), (625, i32::MAX));
}

#[test]
fn gaps_and_b_values_are_counted() {
    assert_eq!(gap_share(6.5, 5.0), Some(0.3));
    assert_eq!(gap_share(2.5, 5.0), Some(-0.5));
    assert_eq!(gap_share(6.5, 0.0), None);
    assert_eq!(distinct(&[0.0, 1000.0, 0.0, 1000.2, 500.0]), 3);
    assert_eq!(distinct(&[f64::NAN]), 0);
}
