"""The table at the end of a run: which operation was checked on which venue, through which library."""

from checks import OPERATIONS

# Every venue is driven by ccxt; the second letter is the venue's own library, where there is one.
GENERAL = "ccxt"


def marks(outcomes, operation, adapter):
    """`c` and `o` for the libraries through which every check of the operation held, `!` for one through which any failed."""
    cell = ""
    for mark, wanted in (("c", lambda o: o.package == GENERAL), ("o", lambda o: o.package != GENERAL)):
        found = [o for o in outcomes if (o.operation, o.adapter) == (operation, adapter) and wanted(o)]
        if any(not o.holds for o in found):
            cell += "!"
        elif any(not o.absent for o in found):
            cell += mark
    known = any((o.operation, o.adapter) == (operation, adapter) and o.absent for o in outcomes)
    return cell or ("-" if known else "")


def table(outcomes):
    adapters = list(dict.fromkeys(o.adapter for o in outcomes if o.operation))
    width = max(len(name) for name in OPERATIONS) + 2
    lines = [
        "".join([" " * width, *(f"{adapter.partition('-')[0]:10}" for adapter in adapters)]).rstrip(),
        "".join([" " * width, *(f"{adapter.partition('-')[2]:10}" for adapter in adapters)]).rstrip(),
    ]
    for operation in OPERATIONS:
        cells = "".join(f"{marks(outcomes, operation, adapter):10}" for adapter in adapters)
        lines.append(f"{operation:{width}}{cells}".rstrip())
    own = dict.fromkeys(o.package for o in outcomes if o.operation and o.package != GENERAL)
    lines.append(f"c: {GENERAL}; o: the venue's own library ({', '.join(own) or 'none here'}); !: a check failed")
    for operation, reason in dict.fromkeys((o.operation, o.absent) for o in outcomes if o.absent):
        lines.append(f"-: no {operation} ({reason})")
    return "\n".join(lines)
