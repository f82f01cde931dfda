#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# Has QEMU write the memory of its guest to a file, as the guest's page tables map it, and end.
#
#   dump.py SOCKET FILE      SOCKET: of QEMU's machine protocol
import json
import socket
import sys

connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.argv[1])
stream = connection.makefile("rw")


def ask(command, **arguments):
    """The answer to a command; events in between are of no interest."""
    stream.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
    stream.flush()
    while True:
        answer = json.loads(stream.readline())
        if "error" in answer:
            sys.exit("QEMU: %s: %s" % (command, answer["error"]["desc"]))
        if "return" in answer:
            return answer["return"]


stream.readline()
ask("qmp_capabilities")
ask("dump-guest-memory", paging=True, protocol="file:" + sys.argv[2])
ask("quit")
