//! Lays out text for a terminal.

/// Rows under a heading, each column as wide as its widest cell.
pub(super) fn table<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> String {
    let rows: Vec<[String; N]> = rows.iter().map(|row| row.each_ref().map(|c| plain(c))).collect();
    let mut widths = heading.map(width);
    for row in &rows {
        for (wide, cell) in widths.iter_mut().zip(row) {
            *wide = (*wide).max(width(cell));
        }
    }
    let mut text = String::new();
    line(&mut text, &widths, heading);
    for row in &rows {
        line(&mut text, &widths, row.each_ref().map(String::as_str));
    }
    text
}

fn line<const N: usize>(text: &mut String, widths: &[usize; N], cells: [&str; N]) {
    let mut pending = 0;
    for (wide, cell) in widths.iter().zip(cells) {
        // Spaces are written only before further text, so that no line ends in them.
        if !cell.is_empty() {
            text.extend(std::iter::repeat_n(' ', pending));
            text.push_str(cell);
            pending = 0;
        }
        pending += wide.saturating_sub(width(cell)) + 2;
    }
    text.push('\n');
}

/// Names and values, one a line; those without a value are left out.
pub(super) fn pairs(indent: &str, rows: &[(&str, Option<String>)]) -> String {
    let given = rows.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
    let wide = given.clone().map(|(name, _)| width(name)).max().unwrap_or_default();
    let mut text = String::new();
    for (name, value) in given {
        let gap = " ".repeat(wide.saturating_sub(width(name)));
        text.push_str(&format!("{indent}{name}:{gap} {}\n", plain(value)));
    }
    text
}

/// The text without characters that would steer the terminal: values come from other people's objects.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || is_bidi(c) { '\u{fffd}' } else { c }).collect()
}

/// Marks that turn the direction of what follows, by which one text can be made to look like another.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Columns of a terminal that a text takes: two for a Chinese character.
fn width(text: &str) -> usize {
    text.chars().map(|c| if is_wide(c) { 2 } else { 1 }).sum()
}

fn is_wide(c: char) -> bool {
    matches!(c,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{20000}'..='\u{3fffd}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_under_chinese_names() {
        let rows = [["北京".to_owned(), "1".to_owned()], ["a".to_owned(), String::new()]];
        assert_eq!(table(["NAME", "N"], &rows), "NAME  N\n北京  1\na\n");
    }

    #[test]
    fn what_would_steer_the_terminal_is_replaced() {
        assert_eq!(plain("a\u{1b}[2Jb\u{202e}c\n"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}");
    }

    #[test]
    fn pairs_without_a_value_are_left_out() {
        let rows = [("id", Some("1".to_owned())), ("reason", None), ("state", Some("held".into()))];
        assert_eq!(pairs("  ", &rows), "  id:    1\n  state: held\n");
    }
}
