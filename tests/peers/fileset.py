"""Reads a DICOMDIR as pydicom does, and tells what it lists, as JSON: a list of [File ID, SOP Instance UID in the file, SOP Instance
UID in the record, Institution Name of the file, that of its series record].

    fileset.py DICOMDIR
"""

import json
import sys

from pydicom import dcmread
from pydicom.fileset import FileSet

fileset = FileSet(sys.argv[1])
found = []
for instance in fileset:
    file = instance.load()
    record = instance.node.parent._record
    found.append([
        "/".join(instance.ReferencedFileID),
        str(file.SOPInstanceUID),
        str(instance.ReferencedSOPInstanceUIDInFile),
        str(file.get("InstitutionName", "")),
        str(record.get("InstitutionName", "")),
    ])

# Every offset leads to a record, each record is led to once.
directory = dcmread(sys.argv[1])
places = {item.seq_item_tell: item for item in directory.DirectoryRecordSequence}
left = [directory.OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity]
seen = set()
while left:
    offset = left.pop()
    if offset == 0:
        continue
    assert offset in places, f"no record at {offset}"
    assert offset not in seen, f"two ways to {offset}"
    seen.add(offset)
    left += [places[offset].OffsetOfTheNextDirectoryRecord, places[offset].OffsetOfReferencedLowerLevelDirectoryEntity]
assert len(seen) == len(places), f"{len(seen)} of {len(places)} records are led to"
print(json.dumps(found))
