//! An encoder and a decoder of the plainest kind, which share nothing with those under test.

use std::collections::BTreeMap;

/// A Huffman table: how many codes of each length, and the symbols.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    pub counts: [u8; 16],
    pub values: Vec<u8>,
}

impl Table {
    /// All symbols up to `largest` with codes of nine bits, so that there is room for more.
    pub fn roomy(largest: u8) -> Self {
        let mut counts = [0; 16];
        counts[8] = largest + 1;
        Self { counts, values: (0..=largest).collect() }
    }

    /// The best for these symbols and no others.
    pub fn best(frequencies: &[u64]) -> Self {
        let mut symbols: Vec<u8> =
            (0..=255).filter(|&at| frequencies[usize::from(at)] > 0).collect();
        symbols.sort_by_key(|&symbol| std::cmp::Reverse(frequencies[usize::from(symbol)]));
        // One more than all symbols, the rarest, keeps the place of the code of ones.
        let weights = symbols.iter().map(|&symbol| frequencies[usize::from(symbol)]).chain([0]);
        let lengths = lengths(&weights.collect::<Vec<_>>());
        let mut counts = [0; 16];
        for length in &lengths[..symbols.len()] {
            counts[length - 1] += 1;
        }
        Self { counts, values: symbols }
    }

    /// For the symbols of these frequencies, with codes up to the last of sixteen bits: no more fit.
    pub fn full(frequencies: &[u64]) -> Self {
        let mut values: Vec<u8> =
            (0..=255).filter(|&at| frequencies[usize::from(at)] > 0).collect();
        values.sort_by_key(|&symbol| std::cmp::Reverse(frequencies[usize::from(symbol)]));
        // One code of each length up to some, and all of sixteen bits that are left, but for the one of ones.
        let places = |short: usize| short + (1 << (16 - short)) - 1;
        let short = (9..=15).rev().find(|&short| places(short) >= values.len()).unwrap();
        values.resize(places(short), values.first().copied().unwrap_or(0));
        let mut counts = [0; 16];
        counts[..short].fill(1);
        counts[15] = (values.len() - short) as u8;
        Self { counts, values }
    }

    fn codes(&self) -> BTreeMap<u8, (u32, u32)> {
        let (mut codes, mut code, mut values) = (BTreeMap::new(), 0, self.values.iter());
        for (index, &count) in self.counts.iter().enumerate() {
            for _ in 0..count {
                codes.entry(*values.next().unwrap()).or_insert((code, index as u32 + 1));
                code += 1;
            }
            code *= 2;
        }
        codes
    }

    pub fn segment(&self, class: u8, destination: u8) -> Vec<u8> {
        let mut body = vec![class << 4 | destination];
        body.extend(self.counts);
        body.extend(&self.values);
        segment(0xC4, &body)
    }
}

/// Code lengths up to 16 for weights in falling order: package-merge, in which each pair of the cheapest packages of a level
/// is one more choice on the level above, and a symbol's length is the number of chosen packages it is in.
fn lengths(weights: &[u64]) -> Vec<usize> {
    let count = weights.len();
    let singles =
        || weights.iter().enumerate().rev().map(|(symbol, &weight)| (weight, vec![symbol]));
    let mut level: Vec<(u64, Vec<usize>)> = singles().collect();
    for _ in 1..16 {
        let mut next: Vec<(u64, Vec<usize>)> = singles().collect();
        for pair in level.chunks_exact(2) {
            let weight = pair.iter().map(|(weight, _)| weight).sum();
            next.push((weight, pair.iter().flat_map(|(_, symbols)| symbols).copied().collect()));
        }
        next.sort_by_key(|(weight, _)| *weight);
        level = next;
    }
    let mut lengths = vec![usize::from(count == 1); count];
    for symbol in level.into_iter().take(2 * count - 2).flat_map(|(_, symbols)| symbols) {
        lengths[symbol] += 1;
    }
    lengths
}

/// A marker segment.
pub fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
    let mut segment = vec![0xFF, marker];
    segment.extend((body.len() as u16 + 2).to_be_bytes());
    segment.extend(body);
    segment
}

/// A symbol of a table, and the bits behind it.
pub type Token = (usize, u8, u32, u32);

/// How often each symbol of a table occurs.
pub fn frequencies(tokens: &[Vec<Token>], table: usize) -> Vec<u64> {
    let mut counts = vec![0; 256];
    for (_, symbol, _, _) in tokens.iter().flatten().filter(|token| token.0 == table) {
        counts[usize::from(*symbol)] += 1;
    }
    counts
}

/// Entropy-coded bytes of intervals, with restart markers between.
pub fn entropy_code(intervals: &[Vec<Token>], tables: &[Table]) -> Vec<u8> {
    let codes: Vec<_> = tables.iter().map(Table::codes).collect();
    let mut bytes = Vec::new();
    for (index, tokens) in intervals.iter().enumerate() {
        if index > 0 {
            bytes.extend([0xFF, 0xD0 + (index as u8 - 1) % 8]);
        }
        let (mut byte, mut filled) = (0u8, 0);
        let mut put = |bits: u32, size: u32| {
            for bit in (0..size).rev() {
                byte = byte << 1 | (bits >> bit & 1) as u8;
                filled += 1;
                if filled == 8 {
                    bytes.push(byte);
                    if byte == 0xFF {
                        bytes.push(0);
                    }
                    (byte, filled) = (0, 0);
                }
            }
            filled
        };
        for &(table, symbol, bits, size) in tokens {
            let (code, length) = codes[table][&symbol];
            put(code, length);
            put(bits, size);
        }
        while put(0, 0) != 0 {
            put(1, 1);
        }
    }
    bytes
}

/// Category and bits of a number.
pub fn categorise(number: i32) -> (u32, u32) {
    let mut size = 0;
    while number.abs() >= 1 << size {
        size += 1;
    }
    (size, if number < 0 { number + (1 << size) - 1 } else { number } as u32)
}

/// A picture: for each component all of its samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    pub columns: usize,
    pub rows: usize,
    pub precision: u8,
    pub planes: Vec<Vec<u16>>,
}

/// The frame header of these components (identifier, factors, quantisation table).
pub fn frame_header(
    marker: u8,
    picture: (u8, usize, usize),
    components: &[(u8, u8, u8)],
) -> Vec<u8> {
    let (precision, rows, columns) = picture;
    let mut body = vec![precision];
    body.extend((rows as u16).to_be_bytes());
    body.extend((columns as u16).to_be_bytes());
    body.push(components.len() as u8);
    for &(id, factors, table) in components {
        body.extend([id, factors, table]);
    }
    segment(marker, &body)
}

/// What foretells a sample.
fn foretell(line: &[u16], above: Option<&[u16]>, x: usize, predictor: u8, middle: u16) -> u16 {
    let at = |line: &[u16], x: usize| i32::from(line[x]);
    let value = match (x, above) {
        (0, None) => middle.into(),
        (_, None) => at(line, x - 1),
        (0, Some(above)) => at(above, 0),
        (_, Some(above)) => {
            let (a, b, c) = (at(line, x - 1), at(above, x), at(above, x - 1));
            match predictor {
                1 => a,
                2 => b,
                3 => c,
                4 => a + b - c,
                5 => a + ((b - c) >> 1),
                6 => b + ((a - c) >> 1),
                _ => (a + b) >> 1,
            }
        }
    };
    value as u16
}

/// The symbols of a lossless scan of all components, table 0 for each.
pub fn lossless_tokens(
    picture: &Picture,
    predictor: u8,
    rows_an_interval: usize,
) -> Vec<Vec<Token>> {
    let middle = 1 << (picture.precision - 1);
    let mut intervals = Vec::new();
    for y in 0..picture.rows {
        let starts = if rows_an_interval == 0 { y == 0 } else { y % rows_an_interval == 0 };
        if starts {
            intervals.push(Vec::new());
        }
        for x in 0..picture.columns {
            for plane in &picture.planes {
                let mut lines = plane.chunks(picture.columns).skip(y.saturating_sub(1));
                let above = if y > 0 { lines.next() } else { None };
                let above = above.filter(|_| !starts);
                let line = lines.next().unwrap();
                let foretold = foretell(line, above, x, predictor, middle);
                let difference = line[x].wrapping_sub(foretold) as i16;
                let (size, bits) = categorise(difference.into());
                let size = if difference == i16::MIN { 16 } else { size };
                let behind = if size == 16 { (0, 0) } else { (bits, size) };
                intervals.last_mut().unwrap().push((0, size as u8, behind.0, behind.1));
            }
        }
    }
    intervals
}

/// A lossless stream with everything around it that must stay.
pub fn lossless(
    picture: &Picture,
    predictor: u8,
    rows_an_interval: usize,
    table: &Table,
) -> Vec<u8> {
    let mut stream = vec![0xFF, 0xD8];
    stream.extend(segment(0xE3, b"kept as it is"));
    stream.extend(table.segment(0, 0));
    let components: Vec<(u8, u8, u8)> =
        (0..picture.planes.len()).map(|c| (c as u8 + 1, 0x11, 0)).collect();
    let size = (picture.precision, picture.rows, picture.columns);
    stream.extend(frame_header(0xC3, size, &components));
    if rows_an_interval > 0 {
        let restart = (rows_an_interval * picture.columns) as u16;
        stream.extend(segment(0xDD, &restart.to_be_bytes()));
    }
    let mut scan = vec![components.len() as u8];
    for (id, _, _) in &components {
        scan.extend([*id, 0]);
    }
    scan.extend([predictor, 0, 0]);
    stream.extend(segment(0xDA, &scan));
    let tokens = lossless_tokens(picture, predictor, rows_an_interval);
    stream.extend(entropy_code(&tokens, std::slice::from_ref(table)));
    stream.extend([0xFF, 0xD9]);
    stream.extend(b"behind the end");
    stream
}

/// What stands in a stream: its segments (the entropy-coded bytes behind those of scans), and what is behind the end.
pub struct Parsed {
    pub segments: Vec<(u8, Vec<u8>)>,
    pub coded: Vec<Vec<u8>>,
    pub rest: Vec<u8>,
}

pub fn parse(stream: &[u8]) -> Parsed {
    let mut parsed = Parsed { segments: Vec::new(), coded: Vec::new(), rest: Vec::new() };
    let mut at = 2;
    loop {
        assert_eq!(stream[at], 0xFF, "a marker at {at}");
        let marker = stream[at + 1];
        if marker == 0xD9 {
            parsed.rest = stream[at + 2..].to_vec();
            return parsed;
        }
        let length = usize::from(u16::from_be_bytes([stream[at + 2], stream[at + 3]]));
        parsed.segments.push((marker, stream[at + 4..at + 2 + length].to_vec()));
        at += 2 + length;
        if marker == 0xDA {
            let start = at;
            while stream[at] != 0xFF || matches!(stream[at + 1], 0 | 0xD0..=0xD7) {
                at += 1;
            }
            parsed.coded.push(stream[start..at].to_vec());
        }
    }
}

/// The bits of each interval of entropy-coded bytes.
fn intervals(coded: &[u8]) -> Vec<Vec<bool>> {
    let mut intervals = vec![Vec::new()];
    let mut bytes = coded.iter();
    while let Some(&byte) = bytes.next() {
        if byte == 0xFF && *bytes.next().unwrap() != 0 {
            intervals.push(Vec::new());
            continue;
        }
        intervals.last_mut().unwrap().extend((0..8).rev().map(|bit| byte >> bit & 1 == 1));
    }
    intervals
}

/// Reads symbols and numbers from the bits of an interval.
pub struct Symbols<'a> {
    bits: std::slice::Iter<'a, bool>,
}

impl Symbols<'_> {
    fn bits(&mut self, count: u32) -> i32 {
        (0..count).fold(0, |bits, _| bits << 1 | i32::from(*self.bits.next().expect("a bit")))
    }

    pub fn symbol(&mut self, codes: &BTreeMap<(u32, u32), u8>) -> u8 {
        let mut code = 0;
        for length in 1..=16 {
            code = code << 1 | self.bits(1) as u32;
            if let Some(&symbol) = codes.get(&(code, length)) {
                return symbol;
            }
        }
        panic!("no code");
    }

    pub fn number(&mut self, size: u32) -> i32 {
        let bits = self.bits(size);
        if size > 0 && bits < 1 << (size - 1) { bits + 1 - (1 << size) } else { bits }
    }

    /// Nothing but padding is left: fewer than eight ones.
    fn finish(self) {
        let rest = self.bits.as_slice();
        assert!(rest.len() < 8 && rest.iter().all(|&bit| bit), "{rest:?} is left");
    }
}

/// The codes in force at each scan: by class and destination.
pub type CodesOf = BTreeMap<(u8, u8), BTreeMap<(u32, u32), u8>>;

/// The Huffman tables of a stream as they come.
pub fn tables(stream: &[u8]) -> Vec<Table> {
    let mut tables = Vec::new();
    for (_, body) in parse(stream).segments.iter().filter(|(marker, _)| *marker == 0xC4) {
        let mut rest = body.as_slice();
        while !rest.is_empty() {
            let counts: [u8; 16] = rest[1..17].try_into().unwrap();
            let count: usize = counts.iter().map(|&count| usize::from(count)).sum();
            tables.push(Table { counts, values: rest[17..17 + count].to_vec() });
            rest = &rest[17 + count..];
        }
    }
    tables
}

/// Calls `each` for every scan with its header, the codes and the restart interval, and for every interval with its number.
pub fn read(stream: &[u8], mut each: impl FnMut(&[u8], &CodesOf, usize, usize, &mut Symbols<'_>)) {
    let parsed = parse(stream);
    let (mut codes, mut restart, mut coded) = (CodesOf::new(), 0, parsed.coded.iter());
    for (marker, body) in &parsed.segments {
        match marker {
            0xC4 => {
                let mut rest = body.as_slice();
                while !rest.is_empty() {
                    let counts: [u8; 16] = rest[1..17].try_into().unwrap();
                    let count: usize = counts.iter().map(|&count| usize::from(count)).sum();
                    let table = Table { counts, values: rest[17..17 + count].to_vec() };
                    let by_code = table.codes().into_iter().map(|(symbol, code)| (code, symbol));
                    codes.insert((rest[0] >> 4, rest[0] & 15), by_code.collect());
                    rest = &rest[17 + count..];
                }
            }
            0xDD => restart = usize::from(u16::from_be_bytes([body[0], body[1]])),
            0xDA => {
                for (number, bits) in intervals(coded.next().unwrap()).iter().enumerate() {
                    let mut symbols = Symbols { bits: bits.iter() };
                    each(body, &codes, restart, number, &mut symbols);
                    symbols.finish();
                }
            }
            _ => {}
        }
    }
}

/// Decodes a lossless stream of one scan.
pub fn decode_lossless(stream: &[u8], like: &Picture) -> Picture {
    let mut picture = like.clone();
    let middle = 1 << (like.precision - 1);
    read(stream, |scan, codes, restart, number, symbols| {
        let parts = usize::from(scan[0]);
        let predictor = scan[1 + 2 * parts];
        let rows = if restart == 0 { like.rows } else { restart / like.columns };
        let first = number * rows;
        for y in first..(first + rows).min(like.rows) {
            for x in 0..like.columns {
                for (part, plane) in picture.planes.iter_mut().enumerate() {
                    let size = symbols.symbol(&codes[&(0, scan[2 + 2 * part] >> 4)]);
                    let difference =
                        if size == 16 { 0x8000 } else { symbols.number(size.into()) as u16 };
                    let (before, line) = plane.split_at_mut(y * like.columns);
                    let above = before.chunks(like.columns).next_back().filter(|_| y > first);
                    line[x] = foretell(line, above, x, predictor, middle).wrapping_add(difference);
                }
            }
        }
    });
    picture
}

/// A sequential frame.
#[derive(Clone)]
pub struct Sequential {
    pub columns: usize,
    pub rows: usize,
    pub precision: u8,
    pub factors: Vec<(usize, usize)>,
    /// All components in one scan.
    pub interleaved: bool,
    /// MCUs between restart markers, or 0.
    pub restart: usize,
    pub steps: Vec<[u16; 64]>,
    /// The blocks of each component, in zigzag order; lines as long as [`line`](Self::line) says.
    pub planes: Vec<Vec<[i32; 64]>>,
}

/// A component of a scan, and the column and line of a block of it.
type Place = (usize, usize, usize);

impl Sequential {
    pub fn greatest(&self) -> (usize, usize) {
        let (h, v): (Vec<_>, Vec<_>) = self.factors.iter().copied().unzip();
        (*h.iter().max().unwrap(), *v.iter().max().unwrap())
    }

    /// Columns and rows of samples of a component.
    pub fn samples(&self, component: usize) -> (usize, usize) {
        let ((h, v), most) = (self.factors[component], self.greatest());
        ((self.columns * h).div_ceil(most.0), (self.rows * v).div_ceil(most.1))
    }

    fn is_interleaved(&self) -> bool {
        self.interleaved && self.factors.len() > 1
    }

    fn mcus(&self) -> (usize, usize) {
        let most = self.greatest();
        (self.columns.div_ceil(8 * most.0), self.rows.div_ceil(8 * most.1))
    }

    /// Blocks in a line of a component.
    pub fn line(&self, component: usize) -> usize {
        if self.is_interleaved() {
            self.mcus().0 * self.factors[component].0
        } else {
            self.samples(component).0.div_ceil(8)
        }
    }

    /// Lines of blocks of a component.
    pub fn lines(&self, component: usize) -> usize {
        if self.is_interleaved() {
            self.mcus().1 * self.factors[component].1
        } else {
            self.samples(component).1.div_ceil(8)
        }
    }

    /// The blocks of each MCU of each scan.
    fn scans(&self) -> Vec<Vec<Vec<Place>>> {
        if self.is_interleaved() {
            let (wide, high) = self.mcus();
            let mcus = (0..wide * high).map(|mcu| {
                let mut places = Vec::new();
                for (component, &(h, v)) in self.factors.iter().enumerate() {
                    for block in 0..h * v {
                        let (x, y) = (mcu % wide * h + block % h, mcu / wide * v + block / h);
                        places.push((component, x, y));
                    }
                }
                places
            });
            return vec![mcus.collect()];
        }
        let one = |component: usize| {
            let line = self.line(component);
            let all = 0..line * self.lines(component);
            all.map(|block| vec![(component, block % line, block / line)]).collect()
        };
        (0..self.factors.len()).map(one).collect()
    }

    /// The symbols of each scan: tables 0 and 1 are those of the first component, 2 and 3 those of the others.
    pub fn tokens(&self) -> Vec<Vec<Vec<Token>>> {
        let scan = |mcus: Vec<Vec<Place>>| {
            let interval = if self.restart == 0 { mcus.len() } else { self.restart };
            mcus.chunks(interval).map(|mcus| self.interval(mcus)).collect()
        };
        self.scans().into_iter().map(scan).collect()
    }

    fn interval(&self, mcus: &[Vec<Place>]) -> Vec<Token> {
        let (mut tokens, mut last) = (Vec::new(), [0; 3]);
        for &(component, x, y) in mcus.iter().flatten() {
            let block = &self.planes[component][y * self.line(component) + x];
            let table = if component == 0 { 0 } else { 2 };
            let (size, bits) = categorise(block[0] - last[component]);
            last[component] = block[0];
            tokens.push((table, size as u8, bits, size));
            let mut zeros = 0;
            for &value in &block[1..] {
                if value == 0 {
                    zeros += 1;
                    continue;
                }
                while zeros > 15 {
                    tokens.push((table + 1, 0xF0, 0, 0));
                    zeros -= 16;
                }
                let (size, bits) = categorise(value);
                tokens.push((table + 1, zeros << 4 | size as u8, bits, size));
                zeros = 0;
            }
            if zeros > 0 {
                tokens.push((table + 1, 0, 0, 0));
            }
        }
        tokens
    }

    /// The stream, with four tables and with everything around it that must stay.
    pub fn encode(&self, tables: &[Table], ids: [u8; 3], extra: &[u8]) -> Vec<u8> {
        let mut stream = vec![0xFF, 0xD8];
        stream.extend(extra);
        stream.extend(segment(0xE5, b"kept as it is"));
        let mut components = Vec::new();
        for (component, &(h, v)) in self.factors.iter().enumerate() {
            let mut body = vec![0x10 | component as u8];
            body.extend(self.steps[component].iter().flat_map(|step| step.to_be_bytes()));
            stream.extend(segment(0xDB, &body));
            components.push((ids[component], (h << 4 | v) as u8, component as u8));
        }
        let size = (self.precision, self.rows, self.columns);
        stream.extend(frame_header(0xC1, size, &components));
        for (place, table) in tables.iter().enumerate() {
            stream.extend(table.segment(place as u8 & 1, place as u8 >> 1));
        }
        if self.restart > 0 {
            stream.extend(segment(0xDD, &(self.restart as u16).to_be_bytes()));
        }
        for (number, tokens) in self.tokens().iter().enumerate() {
            let parts =
                if self.is_interleaved() { 0..components.len() } else { number..number + 1 };
            let mut scan = vec![parts.len() as u8];
            for part in parts {
                scan.extend([ids[part], if part == 0 { 0x00 } else { 0x11 }]);
            }
            scan.extend([0, 63, 0]);
            stream.extend(segment(0xDA, &scan));
            stream.extend(entropy_code(tokens, tables));
        }
        stream.extend([0xFF, 0xD9]);
        stream.extend(b"behind the end");
        stream
    }

    /// The blocks of each component of a stream of this layout.
    pub fn decode(&self, stream: &[u8]) -> Vec<Vec<[i32; 64]>> {
        let mut planes: Vec<Vec<[i32; 64]>> =
            self.planes.iter().map(|plane| vec![[0; 64]; plane.len()]).collect();
        let scans = self.scans();
        let mut scan = 0;
        read(stream, |header, codes, restart, number, symbols| {
            // Each scan begins with interval 0.
            scan += usize::from(number == 0);
            let mcus = &scans[scan - 1];
            let length = if restart == 0 { mcus.len() } else { restart };
            let mcus = mcus.chunks(length).nth(number).expect("so many intervals");
            let mut last = [0; 3];
            let parts = usize::from(header[0]);
            for &(component, x, y) in mcus.iter().flatten() {
                let part = if parts == 1 { 0 } else { component };
                let tables = header[2 + 2 * part];
                let mut block = [0; 64];
                let size = symbols.symbol(&codes[&(0, tables >> 4)]);
                last[component] += symbols.number(size.into());
                block[0] = last[component];
                let mut at = 1;
                while at < 64 {
                    let symbol = symbols.symbol(&codes[&(1, tables & 15)]);
                    if symbol == 0 {
                        break;
                    }
                    at += usize::from(symbol >> 4);
                    block[at] = symbols.number((symbol & 15).into());
                    at += 1;
                }
                planes[component][y * self.line(component) + x] = block;
            }
        });
        planes
    }
}
