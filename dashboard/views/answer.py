"""Answer: what a study found, and what stands behind it."""

from dashboard.page.answer_page import show_answer

show_answer()
