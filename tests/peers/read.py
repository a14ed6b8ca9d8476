"""Prints what pydicom reads in a file, as JSON: tag -> [VR, value as text], in document order, pixels left out.

    read.py FILE
"""

import json
import sys

from pydicom import dcmread


def plain(dataset):
    found = {}
    for element in dataset:
        if element.tag == 0x7FE00010:
            continue
        if element.VR == "SQ":
            value = [plain(item) for item in element.value]
        else:
            value = str(element.value)
        found[f"{element.tag.group:04X}{element.tag.element:04X}"] = [element.VR, value]
    return found


print(json.dumps(plain(dcmread(sys.argv[1], force=True))))
