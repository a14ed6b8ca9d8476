"""Sends the files of a folder with pynetdicom, each in its own transfer syntax.

    send.py PORT CALLING CALLED FOLDER

The last line of output is a JSON object: SOP Instance UID -> status, or the reason why it was not sent.
"""

import json
import sys
from pathlib import Path

from pydicom import dcmread
from pynetdicom import AE, _config
from pynetdicom.presentation import build_context

from steady import steady

# The data set of the file goes out as it is, as a modality's would.
_config.STORE_SEND_CHUNKED_DATASET = False


def main():
    port, calling, called, folder = sys.argv[1:]
    outcome = {}
    for path in sorted(Path(folder).iterdir()):
        dataset = dcmread(path, force=True)
        syntax = dataset.file_meta.TransferSyntaxUID
        instance = str(dataset.file_meta.MediaStorageSOPInstanceUID)
        ae = AE(ae_title=calling)
        context = build_context(dataset.file_meta.MediaStorageSOPClassUID, syntax)
        association = ae.associate("127.0.0.1", int(port), contexts=[context], ae_title=called)
        if not association.is_established:
            outcome[instance] = "no association"
            continue
        try:
            status = steady(association).send_c_store(dataset)
            outcome[instance] = status.Status if "Status" in status else "no answer"
        except Exception as fault:  # what pynetdicom itself cannot send
            outcome[instance] = f"not sent: {type(fault).__name__}: {fault}"
        steady(association).release()
    print(json.dumps(outcome))


main()
