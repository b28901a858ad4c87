"""The table of promises tells what is shown and what is not."""

from config import promises


def test_thirty_promises_are_kept_in_words() -> None:
    assert list(promises.read()) == list(range(1, 31))
    assert all(promises.read().values())


def test_a_promise_without_a_test_is_open_and_one_failing_test_is_enough() -> None:
    lines = promises.table(
        {1: "shown", 2: "half", 3: "nobody looked", 4: "skipped is not shown"},
        {1: ["passed", "passed"], 2: ["passed", "failed"], 4: ["skipped"]},
    )
    assert [line.split()[:3] for line in lines] == [
        ["1", "passed", "2"],
        ["2", "FAILED", "2"],
        ["3", "open", "0"],
        ["4", "FAILED", "1"],
    ]
