"""The front door: every public name is there, is lazy, and is named in `__all__`."""

import subprocess
import sys

import reciprocity


def test_every_public_name_loads_and_the_list_is_sorted() -> None:
    assert list(reciprocity.__all__) == sorted(reciprocity.__all__)
    assert set(reciprocity.__all__) == set(reciprocity._HOME)
    for name in reciprocity.__all__:
        assert getattr(reciprocity, name).__name__ == name
    assert not hasattr(reciprocity, "nothing_of_that_name")


def test_checking_a_receipt_loads_no_database_and_no_server() -> None:
    code = (
        "import sys, reciprocity; reciprocity.check_receipt; "
        "heavy = {'sqlalchemy', 'alembic', 'litestar', 'uvicorn', 'sqlglot', 'sqlite3'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
