"""How long answers of the API take over a chain's history, on both engines, and how large they are.

    python -m tests.bench.bench_server_api --stores 60 --days 396 --asks 40
    python -m tests.bench.bench_server_api --database sqlite:///sim/encounter.db --against 10

Options and chains are those of `bench_server_queries`.
"""

from tests.bench.asking import Question, ask_all, options_of

API = "/api/v1"
STORE, POINT, REGION = (
    f"{API}/stores/{{store}}",
    f"{API}/points/{{point}}",
    f"{API}/regions/{{region}}",
)
YEAR = {"from": "-395.3", "to": "-0.4"}
MONTH = {"from": "-35", "to": "-0"}
THIRTY = {"from": "-30.3", "to": "-0.4"}
WEEK = {"from": "-7", "to": "-0"}
EIGHT_WEEKS = {"first_week": "-8w", "last_week": "-1w"}
ALL_WEEKS = {"first_week": "-56w", "last_week": "-1w"}
QUESTIONS = {
    "list 100 stores": Question(f"{API}/stores"),
    "list 100 devices": Question(f"{API}/devices"),
    "a point's figures, 30 days, ragged ends": Question(f"{POINT}/figures", THIRTY),
    "a point's figures, 13 months, ragged ends": Question(f"{POINT}/figures", YEAR),
    "a store's figures, 7 days": Question(f"{STORE}/figures", WEEK),
    "a store's figures, 30 days, ragged ends": Question(f"{STORE}/figures", THIRTY),
    "a store's figures, 13 months, ragged ends": Question(f"{STORE}/figures", YEAR),
    "a point's course, 7 days": Question(f"{POINT}/course", WEEK),
    "a point's gaps, 35 days": Question(f"{POINT}/gaps", MONTH),
    "standings of 100 stores, 8 weeks": Question(
        f"{API}/standings", EIGHT_WEEKS | {"kind": "store"}
    ),
    "a region's figures, 56 weeks": Question(f"{REGION}/figures", ALL_WEEKS),
    "export a store's cells, 35 days": Question(f"{STORE}/cells.csv", MONTH),
    "export all standings, 8 weeks": Question(f"{API}/exports/standings.csv", EIGHT_WEEKS),
    "the access log": Question(f"{API}/access-log"),
}
COMPARED = {name: one for name, one in QUESTIONS.items() if one.parameters not in (YEAR, ALL_WEEKS)}
"""Questions about time that the shorter history holds too."""


def main() -> None:
    """Ask, and print."""
    ask_all(options_of(__doc__), QUESTIONS, COMPARED)


if __name__ == "__main__":
    main()
