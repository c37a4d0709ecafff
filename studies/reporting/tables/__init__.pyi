from .budget import budget_table
from .causes import causes_table
from .pairs import pairs_table
from .ranking import ranking_table
from .study import annotations_table, environment_table, outcomes_table, search_space_table
from .table import Table
from .winners import ConfigurationToUse, Winner, configuration_to_use, find_winners, winners_table

__all__ = [
    "ConfigurationToUse",
    "Table",
    "Winner",
    "annotations_table",
    "budget_table",
    "causes_table",
    "configuration_to_use",
    "environment_table",
    "find_winners",
    "outcomes_table",
    "pairs_table",
    "ranking_table",
    "search_space_table",
    "winners_table",
]
