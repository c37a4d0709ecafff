from .database import damage, hold, sqlite_file
from .earlier import earlier_studies
from .home import Home, disk_is_full, home_option, slug
from .secrets import redact, without_secrets

__all__ = [
    "Home",
    "damage",
    "disk_is_full",
    "earlier_studies",
    "hold",
    "home_option",
    "redact",
    "slug",
    "sqlite_file",
    "without_secrets",
]
