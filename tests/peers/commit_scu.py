"""A modality that wants its objects kept before it deletes them, with pynetdicom.

    commit_scu.py PORT CALLING CALLED FOLDER same|new[:N]|ask LISTEN [INSTANCE ...]

Sends the files of the folder, asks for commitment to them and to the further instances (said to be CT images), and waits for the
report: on the same association, or on one that the gate opens to the port LISTEN after its own is released ("new:2" waits for two
reports). With "ask" it asks and goes, without waiting. The last line of output is a JSON object.
"""

import json
import sys
import threading
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid
from pynetdicom import AE, evt
from pynetdicom.sop_class import CTImageStorage, StorageCommitmentPushModel, Verification

from steady import steady

INSTANCE = "1.2.840.10008.1.20.1.1"
PATIENCE = 60


def reference(sop_class, instance):
    item = Dataset()
    item.ReferencedSOPClassUID = sop_class
    item.ReferencedSOPInstanceUID = instance
    return item


def main():
    port, calling, called, folder, how, listen, *further = sys.argv[1:]
    how, _, count = how.partition(":")
    outcome = {"stored": {}, "report": None, "reports": []}
    reported, answering, answered = threading.Event(), threading.Event(), threading.Event()

    def report(event):
        information = event.event_information
        failed = information.get("FailedSOPSequence", [])
        kept = information.get("ReferencedSOPSequence", [])
        outcome["report"] = told = {
            "type": event.event_type,
            "transaction": information.TransactionUID,
            "committed": [str(item.ReferencedSOPInstanceUID) for item in kept],
            "failed": {
                str(item.ReferencedSOPInstanceUID): f"{item.FailureReason:04X}" for item in failed
            },
            "calling": event.assoc.requestor.ae_title,
            "called": event.assoc.acceptor.ae_title,
            "own_association": event.assoc.is_requestor,
        }
        outcome["reports"].append(told)
        if len(outcome["reports"]) >= int(count or 1):
            reported.set()
        return 0x0000, None

    # A message is said to be sent before its PDU is: a release could still overtake it.
    def answers(event):
        if type(event.message).__name__ == "N_EVENT_REPORT_RSP":
            answering.set()

    def sent(event):
        if answering.is_set() and type(event.pdu).__name__ == "P_DATA_TF":
            answered.set()

    handlers = [
        (evt.EVT_N_EVENT_REPORT, report),
        (evt.EVT_DIMSE_SENT, answers),
        (evt.EVT_PDU_SENT, sent),
    ]
    ae = AE(ae_title=calling)
    server = None
    if how == "new":
        ae.add_supported_context(Verification)
        ae.add_supported_context(StorageCommitmentPushModel, scu_role=False, scp_role=True)
        server = ae.start_server(("127.0.0.1", int(listen)), block=False, evt_handlers=handlers)
    datasets = [dcmread(path, force=True) for path in sorted(Path(folder).iterdir())]
    for dataset in datasets:
        meta = dataset.file_meta
        ae.add_requested_context(meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID)
    ae.add_requested_context(
        StorageCommitmentPushModel, [ImplicitVRLittleEndian, ExplicitVRLittleEndian]
    )
    association = ae.associate("127.0.0.1", int(port), ae_title=called, evt_handlers=handlers)
    assert association.is_established
    request = Dataset()
    request.TransactionUID = generate_uid()
    request.ReferencedSOPSequence = []
    for dataset in datasets:
        meta = dataset.file_meta
        status = steady(association).send_c_store(dataset)
        outcome["stored"][str(meta.MediaStorageSOPInstanceUID)] = status.Status
        item = reference(meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID)
        request.ReferencedSOPSequence.append(item)
    for instance in further:
        request.ReferencedSOPSequence.append(reference(CTImageStorage, instance))
    outcome["transaction"] = str(request.TransactionUID)
    status, _ = steady(association).send_n_action(request, 1, StorageCommitmentPushModel, INSTANCE)
    outcome["asked"] = status.Status
    if how == "same":
        reported.wait(PATIENCE)
        answered.wait(PATIENCE)
    steady(association).release()
    if how == "new":
        reported.wait(PATIENCE)
        server.shutdown()
    print(json.dumps(outcome))


main()
