"""Laws hold on a busy machine, too: no example is too slow."""

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
