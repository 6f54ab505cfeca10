"""What the runner must know of a test beyond its name."""
import os


def alone(test):
    """Nothing runs beside it: it measures this machine's time, or changes what all of it sees."""
    test.is_alone = True
    return test


def long(test):
    """It takes long, mostly waiting: it is begun first."""
    test.is_long = True
    return test


def night(test):
    """It runs where ETL_NIGHT is set, or by its name; another test shows the same with less."""
    test.is_for_the_night = True
    return test


def is_alone(test) -> bool:
    return getattr(test, "is_alone", False)


def is_long(test) -> bool:
    return getattr(test, "is_long", False)


def is_for_the_night(test) -> bool:
    return getattr(test, "is_for_the_night", False)


def by_night(long_form, short_form):
    """One of two sizes of a test: the first where ETL_NIGHT is set."""
    return long_form if os.environ.get("ETL_NIGHT") else short_form
