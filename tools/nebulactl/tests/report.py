#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# Is a report well-formed, does it load nothing, and has it every allocator of a tree?
#
#   tests/report.py FILE [TREE]
import os
import sys
import xml.etree.ElementTree as tree

text = open(sys.argv[1], encoding="utf-8").read()
root = tree.fromstring(text.replace("<!DOCTYPE html>", ""))
bad = []
for element in root.iter():
    for key in ("src", "href", "onload", "style"):
        value = element.get(key, "#")
        if not value.startswith("#"):
            bad.append("<%s %s=%s>" % (element.tag, key, value))
    if element.tag in ("script", "link", "iframe", "object"):
        bad.append("<%s>" % element.tag)
ids = {element.get("id") for element in root.iter() if element.get("id")}
targets = {element.get("href")[1:] for element in root.iter("a")}
bad += ["no place for the link #%s" % target for target in targets - ids]
names = set(os.listdir(os.path.join(sys.argv[2], "allocators"))) if len(sys.argv) > 2 else set()
bad += ["no details of %s" % name for name in names if "a-" + name not in ids]
if "url(" in text or "@import" in text:
    bad.append("the style sheet loads something")
print("\n".join(bad))
sys.exit(bool(bad))
