//! Whole files in a folder of someone else's: what a folder destination takes.
//!
//! Here, and not with the deliveries, since it syncs and renames in the same order as the spool itself: whoever
//! watches the folder never sees half a file, and a file that was reported is there after a power cut.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::disk::{Disk, RealDisk};
use crate::base::object_id::ObjectId;

/// Writes `head` and all that `data` yields as `<id>.dcm`, replacing an earlier one, and gives the BLAKE3 of the data. Blocks.
///
/// The folder is made when it is not there. Half-written files bear the name `.<id>.part`.
///
/// # Errors
/// When the folder cannot be written to or `data` cannot be read. Nothing with the final name is left behind then.
pub fn place(
    folder: &Path,
    id: ObjectId,
    head: &[u8],
    data: impl Read,
) -> io::Result<blake3::Hash> {
    let disk = RealDisk;
    if !folder.is_dir() {
        std::fs::create_dir_all(folder)?;
    }
    let part = folder.join(format!(".{id}.part"));
    match disk.remove(&part) {
        Ok(()) => {}
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => {}
        Err(fault) => return Err(fault),
    }
    let file = disk.create(&part)?;
    let written = write(&disk, &file, head, data).and_then(|hash| {
        disk.sync_file(&file)?;
        disk.rename(&part, &folder.join(format!("{id}.dcm")))?;
        disk.sync_directory(folder)?;
        Ok(hash)
    });
    if written.is_err()
        && let Err(fault) = disk.remove(&part)
        && fault.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(object = %id, %fault, "a half-written file stays behind");
    }
    written
}

/// Writes all that `data` yields as a new file, in a folder that is made when it is not there. Blocks.
///
/// A half-written file bears its name with `.part` behind it.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] when there is such a file, which stays as it is; else when the folder cannot be written to or
/// `data` cannot be read. Nothing with the final name is left behind then.
pub fn place_new(place: &Path, data: impl Read) -> io::Result<()> {
    let disk = RealDisk;
    let exists = || io::Error::from(io::ErrorKind::AlreadyExists);
    let invalid = || io::Error::from(io::ErrorKind::InvalidInput);
    let (folder, name) = place.parent().zip(place.file_name()).ok_or_else(invalid)?;
    if std::fs::symlink_metadata(place).is_ok() {
        return Err(exists());
    }
    std::fs::create_dir_all(folder)?;
    let mut part = name.to_owned();
    part.push(".part");
    let part = folder.join(part);
    let file = disk.create(&part)?;
    let written = write(&disk, &file, &[], data).and_then(|_| {
        disk.sync_file(&file)?;
        into_place(&disk, &part, place)?;
        disk.sync_directory(folder)
    });
    if written.is_err()
        && let Err(fault) = disk.remove(&part)
        && fault.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%fault, "a half-written file stays behind");
    }
    written
}

/// Gives a finished file its name, unless another has it.
fn into_place(disk: &RealDisk, part: &Path, place: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, part, CWD, place, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        // A file system that cannot rename so: FAT of old kernels, and network file systems.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => match place.try_exists()? {
            true => Err(io::Error::from(io::ErrorKind::AlreadyExists)),
            false => disk.rename(part, place),
        },
        Err(fault) => Err(fault.into()),
    }
}

fn write(
    disk: &RealDisk,
    file: &File,
    head: &[u8],
    mut data: impl Read,
) -> io::Result<blake3::Hash> {
    disk.write(file, head)?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 256 << 10];
    loop {
        let count = match data.read(&mut buffer) {
            Ok(count) => count,
            Err(fault) if fault.kind() == io::ErrorKind::Interrupted => continue,
            Err(fault) => return Err(fault),
        };
        let Some(read) = buffer.get(..count).filter(|read| !read.is_empty()) else {
            return Ok(hasher.finalize());
        };
        hasher.update(read);
        disk.write(file, read)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: ObjectId = ObjectId::from_u128(0x0192_f00d_0000_7000_8000_0000_0000_002a);

    #[test]
    fn a_file_appears_whole_in_a_folder_that_is_made() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("a/b");
        let hash = place(&folder, ID, b"head", &b"data"[..]).unwrap();
        assert_eq!(hash, blake3::hash(b"data"));
        let names: Vec<_> = std::fs::read_dir(&folder).unwrap().flatten().collect();
        assert_eq!(names.len(), 1);
        assert_eq!(std::fs::read(folder.join(format!("{ID}.dcm"))).unwrap(), b"headdata");
    }

    #[test]
    fn a_second_delivery_replaces_the_first() {
        let root = tempfile::tempdir().unwrap();
        place(root.path(), ID, b"", &b"one"[..]).unwrap();
        place(root.path(), ID, b"", &b"two"[..]).unwrap();
        assert_eq!(std::fs::read(root.path().join(format!("{ID}.dcm"))).unwrap(), b"two");
    }

    #[test]
    fn a_new_file_takes_no_other_s_place() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join("a/IM1");
        place_new(&place, &b"one"[..]).unwrap();
        let fault = place_new(&place, &b"two"[..]).unwrap_err();
        assert_eq!(fault.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&place).unwrap(), b"one");
        let part = root.path().join("a/IM2.part");
        std::fs::write(&part, "of somebody else").unwrap();
        assert!(place_new(&root.path().join("a/IM2"), &b"two"[..]).is_err());
        assert_eq!(std::fs::read(&part).unwrap(), b"of somebody else");
    }

    #[test]
    fn data_that_cannot_be_read_leaves_nothing_behind() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("gone"))
            }
        }
        let root = tempfile::tempdir().unwrap();
        assert!(place(root.path(), ID, b"head", Broken).is_err());
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
    }
}
