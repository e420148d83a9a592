"""Every question that the API takes is answered on SQLite and on PostgreSQL."""

from pathlib import Path

from sqlalchemy import Engine

from server.access.roles import Role
from tests.unit.server.api_chain import PERIOD, WEEKS, Asker, every, fill_chain

READS = """
    /organisations /organisations/{acme} /organisations/{acme}/figures /regions /regions/{china}
    /regions/{china}/figures /standings /changes /stores /stores/{pudong-1}
    /stores/{pudong-1}/points /stores/{pudong-1}/hours /stores/{pudong-1}/figures
    /stores/{pudong-1}/weeks /stores/{pudong-1}/amendments /stores/{pudong-1}/cells.csv
    /stores/{pudong-1}/figures.csv /exports/standings.csv /points/{counter}
    /points/{counter}/figures /points/{counter}/course /points/{counter}/gaps /devices
    /devices/kiosk-1 /devices/kiosk-1/assignments /devices/kiosk-1/ledger-head
    /devices/kiosk-1/ledger-heads /devices/kiosk-1/audit-reports /audit-reports /access-log
    /accounts /tokens /privacy/key
"""


def test_both_engines_answer_every_question(either: Engine, tmp_path: Path) -> None:
    chain = fill_chain(either, tmp_path)
    ask = Asker(chain.client(None), chain.token(Role.ADMIN, chain.reach("acme")))
    asked = PERIOD | WEEKS | {"kind": "store"}
    for template in READS.split():
        path = template.format_map({key: str(value) for key, value in chain.ids.items()})
        response = ask("GET", path, **asked)
        assert response.status_code == 200, (path, response.text)
    assert ask("GET", "/devices/%00").status_code == 422
    assert ask("GET", "/stores/%00").status_code == 422
    assert ask("PATCH", f"/stores/{chain.ids['puxi-1']}", {"name": "West"}).status_code == 200
    chain.flush()
    logged = {one["operation"] for one in every(ask, "/access-log")}
    assert {"getPointFigures", "exportStoreCells", "renameStore"} <= logged
