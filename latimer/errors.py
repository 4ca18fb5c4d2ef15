"""The one error that a person can cause."""


class Mistake(Exception):  # noqa: N818 - a person made it, the program is well
    """A mistake in the call or the data: one sentence saying what is wrong, where, and what to do.

    The command line prints the sentence and exits with 2, without a traceback.
    """
