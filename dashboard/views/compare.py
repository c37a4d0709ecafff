"""Compare: any comparison, whatever its factor."""

from dashboard.page.answer_page import show_answer
from dashboard.page.selection import ANY_FACTOR

show_answer(ANY_FACTOR)
