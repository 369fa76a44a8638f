"""What a user says of Apache Beam, read without it."""

import importlib.util
import shlex


def parse(runner: str, options: str) -> list[str] | None:
    """Return the flags of Beam; None without it.

    Args:
        runner: "local" or "beam".
        options: the flags, as in a shell.

    Raises:
        ValueError: if Beam is not installed, or has flags that it cannot have.
    """
    if runner == "local":
        if options:
            raise ValueError("--beam_options are of --runner=beam; add that")
        return None
    if importlib.util.find_spec("apache_beam") is None:
        raise ValueError(
            "--runner=beam needs Apache Beam; install it with pip install '.[beam]'"
        )
    try:
        return shlex.split(options)
    except ValueError as error:
        raise ValueError(
            f"--beam_options must be flags as in a shell: {error}"
        ) from error
