//! What series are taken for: weightings of MR, renditions and phases of CT, words about contrast.

use crate::standard::facts::contrast::{Said, said};
use crate::standard::facts::ct::{Phase, Rendition, phase, rendition};
use crate::standard::facts::mr_series::{Acquisition, Weighting, classify};
use crate::standard::facts::voi::Window;
use crate::standard::facts::words::has_word;

fn described(words: &str) -> Acquisition {
    Acquisition { words: words.to_owned(), ..Acquisition::default() }
}

/// A sequence by its scanning sequences, TR, TE and TI.
fn timed(sequences: &[&str], tr: f64, te: f64, ti: Option<f64>) -> Acquisition {
    Acquisition {
        scanning_sequences: sequences.iter().map(|&term| term.to_owned()).collect(),
        repetition_time: Some(tr),
        echo_time: Some(te),
        inversion_time: ti,
        ..Acquisition::default()
    }
}

#[test]
fn descriptions_tell_the_weighting() {
    use Weighting::{Adc, Angiography, Diffusion, Flair, Localizer, Pd, Perfusion, T1, T2, T2Star};
    for (words, want) in [
        ("OAX T2 FLAIR", Some(Flair)),
        ("OAXT2", Some(T2)),
        ("T2W_TSE_SAG", Some(T2)),
        ("横断位T2", Some(T2)),
        ("SAG T1 FLAIR", Some(T1)),
        ("T1_MPRAGE_SAG", Some(T1)),
        ("3D BRAVO", Some(T1)),
        ("T2_TIRM_TRA_DARK-FLUID", Some(Flair)),
        ("DWI B=1000", Some(Diffusion)),
        ("EP2D_DIFF_3SCAN_TRACE", Some(Diffusion)),
        ("弥散 ADC", Some(Adc)),
        ("APPARENT DIFFUSION COEFFICIENT (ADC)", Some(Adc)),
        ("AX SWI", Some(T2Star)),
        ("AX T2* GRE", Some(T2Star)),
        ("3D TOF MRA", Some(Angiography)),
        ("3D ASL", Some(Perfusion)),
        ("PD_TSE_FS_COR", Some(Pd)),
        ("质子 矢状", Some(Pd)),
        ("3-PLANE LOC", Some(Localizer)),
        ("三平面定位", Some(Localizer)),
        ("T1/T2 MAPS", None),
        ("T10-T12 LEVEL", None),
        ("UPDATE", None),
        ("", None),
    ] {
        assert_eq!(classify(&described(words)).weighting, want, "{words}");
    }
}

#[test]
fn times_tell_the_weighting_where_words_do_not() {
    use Weighting::{Flair, Pd, T1, T2, T2Star};
    for (acquisition, want) in [
        (timed(&["SE"], 500.0, 12.0, None), Some(T1)),
        (timed(&["SE"], 4000.0, 100.0, None), Some(T2)),
        (timed(&["SE"], 3000.0, 30.0, None), Some(Pd)),
        (timed(&["SE"], 1500.0, 55.0, None), None),
        (timed(&["SE", "IR"], 9000.0, 120.0, Some(2500.0)), Some(Flair)),
        (timed(&["SE", "IR"], 4500.0, 60.0, Some(160.0)), Some(T2)),
        (timed(&["GR", "IR"], 1900.0, 2.5, Some(900.0)), Some(T1)),
        (timed(&["SE", "IR"], 4500.0, 60.0, Some(1000.0)), None),
        (timed(&["GR"], 150.0, 4.0, None), Some(T1)),
        (timed(&["GR"], 600.0, 20.0, None), Some(T2Star)),
        (timed(&["GR"], 600.0, 10.0, None), None),
        (Acquisition { echo_time: None, ..timed(&["SE"], 500.0, 12.0, None) }, None),
    ] {
        assert_eq!(classify(&acquisition).weighting, want, "{acquisition:?}");
    }
    // Two names in one text leave it to the times.
    let both = Acquisition { words: "T2 PD".to_owned(), ..timed(&["SE"], 4000.0, 100.0, None) };
    assert_eq!(classify(&both).weighting, Some(T2));
}

#[test]
fn encoded_diffusion_is_diffusion() {
    let with_b = |terms: &[&str], b| {
        let acquisition = timed(terms, 5000.0, 80.0, None);
        classify(&Acquisition { b_value: Some(b), ..acquisition }).weighting
    };
    assert_eq!(with_b(&["EP", "SE"], 1000.0), Some(Weighting::Diffusion));
    assert_eq!(with_b(&["EP", "SE"], 0.0), Some(Weighting::T2));
    assert_eq!(with_b(&["SE"], 1000.0), Some(Weighting::T2));
    let types = |value: &str| Acquisition {
        image_type: ["ORIGINAL", "PRIMARY", value].map(str::to_owned).to_vec(),
        ..Acquisition::default()
    };
    assert_eq!(classify(&types("DIFFUSION")).weighting, Some(Weighting::Diffusion));
    assert_eq!(classify(&types("LOCALIZER")).weighting, Some(Weighting::Localizer));
    assert_eq!(classify(&types("M")).weighting, None);
}

#[test]
fn fat_is_suppressed_by_words_options_or_times() {
    for (acquisition, want) in [
        (described("T2_TSE_FS_SAG"), true),
        (described("COR T2FS"), true),
        (described("PDFS"), true),
        (described("T2 STIR"), true),
        (described("T1 压脂"), true),
        (described("OFFS T2"), false),
        (described("T2 TSE"), false),
        (timed(&["SE", "IR"], 4500.0, 60.0, Some(160.0)), true),
        (timed(&["SE", "IR"], 9000.0, 120.0, Some(2500.0)), false),
        (timed(&["SE"], 4500.0, 60.0, Some(160.0)), false),
        (Acquisition { options: vec!["FS".to_owned()], ..Acquisition::default() }, true),
        (Acquisition { options: vec!["FC".to_owned()], ..Acquisition::default() }, false),
    ] {
        assert_eq!(classify(&acquisition).fat_suppressed, want, "{acquisition:?}");
    }
}

#[test]
fn words_are_whole_words() {
    for (text, word, want) in [
        ("CHEST CE", "CE", true),
        ("CERVICAL", "CE", false),
        ("C-SPINE", "C-", false),
        ("ABDOMEN C-", "C-", true),
        ("T1+C", "+C", true),
        ("AX C+ 1.25", "C+", true),
        ("胸部CTA检查", "CTA", true),
        ("肺动脉期", "动脉期", true),
        ("", "CE", false),
    ] {
        assert_eq!(has_word(text, word), want, "{word} in {text}");
    }
}

#[test]
fn texts_speak_of_contrast_or_of_none() {
    use Said::{Both, With, Without};
    for (text, want) in [
        ("胸部CT平扫", Some(Without)),
        ("胸部CT增强", Some(With)),
        ("上腹部CT平扫+增强", Some(Both)),
        ("非增强扫描", Some(Without)),
        ("头颈部CTA", Some(With)),
        ("CHEST W/O CONTRAST", Some(Without)),
        ("CHEST WITHOUT CONTRAST", Some(Without)),
        ("ABDOMEN W/O AND W/ CONTRAST", Some(Both)),
        ("NON-CONTRAST HEAD", Some(Without)),
        ("PORTAL VENOUS 1.25MM", Some(With)),
        ("AX T1 +C FS", Some(With)),
        ("C-SPINE ROUTINE", None),
        ("CERVICAL SPINE", None),
        ("胸部", None),
        ("", None),
    ] {
        assert_eq!(said(text), want, "{text}");
    }
}

#[test]
fn ct_is_rendered_for_lung_soft_tissue_or_bone() {
    let check = |windows: &[(f64, f64)], kernel: Option<&str>, words: &str, want: &str| {
        let windows: Vec<Window> =
            windows.iter().map(|&(center, width)| Window { center, width }).collect();
        let found: Vec<&str> = rendition(&windows, kernel, words).names().collect();
        assert_eq!(found.join(","), want, "{windows:?} {kernel:?} {words}");
    };
    check(&[], None, "", "");
    check(&[(-600.0, 1500.0)], None, "", "lung");
    check(&[(40.0, 400.0)], None, "", "soft tissue");
    check(&[(35.0, 80.0)], None, "", "soft tissue");
    check(&[(40.0, 400.0), (-600.0, 1500.0)], None, "", "lung,soft tissue");
    check(&[(500.0, 2000.0)], None, "", "bone");
    check(&[(-600.0, 900.0), (0.0, 4000.0)], None, "", "");
    for (kernel, want) in [
        ("LUNG", "lung"),
        ("STANDARD", "soft tissue"),
        ("BONEPLUS", "bone"),
        ("B30f", "soft tissue"),
        ("Br38f\\3", "soft tissue"),
        ("B70s", "lung,bone"),
        ("Bl57d", "lung,bone"),
        ("Hr60h", "bone"),
        ("FC18", "soft tissue"),
        ("FC51", "lung"),
        ("FC30", "bone"),
        ("FC", ""),
        ("YA", ""),
        ("", ""),
    ] {
        let kernel = kernel.split('\\').next();
        check(&[], kernel, "", want);
    }
    check(&[], None, "胸部 肺窗", "lung");
    check(&[], None, "CHEST 1.0 LUNG", "lung");
    check(&[], None, "头部骨窗", "bone");
    assert_eq!(
        rendition(&[], None, "").or(rendition(&[], None, "骨窗")),
        Rendition { bone: true, ..Rendition::default() }
    );
}

#[test]
fn ct_phases_are_named_one_at_a_time() {
    for (words, want) in [
        ("上腹部 动脉期 1.25MM", Some(Phase::Arterial)),
        ("ABD ART 1.25", Some(Phase::Arterial)),
        ("门静脉期", Some(Phase::Venous)),
        ("PORTAL VENOUS", Some(Phase::Venous)),
        ("延迟期3MIN", Some(Phase::Delayed)),
        ("DELAYED 5 MIN", Some(Phase::Delayed)),
        ("平扫", Some(Phase::Plain)),
        ("C-", Some(Phase::Plain)),
        ("动脉期+静脉期", None),
        ("CHEST 5MM", None),
        ("PARTIAL", None),
    ] {
        assert_eq!(phase(words), want, "{words}");
    }
}
