//! What a file's pixels are looked at and stamped with: its bytes, the codecs of this process, and an unnamed file for frames that are coded
//! anew.

use std::cell::{OnceCell, RefCell};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::codec::{Frames, InProcess};
use crate::dicom::transfer_syntax::TransferSyntax;
use crate::object::edit::Made;
use crate::object::part10::Head;
use crate::object::splice::{Inflating, MadeBytes};
use crate::stamp::{FirstFrame, Workshop};

/// The bench for one file.
pub(in crate::app) struct Bench {
    path: PathBuf,
    data_set: u64,
    syntax: TransferSyntax,
    /// Where frames that are coded anew are kept for a while.
    room: PathBuf,
    making: RefCell<Option<Making>>,
    first: FirstFrame,
    asked: OnceCell<Instant>,
}

/// Frames that are coded anew.
struct Making {
    file: BufWriter<File>,
    hasher: blake3::Hasher,
    length: u64,
}

impl Bench {
    /// For a file with this head. What is made is kept in the folder `room`.
    pub(in crate::app) fn new(path: &Path, head: &Head, room: &Path) -> Self {
        Self {
            path: path.to_owned(),
            data_set: head.data_set,
            syntax: head.syntax(),
            room: room.to_owned(),
            making: RefCell::new(None),
            first: FirstFrame::default(),
            asked: OnceCell::new(),
        }
    }

    /// The data set as it stands in the file.
    pub(super) fn data_set(&self) -> io::Result<File> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.data_set))?;
        Ok(file)
    }

    /// What stands before it.
    pub(super) fn head(&self) -> io::Result<Vec<u8>> {
        let mut head = Vec::new();
        File::open(&self.path)?.take(self.data_set).read_to_end(&mut head)?;
        Ok(head)
    }

    /// What was made, from its beginning.
    pub(super) fn into_made(self) -> io::Result<MadeBytes> {
        let Some(making) = self.making.into_inner() else { return Ok(MadeBytes::none()) };
        let mut file = making.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        Ok(MadeBytes::new(BufReader::new(file)))
    }
}

impl Workshop for Bench {
    fn original(&self, at: u64) -> io::Result<Box<dyn Read + '_>> {
        self.asked.get_or_init(Instant::now);
        let mut data_set = self.data_set()?;
        if !self.syntax.deflated {
            data_set.seek(SeekFrom::Current(at.cast_signed()))?;
            return Ok(Box::new(data_set));
        }
        let mut inflating = Inflating::new(data_set)?;
        io::copy(&mut inflating.by_ref().take(at), &mut io::sink())?;
        Ok(Box::new(inflating))
    }

    fn frames(&self) -> &dyn Frames {
        &InProcess
    }

    fn keep(&self, bytes: &[u8]) -> io::Result<()> {
        let mut making = self.making.borrow_mut();
        let making = match &mut *making {
            Some(making) => making,
            none => {
                let file = BufWriter::new(tempfile::tempfile_in(&self.room)?);
                none.insert(Making { file, hasher: blake3::Hasher::new(), length: 0 })
            }
        };
        making.file.write_all(bytes)?;
        making.hasher.update(bytes);
        making.length += bytes.len() as u64;
        Ok(())
    }

    fn made(&self) -> Made {
        match &*self.making.borrow() {
            Some(making) => {
                Made { length: making.length, hash: *making.hasher.finalize().as_bytes() }
            }
            None => Made { length: 0, hash: *blake3::hash(&[]).as_bytes() },
        }
    }

    fn discard(&self) {
        *self.making.borrow_mut() = None;
    }

    fn first(&self) -> Option<&FirstFrame> {
        Some(&self.first)
    }

    fn spent(&self) -> Duration {
        self.asked.get().map_or(Duration::ZERO, Instant::elapsed)
    }
}
