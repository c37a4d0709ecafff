"""Overview."""

from dashboard.shared import chosen_study, live

live(chosen_study(), lambda chosen: None)
