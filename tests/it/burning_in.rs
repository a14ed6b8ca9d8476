//! Marks in the pixels, as a site sees them: what arrives can be read by everyone, and is what it was outside the text.

use crate::support::dataset::{self, part10, value};
use crate::support::eventually::{SOON, eventually, until};
use crate::support::gate::{Configuration, Gate};
use crate::support::peers;
use crate::support::sender::Sender;
use crate::support::sink::{Received, Sink};
use crate::support::wire::{Context, EXPLICIT_LE};
use markgate::codec::{Coded, FrameShape, Frames, InProcess, Syntax, encode};
use markgate::dicom::photometric::Photometric;
use markgate::dicom::{VR, tags};
use markgate::phantom::{Kind, Specimen, Value};
use rustix::process::{Pid, Signal, kill_process};
use std::path::Path;

const DERIVATION_DESCRIPTION: dataset::Tag = (0x0008, 0x2111);
const PIXEL_DATA: dataset::Tag = (0x7FE0, 0x0010);

/// Transfer syntaxes that text is drawn in and other decoders read.
const SYNTAXES: [&str; 13] = [
    EXPLICIT_LE,
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.201",
    "1.2.840.10008.1.2.4.202",
];

/// A gate that marks whatever it gets, in the pixels too.
fn drawing() -> Configuration {
    Configuration::of_everything().mark(r#"modes = ["tag", "burn-in"]"#).section(
        r#"
        [[source]]
        aet = "*"
        hosts = ["127.0.0.0/8"]
        institution = "sfyy"
        urgent = true

        # Radiographs compressed with loss get their mark too.
        [rules.parameters]
        lossy_blocked = []
        "#,
    )
}

/// An image to send.
#[derive(Clone)]
struct Sent {
    class: String,
    instance: String,
    syntax: &'static str,
    data: Vec<u8>,
}

impl Sent {
    /// The image of a specimen in a transfer syntax; one that knows no native pixels has its frame coded.
    fn of(specimen: Specimen, syntax: &'static str) -> Self {
        let class = specimen.sop_class().to_string();
        let instance = specimen.sop_instance().to_string();
        let coding = Syntax::of(syntax).expect("a transfer syntax that is known");
        let data = match coding {
            Syntax::Native { .. } => specimen.transfer_syntax_of(syntax).data_set(),
            _ => coded(&specimen, coding),
        };
        Self { class, instance, syntax, data }
    }

    fn file(&self) -> Vec<u8> {
        part10(&self.class, &self.instance, self.syntax, &self.data)
    }

    #[track_caller]
    fn send(&self, gate: &Gate) {
        let context = Context::proposed(1, &self.class, &[self.syntax]);
        let mut sender = Sender::connect(gate.port(), "CT01", "MARKGATE", &[context])
            .unwrap_or_else(|refusal| panic!("{refusal:?}"));
        let answer = sender.store(&self.class, &self.instance, &self.data).expect("an answer");
        assert_eq!(answer.status, 0, "{}", self.syntax);
        assert!(sender.release());
    }

    /// As it arrived.
    #[track_caller]
    fn among(&self, received: &[Received]) -> Received {
        let ours = |received: &&Received| received.instance == self.instance;
        received.iter().find(ours).expect("it has arrived").clone()
    }
}

/// The data set of a radiograph of 12 bits, its frame coded.
fn coded(specimen: &Specimen, syntax: Syntax) -> Vec<u8> {
    let plain = specimen.data_set();
    let number = |tag| {
        let bytes = value(&plain, EXPLICIT_LE, tag).expect("an element");
        u16::from_le_bytes([bytes[0], bytes[1]])
    };
    let mut shape = FrameShape {
        rows: number((0x0028, 0x0010)),
        columns: number((0x0028, 0x0011)),
        photometric: Photometric::Monochrome2,
        allocated: 16,
        stored: 12,
        high_bit: 11,
        signed: false,
        planar: false,
    };
    let pixels = value(&plain, EXPLICIT_LE, PIXEL_DATA).expect("pixels");
    let native = Coded { syntax: Syntax::Native { big_endian: false }, shape, bytes: pixels };
    let mut frame = InProcess.decode(&native).expect("a native frame");
    let mut head = specimen.clone();
    if syntax == Syntax::JpegBaseline {
        (shape.allocated, shape.stored, shape.high_bit) = (8, 8, 7);
        let words = frame.samples.as_chunks::<2>().0.iter();
        frame.samples = words.map(|word| (u16::from_le_bytes(*word) >> 4) as u8).collect();
        frame.sample_bytes = 1;
        let short = |number| Value::Shorts(vec![number]);
        head = head
            .set(tags::BITS_ALLOCATED, VR::US, short(8))
            .set(tags::BITS_STORED, VR::US, short(8))
            .set(tags::HIGH_BIT, VR::US, short(7))
            .text(tags::WINDOW_CENTER, "128")
            .text(tags::WINDOW_WIDTH, "128");
    }
    if matches!(syntax, Syntax::JpegBaseline | Syntax::JpegExtended) {
        head = head
            .text(tags::LOSSY_IMAGE_COMPRESSION, "01")
            .text(tags::LOSSY_IMAGE_COMPRESSION_RATIO, "10")
            .text(tags::LOSSY_IMAGE_COMPRESSION_METHOD, "ISO_10918_1");
    }
    let frame = encode(syntax, &shape, &frame).expect("a frame");
    let head = head.data_set();
    let elements = dataset::elements(&head, EXPLICIT_LE).expect("a data set");
    let at = elements.iter().find(|element| element.tag == PIXEL_DATA).expect("pixels").whole.start;
    let mut data = head[..at].to_vec();
    let undefined = [0xFF; 4];
    data.extend(*b"\xE0\x7F\x10\x00OB\0\0");
    data.extend(undefined);
    let mut item = frame;
    item.resize(item.len().next_multiple_of(2), 0);
    for value in [Vec::new(), item] {
        data.extend(*b"\xFE\xFF\x00\xE0");
        data.extend((value.len() as u32).to_le_bytes());
        data.extend(value);
    }
    data.extend(*b"\xFE\xFF\xDD\xE0\0\0\0\0");
    data
}

/// A chest radiograph of 12 bits, or of 8 where the syntax holds no more.
fn image(number: u32, syntax: &'static str) -> Sent {
    let specimen = Specimen::new(Kind::Cr, 4100 + u64::from(number));
    Sent::of(specimen.instance(number).size(575, 479), syntax)
}

/// What a description of the drawing says: `(burn-in at ...`, where there is one.
fn place(received: &Received) -> Option<String> {
    let said = value(&received.data, &received.transfer_syntax, DERIVATION_DESCRIPTION)?;
    let said = String::from_utf8_lossy(said).into_owned();
    Some(said.rsplit_once(" (")?.1.split(')').next()?.to_owned())
}

#[test]
fn every_decoder_reads_the_same_outside_the_text() {
    let sink = Sink::up();
    let gate = Gate::start(&drawing().pacs(&sink));
    let images: Vec<Sent> = (1..).zip(SYNTAXES).map(|(n, syntax)| image(n, syntax)).collect();
    for image in &images {
        image.send(&gate);
    }
    let arrived = sink.wait_for(images.len());
    let mut pairs = Vec::new();
    for image in &images {
        let received = image.among(&arrived);
        assert_eq!(received.transfer_syntax, image.syntax);
        let after = part10(&image.class, &image.instance, image.syntax, &received.data);
        // dciodvfy does not inflate.
        if image.syntax != "1.2.840.10008.1.2.1.99" {
            let (before, now) = (peers::dciodvfy(&image.file()), peers::dciodvfy(&after));
            let new: Vec<_> = now.iter().filter(|error| !before.contains(error)).collect();
            assert!(new.is_empty(), "{}: dciodvfy finds {new:#?}", image.syntax);
        }
        pairs.push((image.file(), after));
    }
    let mut readings = 0;
    for (image, found) in images.iter().zip(peers::read_outside(&pairs)) {
        let found = found.as_array().expect("a list").clone();
        println!("{}: {}", image.syntax, serde_json::Value::from(found.clone()));
        for reading in &found {
            assert_eq!(reading[1], 0, "{}: {reading}", image.syntax);
            assert!(reading[2].as_u64() > Some(100), "{}: no text: {reading}", image.syntax);
        }
        readings += found.len();
    }
    assert!(readings >= SYNTAXES.len(), "{readings} readings");
}

#[test]
fn images_of_a_series_have_their_text_in_one_corner() {
    let sink = Sink::up();
    let gate = Gate::start(&drawing().pacs(&sink));
    let slice = |instance| {
        let specimen = Specimen::new(Kind::Cr, 4200).instance(instance).size(1147, 957);
        Sent::of(specimen, EXPLICIT_LE)
    };
    for instance in 1..=4 {
        slice(instance).send(&gate);
    }
    let places: Vec<_> = sink.wait_for(4).iter().map(place).collect();
    let first = places[0].as_deref();
    assert!(first.is_some_and(|place| place.starts_with("burn-in at ")), "{first:?}");
    assert!(places.iter().all(|place| *place == places[0]), "{places:?}");
}

/// What arrives, without the elements that tell the time of the change.
fn timeless(received: &Received) -> Vec<(dataset::Tag, Vec<u8>)> {
    let elements = dataset::elements(&received.data, &received.transfer_syntax);
    let elements = elements.expect("a data set that can be walked").into_iter();
    let timed =
        |tag: dataset::Tag| matches!(tag, (0x0018, 0xA001) | (0x0400, 0x0561)) || tag.0 == 0x0077;
    elements
        .filter(|element| !timed(element.tag))
        .map(|element| (element.tag, received.data[element.whole].to_vec()))
        .collect()
}

#[test]
fn the_same_image_comes_to_the_same_bytes_at_every_gate_and_across_a_restart() {
    let images = [
        image(21, EXPLICIT_LE),
        image(22, "1.2.840.10008.1.2.4.80"),
        image(23, "1.2.840.10008.1.2.4.50"),
    ];
    let first = Sink::up();
    let gate = Gate::start(&drawing().pacs(&first));
    images.iter().for_each(|image| image.send(&gate));
    let wanted = first.wait_for(images.len());
    let mut second = Sink::down();
    let mut gate = Gate::start(&drawing().pacs(&second));
    images.iter().for_each(|image| image.send(&gate));
    // Those that are coded wait beside the objects.
    let made = gate.folder().join("spool/made");
    until("two images are made", || files_below(&made) == 2);
    eventually("every verdict is known", SOON, || {
        let listed = gate.list(&["queue", "ls"]);
        (listed.len() == images.len()).then_some(())
    });
    gate.kill();
    second.rise();
    gate.restart();
    let arrived = second.wait_for(images.len());
    for image in &images {
        let (was, is) = (image.among(&wanted), image.among(&arrived));
        assert!(place(&is).is_some(), "{}: nothing drawn", image.syntax);
        assert!(timeless(&was) == timeless(&is), "{}: other bytes", image.syntax);
    }
}

fn files_below(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    paths.map(|path| if path.is_dir() { files_below(&path) } else { 1 }).sum()
}

/// The codec workers of a process.
fn workers(of: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").expect("Linux").filter_map(Result::ok);
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_worker = |id: &u32| {
        let read = |what| std::fs::read(format!("/proc/{id}/{what}")).unwrap_or_default();
        let status = String::from_utf8_lossy(&read("status")).into_owned();
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
        parent.and_then(|parent| parent.trim().parse().ok()) == Some(of)
            && String::from_utf8_lossy(&read("cmdline")).contains("codec-worker")
    };
    ids.filter(is_worker).collect()
}

#[test]
fn workers_that_are_killed_cost_no_object() {
    let sink = Sink::up();
    let gate = Gate::start(&drawing().pacs(&sink));
    let images: Vec<Sent> = (31..43).map(|n| image(n, "1.2.840.10008.1.2.4.90")).collect();
    let killed = std::cell::Cell::new(0);
    std::thread::scope(|scope| {
        let sending = scope.spawn(|| images.iter().for_each(|image| image.send(&gate)));
        until("all have come, and workers were killed", || {
            for id in workers(gate.id()) {
                let id = i32::try_from(id).ok().and_then(Pid::from_raw);
                // It may have ended by itself.
                if kill_process(id.expect("a process id"), Signal::KILL).is_ok() {
                    killed.set(killed.get() + 1);
                }
            }
            sink.received().len() == images.len()
        });
        sending.join().expect("every image was taken");
    });
    assert!(killed.get() > 0);
    let arrived = sink.received();
    for image in &images {
        let received = image.among(&arrived);
        assert!(dataset::elements(&received.data, image.syntax).is_some());
        let pixels = |data: &[u8]| value(data, image.syntax, PIXEL_DATA).map(<[u8]>::to_vec);
        let is_drawn = place(&received).is_some();
        assert_eq!(pixels(&received.data) != pixels(&image.data), is_drawn);
    }
    gate.settle();
    let ledger = gate.json(&["ledger"]);
    assert_eq!(ledger["balanced"], true, "{ledger}");
    // After starts that were cut off the gate waits before it tries again; then a worker in peace draws.
    let mut numbers = 44..;
    let mut sent = images.len();
    eventually("an image is drawn on", SOON * 4, || {
        let next = image(numbers.next()?, "1.2.840.10008.1.2.4.90");
        next.send(&gate);
        sent += 1;
        place(&next.among(&sink.wait_for(sent)))
    });
}
