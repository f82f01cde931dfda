#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The ways in which mutants.sh breaks the sources.

    mutate.py list SEED NUMBER      so many of them, drawn by SEED: id, way, file, line, was, is
    mutate.py apply DIR ID          breaks the copy of the tree in DIR that way
    mutate.py restore DIR ID        puts the file back as it is here

A mutant's id is made from what is changed and where, by function and text: it stays the same while
other lines come and go, so that survivors can be compared with those of an older run.
"""
import hashlib
import os
import re
import shutil
import sys

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

# Way, share of all mutants in percent.
SHARES = [("comparison", 26), ("check", 24), ("logic", 10), ("offbyone", 10),
          ("unwind", 10), ("barrier", 12), ("advice", 8)]

COMPARISONS = [(" < ", " <= "), (" <= ", " < "), (" > ", " >= "), (" >= ", " > "),
               (" == ", " != "), (" != ", " == ")]
LOGIC = [(" && ", " || "), (" || ", " && "), ("return true;", "return false;"),
         ("return false;", "return true;")]
BARRIERS = [("smp_mb();", ";"), ("smp_rmb();", ";"), ("smp_wmb();", ";"), ("barrier();", ";"),
            ("smp_mb__before_atomic();", ";"), ("smp_mb__after_atomic();", ";"),
            ("smp_load_acquire(&", "READ_ONCE(*&"), ("smp_load_acquire(link", "READ_ONCE(*link"),
            ("smp_store_release(&", "WRITE_ONCE(*&"),
            ("atomic64_read_acquire(", "atomic64_read("), ("atomic64_set_release(", "atomic64_set("),
            ("atomic_set_release(", "atomic_set("), ("cmpxchg_release(", "cmpxchg_relaxed("),
            ("atomic_long_add_return(", "atomic_long_add_return_relaxed("),
            ("atomic_long_set_release(", "atomic_long_set("),
            ("atomic64_fetch_or(", "atomic64_fetch_or_relaxed("),
            ("atomic64_cmpxchg(", "atomic64_cmpxchg_relaxed(")]
UNWIND = re.compile(r"^\t+(kfree|kvfree|free_percpu|kfree_rcu|module_put|\w*(unmap|uncharge|destroy|"
                    r"_exit|undo|give_back|cancel|release|give_tickets|unregister|flush|put_slots)\w*)"
                    r"\(.*\);$")
FUNCTION = re.compile(r"^(?:static |noinline |__cold |inline |__always_inline |const |unsigned |"
                      r"struct |enum |\w+ |\*)*?\**(\w+)\([^;]*$")


def sources():
    for top in ("module", "include/nebula"):
        for folder, _, files in os.walk(os.path.join(REPO, top)):
            for name in sorted(files):
                path = os.path.relpath(os.path.join(folder, name), REPO)
                if name.endswith(".c") or path.startswith("include/nebula/"):
                    yield path


def blank_comments(text):
    """The same text, comments and what stands in quotes blank: every offset stays where it was."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def balanced(text):
    depth = 0
    for char in text:
        depth += (char == "(") - (char == ")")
        if depth < 0:
            return False
    return depth == 0


class Mutant:
    def __init__(self, way, path, function, line, start, was, now, nth):
        self.way, self.path, self.function, self.line = way, path, function, line
        self.start, self.was, self.now = start, was, now
        key = "\0".join((way, path, function, line.strip(), was, now, str(nth)))
        self.id = way[:2] + hashlib.sha256(key.encode()).hexdigest()[:8]
        self.number = 0


def line_mutants(code):
    """(way, offset in the line, was, is) of all that can be done to a line."""
    if not code.startswith("\t") or code.lstrip().startswith("#"):
        return
    for way, table in (("comparison", COMPARISONS), ("logic", LOGIC), ("barrier", BARRIERS)):
        for was, now in table:
            at = code.find(was)
            while at >= 0:
                # rcu_barrier() is another function.
                if not (was[0].isalpha() and at and (code[at - 1].isalnum() or code[at - 1] == "_")):
                    yield way, at, was, now
                at = code.find(was, at + 1)
    match = re.match(r"^(\t+)((?:\} else )?if \()(.*)\)( \{)?$", code)
    if match and balanced(match.group(3)):
        yield "check", match.start(3), match.group(3), "0 && (%s)" % match.group(3)
    for match in re.finditer(r" ([+-]) 1\b(?!\s*<<)", code):
        yield "offbyone", match.start(), match.group(0), " %s 0" % match.group(1)
    match = UNWIND.match(code)
    if match:
        yield "unwind", 0, code, "\t;"


def file_mutants(path):
    with open(os.path.join(REPO, path), encoding="utf-8") as file:
        text = file.read()
    code = blank_comments(text)
    function, offset, seen, quoted = "", 0, {}, text.split("\n")
    macro = False
    for number, line in enumerate(code.split("\n")):
        head = FUNCTION.match(line)
        if head:
            function = head.group(1)
        in_macro, macro = macro or line.startswith("#"), line.rstrip().endswith("\\")
        # Where a line has text in quotes, only what stands outside of it is changed.
        for way, at, was, now in () if in_macro else line_mutants(line.rstrip()):
            real = quoted[number][at:at + len(was)]
            if way == "check":
                now = "0 && (%s)" % real
            key = (way, function, quoted[number].strip(), real, now)
            seen[key] = seen.get(key, 0) + 1
            mutant = Mutant(way, path, function, quoted[number], offset + at, real, now, seen[key])
            mutant.number = number + 1
            yield mutant
        offset += len(line) + 1


def advice_mutants():
    """Two rows of advice change places: what the first was for, the second is for."""
    path = "module/error/codes.c"
    with open(os.path.join(REPO, path), encoding="utf-8") as file:
        text = file.read()
    rows = list(re.finditer(r"ROW\((O[NF]\w*\([^)]*\))", text))
    for first, second in zip(rows, rows[1:]):
        if "ELSE(" in text[first.start():second.start()]:
            continue
        was = text[first.start(1):second.end(1)]
        now = second.group(1) + text[first.end(1):second.start(1)] + first.group(1)
        mutant = Mutant("advice", path, "infos", first.group(1), first.start(1), was, now, 1)
        mutant.number = text.count("\n", 0, first.start()) + 1
        if first.group(1) != second.group(1):
            yield mutant


def all_mutants():
    for path in sources():
        yield from file_mutants(path)
    yield from advice_mutants()


def rank(*words):
    return hashlib.sha256("\0".join(words).encode()).hexdigest()


def draw(seed, number):
    """
    The shares of the ways, and in each of them every file as often as any other. By hashes: what
    changes in one file changes what is drawn of that file only.
    """
    chosen, pool = [], {}
    for mutant in all_mutants():
        pool.setdefault(mutant.way, {}).setdefault(mutant.path, []).append(mutant)
    for way, share in SHARES:
        files = pool[way]
        order = sorted(files, key=lambda path, way=way: rank(seed, way, path))
        for path in order:
            files[path].sort(key=lambda mutant: rank(seed, mutant.id))
        want = round(number * share / 100)
        while want > 0 and any(files.values()):
            for path in order:
                if files[path] and want > 0:
                    chosen.append(files[path].pop(0))
                    want -= 1
    # Any beginning of the list is a fair sample of the whole.
    return sorted(chosen, key=lambda mutant: rank(seed, "order", mutant.id))


def find(wanted):
    for mutant in all_mutants():
        if mutant.id == wanted:
            return mutant
    sys.exit("mutate.py: there is no mutant %s in these sources" % wanted)


def one_line(text):
    return re.sub(r"\s+", " ", text.strip())


def main(args):
    if len(args) == 3 and args[0] == "list":
        for m in draw(args[1], int(args[2])):
            print("\t".join((m.id, m.way, m.path, str(m.number), m.function,
                             one_line(m.line), one_line(m.was), one_line(m.now))))
    elif len(args) == 3 and args[0] in ("apply", "restore"):
        mutant = find(args[2])
        target = os.path.join(args[1], mutant.path)
        # A new time stamp either way, so that make sees the file as changed.
        shutil.copyfile(os.path.join(REPO, mutant.path), target)
        if args[0] == "apply":
            with open(target, encoding="utf-8") as file:
                text = file.read()
            end = mutant.start + len(mutant.was)
            assert text[mutant.start:end] == mutant.was
            with open(target, "w", encoding="utf-8") as file:
                file.write(text[:mutant.start] + mutant.now + text[end:])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
