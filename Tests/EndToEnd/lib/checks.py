"""Ends of a test: skipped with a reason, or failed with what was found and expected."""


class Skip(Exception):
    """The test cannot run here; its text says what is missing."""


def require(condition: object, reason: str) -> None:
    """Skips the test unless `condition` holds."""
    if not condition:
        raise Skip(reason)


def expect(condition: object, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def expect_equal(found: object, wanted: object, what: str) -> None:
    if found != wanted:
        raise AssertionError(f"{what}: found {shortened(found)}, expected {shortened(wanted)}")


def shortened(value: object, limit: int = 600) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[:limit] + f"… ({len(text)} characters)"
