"""Optimizers: which is better, and how much depends on the learning rate."""

from dashboard.page.answer_page import show_answer

show_answer("optimizer")
