"""`encounter-server requeue`, where there is no database to be read."""

from pathlib import Path

import pytest

from server.cli import main


def test_a_database_that_cannot_be_opened_is_said_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "encounter.db").write_bytes(b"not a database" * 100)
    assert main(["requeue", "--state", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("encounter-server: the database: ")
    assert "not a database" in said
    assert "SELECT" not in said
    assert "Traceback" not in said
