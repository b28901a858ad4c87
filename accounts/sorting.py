"""Alphabetical order as German directories have it, the same on every database."""

from django.db.models import CharField, Func, Value
from django.db.models.functions import Lower

# The database compares bytes, so that "Ö" would stand after "z": letters with marks sort as without.
_MARKED = "äáàâãåăąçćčďéèêëěęğíìîïıľłñńňóòôõöőøřŕśšşßťţúùûüůűýÿžźż"
_PLAIN = "aaaaaaaacccdeeeeeegiiiiillnnnooooooorrssssttuuuuuuyyzzz"


def alphabetical(field: str) -> Func:
    """For `order_by`: the text of a field without case and marks."""
    return Func(Lower(field), Value(_MARKED), Value(_PLAIN), function="TRANSLATE", output_field=CharField())


def key(text: str) -> str:
    """The same order for texts at hand, such as names that the database cannot read."""
    return text.lower().translate(_UNMARKED)


_UNMARKED = str.maketrans(_MARKED, _PLAIN)
