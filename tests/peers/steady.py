"""Keeps answers from the reactor of pynetdicom, which takes them away where it is thought to pause and does not.

Before it sends, pynetdicom has the reactor pause and looks whether it does. It is fooled twice: by a reactor that has been told to go on
after the answer before and has not come to it yet, and by one that is preempted beside the place where it pauses.
"""

import sys
import time

# Threads take turns where they wait, and nowhere else.
sys.setswitchinterval(60)


def steady(association):
    """The association, once its reactor has gone on. To be asked for each message that is sent."""
    while association._is_paused and association.is_established:
        time.sleep(0.0001)
    return association
