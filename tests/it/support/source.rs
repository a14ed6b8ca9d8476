//! Reads Rust source just closely enough for the rules of the house: which paths it names, on which lines.

use std::path::{Path as FilePath, PathBuf};

/// A path named in the source, `use` trees written out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// The line it is named on, from 1.
    pub line: usize,
    /// Its segments, `crate` and `super` included.
    pub segments: Vec<String>,
}

/// What holds nothing of ours, or (`.ci`) speaks of the machine by its nature.
const FOREIGN: &[&str] = &["target", ".git", ".venv", ".venv-lint", "node_modules", ".ci"];

/// The root of the package.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The text files below `folders` whose names end in `.extension` (any, when empty), by name relative to the
/// root. Files that are not UTF-8 text are left out.
pub fn files(folders: &[&str], extension: &str) -> Vec<(String, String)> {
    let root = root();
    let mut pending: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).collect();
    let mut found = Vec::new();
    while let Some(folder) = pending.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.expect("a readable folder").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if FOREIGN.contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                pending.push(path);
            } else if extension.is_empty()
                || path.extension().is_some_and(|found| found == extension)
            {
                let Ok(text) = std::fs::read_to_string(&path) else { continue };
                let relative = path.strip_prefix(&root).unwrap_or(&path);
                found.push((relative.to_string_lossy().replace("./", ""), text));
            }
        }
    }
    found.sort();
    found
}

/// The module that a file below `src/` is: `src/object/scan.rs` is `[object, scan]`, the roots are `[]`.
pub fn module_of(file: &str) -> Vec<String> {
    let inside = file.strip_prefix("src/").unwrap_or(file);
    let mut module: Vec<String> = FilePath::new(inside)
        .with_extension("")
        .components()
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    if matches!(module.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        module.pop();
    }
    module
}

/// `path` as seen from the root of the crate: leading `self` and `super` are worked out.
pub fn absolute(path: &Path, module: &[String]) -> Path {
    let first = path.segments.first().map_or("", String::as_str);
    let ups = path.segments.iter().take_while(|segment| *segment == "super").count();
    let (kept, skipped) = match first {
        "self" => (module.len(), 1),
        "super" => (module.len().saturating_sub(ups), ups),
        _ => return path.clone(),
    };
    let mut segments = vec!["crate".to_owned()];
    segments.extend(module.iter().take(kept).cloned());
    segments.extend(path.segments.iter().skip(skipped).cloned());
    Path { line: path.line, segments }
}

/// The source with comments, strings and characters blanked out; line breaks stay where they are.
pub fn bare(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let mut out = String::with_capacity(text.len());
    let mut index = 0;
    let blank = |out: &mut String, from: usize, to: usize| {
        out.extend(chars[from..to].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
    };
    while index < chars.len() {
        let start = index;
        match (at(index), at(index + 1)) {
            ('/', '/') => {
                while index < chars.len() && at(index) != '\n' {
                    index += 1;
                }
            }
            ('/', '*') => {
                let mut depth = 0;
                loop {
                    match (at(index), at(index + 1)) {
                        ('/', '*') => (depth, index) = (depth + 1, index + 2),
                        ('*', '/') => (depth, index) = (depth - 1, index + 2),
                        _ => index += 1,
                    }
                    if depth == 0 || index >= chars.len() {
                        break;
                    }
                }
            }
            ('r', '"' | '#')
                if !in_word(&chars, index) && raw_string_end(&chars, index).is_some() =>
            {
                index = raw_string_end(&chars, index).unwrap_or(chars.len());
            }
            ('"', _) => {
                index += 1;
                while index < chars.len() && at(index) != '"' {
                    index += if at(index) == '\\' { 2 } else { 1 };
                }
                index += 1;
            }
            ('\'', '\\') => {
                index += 3; // the quote, the stroke and what it escapes, which may itself be a quote
                while index < chars.len() && at(index) != '\'' {
                    index += 1;
                }
                index += 1;
            }
            ('\'', _) if at(index + 2) == '\'' => index += 3,
            (other, _) => {
                out.push(other);
                index += 1;
                continue;
            }
        }
        index = index.min(chars.len());
        blank(&mut out, start, index);
    }
    out
}

/// Whether the character at `index` goes on with a word begun before it (a byte string's `b` does not count).
fn in_word(chars: &[char], index: usize) -> bool {
    let before = index.checked_sub(1).and_then(|before| chars.get(before)).copied();
    before.is_some_and(|c| c == '_' || (c.is_alphanumeric() && c != 'b'))
}

/// Where the raw string that begins at `index` (`r"…"`, `r##"…"##`) ends; `None` when none begins there.
fn raw_string_end(chars: &[char], index: usize) -> Option<usize> {
    let hashes = chars[index + 1..].iter().take_while(|c| **c == '#').count();
    let open = index + 1 + hashes;
    if chars.get(open) != Some(&'"') {
        return None;
    }
    let closes = |at: usize| {
        chars[at] == '"' && chars[at + 1..].iter().take_while(|c| **c == '#').count() >= hashes
    };
    (open + 1..chars.len()).find(|at| closes(*at)).map(|at| at + 1 + hashes)
}

/// The bare source without what is compiled for tests alone.
pub fn without_tests(file: &str, text: &str) -> String {
    let is_test_file = FilePath::new(file).with_extension("").iter().any(|part| part == "tests");
    let mut code = bare(text);
    if is_test_file {
        return code.chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
    }
    const MARK: &str = "#[cfg(test)]";
    while let Some(start) = code.find(MARK) {
        let rest = &code[start..];
        let body = rest.find(['{', ';']).map_or(rest.len(), |open| match rest.as_bytes()[open] {
            b'{' => open + closing_brace(&rest[open..]),
            _ => open + 1,
        });
        let blanked: String =
            rest[..body].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        code.replace_range(start..start + body, &blanked);
    }
    code
}

/// The length of the block that `text` begins with.
fn closing_brace(text: &str) -> usize {
    let mut depth = 0;
    for (index, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return index + 1;
        }
    }
    text.len()
}

/// The words of the bare source, with their lines.
pub fn words(text: &str) -> impl Iterator<Item = (usize, String)> {
    tokens(&bare(text)).into_iter().filter_map(|(line, token)| match token {
        Token::Word(word) => Some((line, word)),
        Token::Separator | Token::Mark(_) => None,
    })
}

#[derive(Debug, PartialEq)]
enum Token {
    Word(String),
    Separator,
    Mark(char),
}

fn tokens(bare: &str) -> Vec<(usize, Token)> {
    let mut tokens = Vec::new();
    let mut line = 1;
    let mut chars = bare.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\n' {
            line += 1;
        } else if c == '_' || c.is_alphanumeric() {
            let mut word = String::from(c);
            while let Some(next) = chars.next_if(|next| *next == '_' || next.is_alphanumeric()) {
                word.push(next);
            }
            tokens.push((line, Token::Word(word)));
        } else if c == ':' && chars.next_if_eq(&':').is_some() {
            tokens.push((line, Token::Separator));
        } else if !c.is_whitespace() {
            tokens.push((line, Token::Mark(c)));
        }
    }
    tokens
}

/// Every path of two segments or more that bare source names, and every lone name in a `use` tree.
pub fn paths(bare: &str) -> Vec<Path> {
    let tokens = tokens(bare);
    let mut found = Vec::new();
    let mut prefixes: Vec<Vec<String>> = Vec::new(); // of the groups that are open
    let mut current: Vec<String> = Vec::new();
    let mut line = 1;
    let mut joined = false; // the last token was `::`
    let finish =
        |current: &mut Vec<String>, prefixes: &[Vec<String>], line, found: &mut Vec<Path>| {
            let mut segments = prefixes.last().cloned().unwrap_or_default();
            segments.append(current);
            if segments.last().is_some_and(|last| last == "self") && segments.len() > 1 {
                segments.pop();
            }
            if segments.len() > 1 || (!prefixes.is_empty() && !segments.is_empty()) {
                found.push(Path { line, segments });
            }
        };
    for (at, token) in tokens {
        match token {
            Token::Word(word) if joined || current.is_empty() => {
                line = at;
                current.push(word);
                joined = false;
            }
            Token::Word(word) if word == "as" => {} // the new name is no path
            Token::Word(word) => {
                finish(&mut current, &prefixes, line, &mut found);
                line = at;
                current.push(word);
            }
            Token::Separator => joined = true,
            Token::Mark('{') if joined => {
                let mut prefix = prefixes.last().cloned().unwrap_or_default();
                prefix.append(&mut current);
                prefixes.push(prefix);
                joined = false;
            }
            Token::Mark(mark) => {
                finish(&mut current, &prefixes, line, &mut found);
                current.clear();
                joined = false;
                if mark == '}' {
                    prefixes.pop();
                }
            }
        }
    }
    finish(&mut current, &prefixes, line, &mut found);
    found
}
