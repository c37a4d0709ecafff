from .supervised_module import SupervisedModule
from .table import NETWORKS

__all__ = [
    "NETWORKS",
    "SupervisedModule",
]
