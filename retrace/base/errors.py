"""The one exception whose message is written for the reader of the terminal."""


class RetraceError(Exception):
    """Something outside the code is wrong: a file, a row, a parameter, a disk.

    The message says what was found, where (file, column, row), what was expected and what to do.
    Stages and commands print it without a traceback and end with status 1.
    """
