"""Regularization: what it does to overfitting, and how strong it should be."""

from dashboard.page.answer_page import show_answer

show_answer("regularization")
