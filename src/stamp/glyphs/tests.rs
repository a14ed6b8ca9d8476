use super::*;

const LINE: &str = "首都医科大学附属北京友谊医院-JJJHR";

fn typeface() -> Typeface {
    Typeface::built_in().expect("a typeface")
}

/// Every two-byte code of GB 2312 that stands for something.
fn gb2312() -> String {
    let rows = (0xB0..=0xF7_u8).chain(0xA1..=0xA9);
    let codes = rows.flat_map(|row| (0xA1..=0xFE_u8).map(move |cell| [row, cell]));
    let text = codes.filter_map(|code| {
        let (text, _, faulty) = encoding_rs::GBK.decode(&code);
        (!faulty).then(|| text.into_owned())
    });
    text.filter(|text| text.chars().all(|character| u32::from(character) < 0xE000)).collect()
}

#[test]
fn every_han_character_of_gb_2312_has_a_glyph() {
    let han: String = gb2312().chars().filter(|c| ('\u{4E00}'..='\u{9FFF}').contains(c)).collect();
    assert_eq!(han.chars().count(), 6763);
    assert_eq!(typeface().missing(&han), []);
}

#[test]
fn names_beyond_gb_2312_have_their_glyphs() {
    let rare = "朱镕基 张喆 李堃 陈昇 刘犇 王祎 赵玥 林珺 高燊 硚口 鄠邑 垚";
    assert_eq!(typeface().missing(rare), []);
    assert_eq!(typeface().missing("天津市第一中心医院（西院区）·〔2026〕—BJHR"), []);
    assert_eq!(typeface().missing("Hôpital Saint-Antoine, Zürich & Co."), []);
}

#[test]
fn what_has_no_glyph_is_named_once() {
    assert_eq!(typeface().missing("𠮷院𠮷😀\n院"), ['𠮷', '😀', '\n']);
}

#[test]
fn a_line_is_as_tall_as_it_was_asked_to_be() {
    for height in [1, 8, 14, 15, 21, 40, 77] {
        let line = typeface().lettering("国", height);
        let width = line.width as usize;
        let inked = line.ink.chunks(width).filter(|row| row.iter().any(|cover| *cover >= 128));
        assert_eq!(inked.count() as u32, height);
        assert_eq!(line.ink.len(), (line.width * line.height) as usize);
        assert_eq!(line.halo.len(), line.ink.len());
    }
}

#[test]
fn capitals_and_han_characters_stand_on_whole_pixels() {
    // The lower edge of a frame and of an H: the last inked row is as dark as those above it.
    for (text, height) in [("国", 14), ("H", 14), ("国", 19), ("H", 23)] {
        let line = typeface().lettering(text, height);
        let rows = line.ink.chunks(line.width as usize).map(|row| row.iter().copied().max());
        let rows: Vec<u8> = rows.flatten().filter(|cover| *cover > 0).collect();
        assert!(rows.iter().all(|cover| *cover >= 200), "{text} at {height}: {rows:?}");
    }
}

#[test]
fn the_outline_goes_all_the_way_round_and_grows_with_the_text() {
    for (height, radius) in [(14, 1), (28, 2), (56, 4)] {
        let line = typeface().lettering(LINE, height);
        let (width, rows) = (line.width as usize, line.height as usize);
        let at = |x: usize, y: usize| line.ink[y * width + x];
        for y in 0..rows {
            for x in 0..width {
                if at(x, y) < 96 {
                    continue;
                }
                // Every neighbour within the outline is in the rectangle, and painted.
                assert!(x >= radius && x + radius < width && y >= radius && y + radius < rows);
                for (dx, dy) in
                    [(0, radius), (radius, 0), (2 * radius, radius), (radius, 2 * radius)]
                {
                    assert!(line.halo[(y + dy - radius) * width + x + dx - radius]);
                }
            }
        }
    }
}

#[test]
fn nothing_to_draw_is_an_empty_rectangle() {
    assert_eq!(*typeface().lettering("", 14), Lettering::default());
    assert_eq!(*typeface().lettering("   ", 14), Lettering::default());
}

#[test]
fn a_line_is_rendered_once() {
    let typeface = typeface();
    let first = typeface.lettering(LINE, 14);
    assert!(Arc::ptr_eq(&first, &typeface.clone().lettering(LINE, 14)));
    assert!(!Arc::ptr_eq(&first, &typeface.lettering(LINE, 15)));
}

#[test]
fn a_typeface_of_ones_own_is_taken_and_rubbish_is_not() {
    let own = Typeface::from_bytes(BUILT_IN.to_vec(), 0).expect("a font");
    assert_eq!(own.lettering(LINE, 14), typeface().lettering(LINE, 14));
    let rubbish = |bytes: &[u8], index| Typeface::from_bytes(bytes.to_vec(), index).err();
    assert_eq!(rubbish(b"not a font", 0), Some(BadTypeface::NotAFont { index: 0 }));
    assert_eq!(rubbish(BUILT_IN, 7), Some(BadTypeface::NotAFont { index: 7 }));
}

/// A line as rows of text: a digit of ten for coverage, a dot for outline, a space for nothing. Last a hash of all of it.
fn printed(line: &Lettering) -> String {
    let width = (line.width as usize).max(1);
    let rows = line.ink.chunks(width).zip(line.halo.chunks(width)).map(|(ink, halo)| {
        let row: String = ink
            .iter()
            .zip(halo)
            .map(|(ink, halo)| match (ink, halo) {
                (0, false) => ' ',
                (0, true) => '.',
                (cover, _) => char::from(b'0' + (cover / 26).min(9)),
            })
            .collect();
        format!("{}\n", row.trim_end())
    });
    rows.collect::<String>() + &blake3::hash(&line.ink).to_hex() + "\n"
}

#[track_caller]
fn check_golden(name: &str, text: &str, height: u32) {
    let path = format!("{}/testdata/lettering/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    let now = printed(&typeface().lettering(text, height));
    if std::env::var_os("MARKGATE_GOLDEN").is_some() {
        std::fs::write(&path, &now).expect("testdata can be written");
    }
    let golden = std::fs::read_to_string(&path).expect("a golden file");
    assert!(now == golden, "{name}: lettering is not what {path} holds:\n{now}");
}

#[test]
fn letters_are_drawn_as_they_always_were() {
    check_golden("han-14", "友谊医院-JJJHR", 14);
    check_golden("han-25", "友谊医院-BJHR", 25);
    check_golden("latin-14", "Xuanwu Hospital (2)-BJHR", 14);
}
