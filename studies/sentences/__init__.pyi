from .claim_words import MATCHED
from .effects import signed
from .verdict_sentences import verdicts

__all__ = [
    "MATCHED",
    "signed",
    "verdicts",
]
