"""What check, clean and translate share where many work on a large file (see latimer/sharding.py)."""

from pathlib import Path
from typing import Any

from latimer.cli.show import progress_bar
from latimer.errors import Mistake
from latimer.sharding import Job, run, run_on_ray


def finish(
    job: Job, folder: Path | None, what: str, *, engine: str | None, processes: int = 1, quiet: bool
) -> dict[str, Any]:
    """Do the job with whoever else does it, and return what is to be told of it; the bar counts shards."""
    if folder is None:
        raise Mistake("--engine ray wants --shards DIR, a folder that all machines of Ray share.")
    with progress_bar(None, what, quiet=quiet) as advance:
        if engine == "ray":
            return run_on_ray(job, folder, progress=advance)
        return run(job, folder, processes=processes, progress=advance)
