"""Makes Ctrl-C stop this process alone, so that `make demo` ends with status 0."""

import asyncio
import os
import signal
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_CONTROL_C: Final = b"\x03"
_DISABLED: Final = b"\x00"  # _POSIX_VDISABLE on Linux: no key sends the signal
_LOCAL_MODES: Final = 3
_CHARACTERS: Final = 6


@contextmanager
def interrupt_key() -> Iterator[None]:
    """Send SIGINT to this process alone when Ctrl-C is typed, and not to its terminal's others.

    A terminal signals its whole foreground group, including `make`, and GNU make then ends by that
    signal whatever its command returned. `rantai demo` calls this in its event loop. It does
    nothing if standard input is not a terminal, or if the process runs in the background, since a
    background process that reads from its terminal is stopped.
    """
    terminal = _foreground_terminal()
    if terminal is None:
        yield
        return
    before = termios.tcgetattr(terminal)
    modes = termios.tcgetattr(terminal)
    # Without line mode, a key arrives when it is typed. Ctrl-Z and Ctrl-\ keep their signals.
    modes[_LOCAL_MODES] &= ~termios.ICANON
    modes[_CHARACTERS][termios.VINTR] = _DISABLED
    loop = asyncio.get_running_loop()

    def read() -> None:
        typed = os.read(terminal, 64)
        if not typed:
            loop.remove_reader(terminal)
        elif _CONTROL_C in typed:
            os.kill(os.getpid(), signal.SIGINT)

    termios.tcsetattr(terminal, termios.TCSADRAIN, modes)
    loop.add_reader(terminal, read)
    try:
        yield
    finally:
        loop.remove_reader(terminal)
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _foreground_terminal() -> int | None:
    """Return the descriptor of the terminal on standard input; None if this process is no reader.

    Standard input may be closed, or a terminal that does not control this process.
    """
    try:
        terminal = sys.stdin.fileno()
        return terminal if os.tcgetpgrp(terminal) == os.getpgrp() else None
    except (AttributeError, OSError, ValueError):
        return None
