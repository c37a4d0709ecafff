"""`fairtune schema`: the JSON schema of study files, for editors."""

from __future__ import annotations

import json


def schema() -> None:
    """Print the JSON schema of study files; editors complete and check YAML with it."""
    from studies.study_file.json_schema import study_file_schema

    print(json.dumps(study_file_schema(), indent=2))
