# SPDX-License-Identifier: GPL-2.0-only
"""What the allocators of nebula_memory were doing when a kernel crashed.

For gdb, with a crash image or /proc/kcore as its core file, and the symbols of nebula_memory.ko loaded
where the module was; load.sh does both. Nothing of the kernel's own symbols is needed, but with those in
System.map, or a copy of /proc/kallsyms, call stacks show names:

    nebula symbols FILE     names of the kernel's functions
    nebula list             allocators, budgets and caches: state, use as far as it is not per CPU, failures
    nebula live NAME        live blocks of a pool, by call site with NEBULA_TRACK
    nebula errors           the ring of errors, oldest first
"""
import bisect
import collections

import gdb  # pylint: disable=import-error

BLOCK_FREE = 0
TRACK_ENTRIES_SHOWN = 8
SEGMENTS_MAX = 4096

symbols = []    # (address, name), sorted


def value(expression):
    return gdb.parse_and_eval(expression)


def text(array):
    """A string of a char array or pointer, whatever it has become."""
    try:
        return array.string(errors="replace").rstrip("\0") or "?"
    except gdb.error:
        return "?"


def each(head, type_name, member):
    """Elements of a list_head; a list that leads nowhere ends."""
    kind = gdb.lookup_type(type_name)
    offset = next(field.bitpos // 8 for field in kind.fields() if field.name == member)
    start, node, seen = int(head.address), head["next"], set()
    while int(node) != start and int(node) not in seen:
        seen.add(int(node))
        yield gdb.Value(int(node) - offset).cast(kind.pointer()).dereference()
        node = node["next"]


def container(pointer, type_name, *members):
    """The struct that has what @pointer points at."""
    kind, offset = gdb.lookup_type(type_name), 0
    inner = kind
    for member in members:
        field = next(field for field in inner.fields() if field.name == member)
        offset += field.bitpos // 8
        inner = field.type.strip_typedefs()
    return gdb.Value(int(pointer) - offset).cast(kind.pointer()).dereference()


def where(address):
    """A function and an offset, of a module whose symbols are loaded or of System.map."""
    found = gdb.execute("info symbol 0x%x" % address, to_string=True)
    if not found.startswith("No symbol"):
        return found.split(" in section")[0].replace(" + ", "+")
    at = bisect.bisect_right(symbols, (address, "\xff")) - 1
    if at >= 0 and address - symbols[at][0] < 1 << 20:
        return "%s+%d" % (symbols[at][1], address - symbols[at][0])
    return "0x%x" % address


def registrations():
    return each(value("registrations"), "struct nebula_registration", "node")


def kind_of(allocator):
    return text(value("kind_names")[int(allocator["ops"]["kind"])])


def code_name(code):
    infos = value("infos")
    low, high = infos.type.range()
    return text(infos[code]["name"]) if low <= code <= high else "code %d" % code


def failures_of(allocator):
    """Failures by code, those there were."""
    counts = allocator["failures"]
    low, high = counts.type.range()
    found = [(code_name(code), int(counts[code]["counter"])) for code in range(low, high + 1)]
    return [(name, count) for name, count in found if count]


def used_of(allocator, kind):
    """Use and capacity in bytes or blocks, where they are no counts of CPUs; else empty."""
    if kind == "bump":
        bump = container(allocator.address, "struct nebula_bump", "common")
        if int(allocator["flags"]) & int(value("NEBULA_SHARED")):
            return "per CPU"
        used = int(bump["retired"]) + int(bump["cur"]) - int(bump["base"])
        return "%d of %d bytes" % (used, int(bump["capacity"]))
    if kind == "pool":
        heap = heap_of(allocator)
        live = sum(1 for _ in live_blocks(heap))
        return "%d of %d blocks" % (live, int(heap["nominal"]))
    if kind == "budget":
        return ""
    return "per CPU" if kind == "scratch" else ""


def heap_of(allocator):
    return container(allocator.address, "struct nebula_pool_heap", "pool", "common")


def segments(heap):
    table = heap["table"].dereference()
    for i in range(min(int(table["nr"]), SEGMENTS_MAX)):
        yield table["seg"][i].dereference()


def live_blocks(heap):
    """Each live block: its segment, and its index there."""
    for segment in segments(heap):
        blocks = int(segment["blocks"])
        states = gdb.selected_inferior().read_memory(int(segment["state"]), blocks)
        for index in range(blocks):
            if states[index][0] != BLOCK_FREE:
                yield segment, index


class Nebula(gdb.Command):
    """nebula list, nebula live NAME, nebula errors, nebula symbols FILE"""

    def __init__(self):
        super().__init__("nebula", gdb.COMMAND_DATA, prefix=True)


class NebulaSymbols(gdb.Command):
    """nebula symbols FILE: the kernel's names, of System.map or /proc/kallsyms"""

    def __init__(self):
        super().__init__("nebula symbols", gdb.COMMAND_DATA, gdb.COMPLETE_FILENAME)

    def invoke(self, argument, from_tty):
        del symbols[:]
        with open(argument, encoding="ascii", errors="replace") as file:
            for line in file:
                words = line.split()
                if len(words) >= 3 and words[1] in "tTwW":
                    symbols.append((int(words[0], 16), words[2]))
        symbols.sort()
        print("%d names" % len(symbols))


class NebulaList(gdb.Command):
    """nebula list: allocators, budgets and caches, oldest first"""

    def __init__(self):
        super().__init__("nebula list", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        count = 0
        print("%-24s %-9s %-24s %-20s %-22s %s" % ("NAME", "KIND", "OWNER", "CREATED BY", "USED", "FAILURES"))
        for registration in registrations():
            allocator = registration["allocator"].dereference()
            kind = kind_of(allocator)
            owner = "(orphan)" if registration["orphan"] else text(registration["owner"]["name"])
            created = "%s[%d]" % (text(registration["comm"]), int(registration["pid"]))
            failures = ", ".join("%s %d" % pair for pair in failures_of(allocator)) or "-"
            state = "" if registration["live"] else "  (going)"
            print("%-24s %-9s %-24s %-20s %-22s %s%s" % (text(registration["name"]), kind, owner, created,
                                                         used_of(allocator, kind) or "-", failures, state))
            count += 1
        print("%d in all" % count)


class NebulaLive(gdb.Command):
    """nebula live NAME: live blocks of a pool, by call site"""

    def __init__(self):
        super().__init__("nebula live", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        for registration in registrations():
            allocator = registration["allocator"].dereference()
            if text(registration["name"]) == argument and kind_of(allocator) == "pool":
                self.show(heap_of(allocator))
                return
        raise gdb.GdbError("there is no pool %s" % argument)

    def show(self, heap):
        sites, total = collections.Counter(), 0
        for segment, index in live_blocks(heap):
            stack = ()
            if int(segment["tracks"]):
                track = segment["tracks"][index]
                nr = min(int(track["nr_alloc"]), TRACK_ENTRIES_SHOWN)
                stack = tuple(int(track["alloc"][i]) for i in range(nr))
            sites[stack] += 1
            total += 1
        print("%d live blocks of %d bytes" % (total, int(heap["pool"]["block_size"])))
        for stack, count in sites.most_common():
            print("\n%d allocated by" % count)
            for address in stack:
                print("    %s" % where(address))
            if not stack:
                print("    not tracked, set NEBULA_TRACK")


class NebulaErrors(gdb.Command):
    """nebula errors: the ring of errors, oldest first"""

    def __init__(self):
        super().__init__("nebula errors", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        ring = value("ring")
        low, high = ring.type.range()
        records = []
        for i in range(low, high + 1):
            state = int(ring[i]["state"]["counter"])
            if state and not state & 1:
                records.append((state, i))
        for _, i in sorted(records):
            self.show(ring[i]["err"])
        print("%d records" % len(records))

    def show(self, error):
        print("[%12.6f] %s: %s in %s[%d], cpu %d" % (int(error["time_ns"]) / 1e9, text(error["name"]),
                                                    code_name(int(error["code"])), text(error["comm"]),
                                                    int(error["pid"]), int(error["cpu"])))
        if int(error["capacity"]):
            print("    used %d of %d bytes, asked for %d" % (int(error["used"]), int(error["capacity"]),
                                                          int(error["size"])))
        for i in range(min(int(error["nr_entries"]), 32)):
            address = int(error["entries"][i])
            # Small numbers say whose stack follows.
            if address > 1 << 32:
                print("    %s" % where(address))


Nebula()
NebulaSymbols()
NebulaList()
NebulaLive()
NebulaErrors()
