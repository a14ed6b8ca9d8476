"""Compares marked images with what they were, as every decoder at hand reads them, and prints one JSON list an image.

    outside.py FOLDER

FOLDER holds NNNN.before.dcm and NNNN.after.dcm. Each entry of a list is [decoder, samples that differ outside the rectangle,
samples that differ inside it]; the rectangle is what Derivation Description of the marked one says, for JPEG with loss widened
to whole blocks and the pixels beside them that take their colour from these.
"""

import json
import pathlib
import re
import subprocess
import sys

import numpy
from pydicom import dcmread
from pydicom.pixels import get_decoder, pixel_array

BLOCKS = {"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"}
DCMTK = {
    "1.2.840.10008.1.2.4.50": "dcmdjpeg",
    "1.2.840.10008.1.2.4.51": "dcmdjpeg",
    "1.2.840.10008.1.2.4.57": "dcmdjpeg",
    "1.2.840.10008.1.2.4.70": "dcmdjpeg",
    "1.2.840.10008.1.2.4.80": "dcmdjpls",
    "1.2.840.10008.1.2.5": "dcmdrle",
}


def rectangle(dataset):
    words = re.search(r" at (\d+),(\d+) (\d+)x(\d+)\)", dataset.DerivationDescription)
    left, top, width, height = map(int, words.groups())
    right, bottom = left + width, top + height
    if dataset.file_meta.TransferSyntaxUID in BLOCKS:
        left, top = left // 16 * 16 - 2, top // 16 * 16 - 2
        right, bottom = -(-right // 16) * 16 + 2, -(-bottom // 16) * 16 + 2
    return max(left, 0), max(top, 0), right, bottom


def by_dcmtk(path, program):
    plain = path.with_suffix(".plain")
    options = ["+cn"] if program == "dcmdjpeg" else []
    subprocess.run([program, *options, path, plain], check=True, capture_output=True)
    return pixel_array(dcmread(plain), raw=True)


def readings(path):
    dataset = dcmread(path)
    syntax = dataset.file_meta.TransferSyntaxUID
    if not syntax.is_encapsulated:
        yield "pydicom", pixel_array(dataset, raw=True)
        return
    try:
        plugins = get_decoder(syntax).available_plugins
    except NotImplementedError:  # JPEG XL
        return
    for plugin in plugins:
        try:
            yield plugin, pixel_array(dataset, raw=True, decoding_plugin=plugin)
        except Exception as error:  # noqa: BLE001: a decoder that cannot read it is told apart from one that reads it otherwise
            yield plugin, str(error)
    if syntax in DCMTK:
        yield "dcmtk", by_dcmtk(path, DCMTK[syntax])


def compared(before, after):
    dataset = dcmread(after)
    left, top, right, bottom = rectangle(dataset)
    inside = numpy.zeros((dataset.Rows, dataset.Columns), dtype=bool)
    inside[top:bottom, left:right] = True
    found = []
    for (name, was), (_, now) in zip(readings(before), readings(after)):
        if isinstance(was, str):
            continue
        if isinstance(now, str):
            found.append([name, now, 0])
            continue
        differ = was != now
        if differ.ndim > 2 and differ.shape[-1] == 3:
            differ = differ.any(axis=-1)
        differ = differ.reshape(-1, dataset.Rows, dataset.Columns).any(axis=0)
        found.append([name, int((differ & ~inside).sum()), int((differ & inside).sum())])
    return found


folder = pathlib.Path(sys.argv[1])
for before in sorted(folder.glob("*.before.dcm")):
    print(json.dumps(compared(before, pathlib.Path(str(before).replace(".before.", ".after.")))))
