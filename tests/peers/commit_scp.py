"""An archive that commits itself to what it has stored, with pynetdicom.

    commit_scp.py PORT AET GATE_PORT GATE_AET same|new|never

Reports on the association of the request, on one of its own to the gate, or not at all. Each line of output is a JSON object that
says what has happened.
"""

import json
import sys
import threading

from pydicom.dataset import Dataset
from pydicom.uid import AllTransferSyntaxes
from pynetdicom import AE, AllStoragePresentationContexts, build_role, evt
from pynetdicom.sop_class import StorageCommitmentPushModel, Verification

from steady import steady

INSTANCE = "1.2.840.10008.1.20.1.1"


def say(**what):
    print(json.dumps(what), flush=True)


def main():
    port, aet, gate_port, gate_aet, how = sys.argv[1:]
    stored = set()

    def store(event):
        stored.add(str(event.request.AffectedSOPInstanceUID))
        say(stored=str(event.request.AffectedSOPInstanceUID))
        return 0x0000

    def report(association, request):
        answer = Dataset()
        answer.TransactionUID = request.TransactionUID
        kept, failed = [], []
        for item in request.ReferencedSOPSequence:
            if item.ReferencedSOPInstanceUID in stored:
                kept.append(item)
            else:
                item.FailureReason = 0x0112
                failed.append(item)
        if kept:
            answer.ReferencedSOPSequence = kept
        if failed:
            answer.FailedSOPSequence = failed
        kind = 2 if failed else 1
        status, _ = steady(association).send_n_event_report(
            answer, kind, StorageCommitmentPushModel, INSTANCE
        )
        say(reported=status.get("Status"), how=how)

    def report_on_its_own(request):
        ae = AE(ae_title=aet)
        ae.add_requested_context(StorageCommitmentPushModel)
        role = build_role(StorageCommitmentPushModel, scp_role=True)
        association = ae.associate(
            "127.0.0.1", int(gate_port), ae_title=gate_aet, ext_neg=[role]
        )
        if not association.is_established:
            say(reported=None, how="rejected")
            return
        report(association, request)
        steady(association).release()

    def act(event):
        request = event.action_information
        roles = event.assoc.requestor.role_selection.get(StorageCommitmentPushModel)
        say(
            asked=[str(item.ReferencedSOPInstanceUID) for item in request.ReferencedSOPSequence],
            transaction=str(request.TransactionUID),
            calling=event.assoc.requestor.ae_title,
            roles=[roles.scu_role, roles.scp_role] if roles else None,
        )
        if how == "same":
            threading.Timer(0.2, report, [event.assoc, request]).start()
        elif how == "new":
            threading.Timer(0.2, report_on_its_own, [request]).start()
        return 0x0000, None

    ae = AE(ae_title=aet)
    ae.add_supported_context(Verification)
    for context in AllStoragePresentationContexts:
        ae.add_supported_context(context.abstract_syntax, AllTransferSyntaxes)
    ae.add_supported_context(StorageCommitmentPushModel, scu_role=True, scp_role=False)
    handlers = [(evt.EVT_C_STORE, store), (evt.EVT_N_ACTION, act)]
    ae.start_server(("127.0.0.1", int(port)), evt_handlers=handlers)


main()
