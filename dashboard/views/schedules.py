"""Learning-rate schedules: which is better, what each plans, and a preview of any."""

from dashboard.page.answer_page import show_answer

show_answer("schedule")
