"""Every benchmark can be run by its name, and says its figures in the form that scripts read."""

import importlib
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from benchmarks import answer_load, answers, ground, plan, report, start
from benchmarks.answers import Round, percentile
from volunteer_hub.engine.terms import Objective

FOLDER = Path(answers.__file__).parent
BAR = re.compile(r"BAR [a-z0-9_.]+ ([0-9.e+-]+|inf) (<=|>=) [0-9.]+ (ok|short)")
INFO = re.compile(r"INFO [a-z0-9_.]+ [0-9.e+-]+")
RUN = [path.stem for path in sorted(FOLDER.glob("*.py")) if "\ndef main()" in path.read_text()]


def lines(capsys: pytest.CaptureFixture[str], word: str) -> list[str]:
    return [line for line in capsys.readouterr().out.splitlines() if line.startswith(word + " ")]


def test_benchmarks_that_are_run_are_these() -> None:
    assert RUN == [
        "answer_model",
        "answers",
        "callouts",
        "dispatch",
        "end_to_end",
        "fan_out",
        "first_message",
        "haiti",
        "import_volunteers",
        "live",
        "overcall",
        "pages",
        "plan",
        "plan_run",
        "pool",
        "replan",
        "search",
        "settle",
        "start",
        "surge",
        "tours",
        "whatif",
        "year",
    ]


@pytest.mark.parametrize("name", RUN)
def test_loading_a_benchmark_leaves_the_settings_alone(name: str) -> None:
    before = dict(os.environ)
    assert callable(importlib.import_module(f"benchmarks.{name}").main)
    assert dict(os.environ) == before


@pytest.mark.parametrize("name", RUN)
def test_each_benchmark_has_its_report(name: str) -> None:
    written = (FOLDER.parent / "docs" / "benchmarks" / f"{name}.md").read_text()
    assert f"python -m benchmarks.{name}" in written
    assert "versions: python" in written


def test_a_bar_says_what_was_measured_and_whether_it_is_met(capsys: pytest.CaptureFixture[str]) -> None:
    assert report.bar("start.help_seconds", 0.1234, "<=", 0.5) is True
    assert report.bar("plan.engine_vs_cp_sat", 9.0, ">=", 10) is False
    assert lines(capsys, "BAR") == [
        "BAR start.help_seconds 0.123 <= 0.5 ok",
        "BAR plan.engine_vs_cp_sat 9 >= 10 short",
    ]


def test_a_table_stands_under_its_columns(capsys: pytest.CaptureFixture[str]) -> None:
    report.table("two ways", ("way", "seconds"), [("ours", 0.12345), ("theirs", 12_000)])
    assert capsys.readouterr().out == "\ntwo ways\nway     seconds\nours      0.123\ntheirs   12,000\n"


def test_starts_are_told_by_their_median_against_two_bars(capsys: pytest.CaptureFixture[str]) -> None:
    start.tell([0.2, 0.1, 0.9], 9.0, [7.0, 5.0, 4.0], [3.0])
    assert lines(capsys, "BAR") == [
        "BAR start.help_seconds 0.2 <= 0.5 ok",
        "BAR start.ready_seconds 5 <= 6 ok",
    ]


def test_answers_are_told_against_pgbench(capsys: pytest.CaptureFixture[str]) -> None:
    ours = Round(2.0, [0.01] * 100, (0.1, 0.05, 0.0))
    theirs = Round(0.5, [0.002] * 100, (0.0, 0.09, 0.01))
    answers.tell([ours], [theirs], Counter(accepted=90, standing_by=10), [3.5, 3.9])
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if BAR.fullmatch(line) or INFO.fullmatch(line)] == [
        "INFO answers.per_second 50",
        "INFO answers.processor_share_of_pgbench 0.667",
        "BAR answers.rush_of_10000_seconds 200 <= 60 short",
        "BAR answers.p99_seconds 0.01 <= 1 ok",
        "BAR answers.share_of_pgbench 0.25 >= 0.4 short",
    ]
    assert "came to: 90 accepted, 10 standing_by" in out


def test_reports_written_down_hold_bars_in_that_form() -> None:
    found = {
        path.stem: [line for line in path.read_text().splitlines() if line.startswith("BAR ")]
        for path in sorted((FOLDER.parent / "docs" / "benchmarks").glob("*.md"))
    }
    assert [line for bars in found.values() for line in bars if not BAR.fullmatch(line)] == []
    names = {line.split()[1] for bars in found.values() for line in bars}
    assert names == {
        "answer_model.anew_seconds",
        "answer_model.drill_seconds",
        "answers.p99_seconds",
        "answers.rush_of_10000_seconds",
        "answers.share_of_pgbench",
        "assign.proven_and_best_known",
        "callouts.correlated_3_percent_known.met_percent",
        "callouts.correlated_3_percent_known.stated_off_points",
        "callouts.independent_known.met_percent",
        "callouts.independent_known.stated_off_points",
        "dispatch.per_second",
        "dispatch.share_of_bare_loop",
        "fan_out.vs_copy",
        "first_message.seconds",
        "gap.largest_gap_percent",
        "gap.mean_gap_percent",
        "gap.small_not_optimal_in_5s",
        "haiti.proven_5000",
        "haiti.proven_50000",
        "haiti.proven_500000",
        "import.memory_growth_mb",
        "import.vs_copy",
        "live.p95_seconds",
        "live.sessions_for_each_watcher",
        "overcall.evaluation_seconds",
        "overcall.least_burden_seconds",
        "overcall.slots_below_confidence",
        "pages.board_first_paint_seconds",
        "pages.board_statements_many_vs_few",
        "pages.board_update_seconds",
        "pages.card_all_kb",
        "pages.card_first_paint_seconds",
        "pages.card_html_kb",
        "pages.card_requests_before_paint",
        "plan.engine_vs_cp_sat",
        "plan.engine_vs_flow_all_pairs",
        "plan_run.seconds",
        "pool.cold_blocks_seconds",
        "pool.cold_rows_seconds",
        "pool.delta_seconds",
        "replan.2200000x50000.equal_to_anew",
        "replan.2200000x50000.moved_vs_no_bonus",
        "replan.2200000x50000.seconds",
        "settle.balance_median_ms",
        "settle.balance_p99_ms",
        "settle.duties_not_settled_once",
        "settle.seconds_for_100000_duties",
        "settle.statement_median_ms",
        "settle.statement_p99_ms",
        "smptsp.at_the_bound",
        "smptsp.mean_gap_percent",
        "search.p95_seconds",
        "start.help_seconds",
        "start.ready_seconds",
        "surge.100000x10000.augment_seconds",
        "surge.100000x10000.augment_vs_all_pairs",
        "surge.100000x10000.flow_seconds",
        "surge.100000x10000.flow_vs_all_pairs",
        "surge.100000x200000.auto_seconds",
        "surge.2200000x200000.augment_seconds",
        "surge.2200000x50000.augment_seconds",
        "surge.2200000x50000.flow_seconds",
        "surge.agree",
        "technicians.mean_gap_percent",
        "technicians.unserved",
        "tours.unserved_prize_vs_or_tools_routing",
        "whatif.cell",
        "whatif.one",
        "year.reluctant.drill.met_percent",
        "year.reluctant.drills_held",
        "year.reluctant.drills_that_made_it_worse",
        "year.reluctant.off_last_vs_first",
        "year.reluctant.real.met_percent",
        "year.willing.drill.met_percent",
        "year.willing.drills_held",
        "year.willing.drills_that_made_it_worse",
        "year.willing.off_last_vs_first",
        "year.willing.real.met_percent",
    }


def test_a_method_without_a_solution_is_shown_so() -> None:
    none = plan.Result("CP-SAT", 60.0, None, "UNKNOWN")
    assert none.row(10) == ["CP-SAT", 60.0, "-", "-", "-", "-", "UNKNOWN"]
    found = plan.Result("engine", 0.5, Objective((0, 0, 0, 0, 1, 2, 0, 0, 0, 0), 7, 3))
    assert found.row(100) == ["engine", 0.5, 1, 2, 7, 100 * (6 + 2 * 5) + 7, ""]


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile([3.0, 1.0, 2.0, 4.0], 0.5) == 3.0
    assert percentile([3.0, 1.0, 2.0, 4.0], 0.99) == 4.0
    assert percentile([1.0], 0.5) == 1.0


def test_a_tap_is_the_form_that_a_browser_sends() -> None:
    assert answer_load.request("abc", 81) == (
        b"POST /c/abc/accept HTTP/1.1\r\nHost: 127.0.0.1:81\r\nOrigin: http://127.0.0.1:81\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 10\r\n\r\narrival=30"
    )


def test_an_installation_of_its_own_leaves_nothing_behind() -> None:
    before = dict(os.environ)
    with ground.installation(HUB_ENV="demo") as folder:
        assert (os.environ["HUB_ENV"], os.environ["HUB_DATA_DIR"]) == ("demo", str(folder))
        assert "HUB_DATABASE_URL" not in os.environ
    assert dict(os.environ) == before
    assert not folder.exists()


def test_what_starts_loads_nothing_that_it_does_not_need() -> None:
    heavy = "{'ortools', 'numba', 'scipy', 'fastapi', 'sqlalchemy', 'volunteer_hub.worker'}"
    code = f"""
import sys
import volunteer_hub.cli.main
print(sorted({heavy} & sys.modules.keys()))
import volunteer_hub.cli.ops
print(sorted({heavy} & sys.modules.keys()))
import volunteer_hub.app
volunteer_hub.app.create_app()
print(sorted({heavy} & sys.modules.keys()))
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    # The web process answers why somebody was not chosen, which asks the engine's rules: no solver.
    web = "['fastapi', 'numba', 'scipy', 'sqlalchemy']"
    assert told.splitlines() == ["[]", "['sqlalchemy']", web]
