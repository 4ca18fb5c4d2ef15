"""The training loop: loss, optimiser, schedule, exact resuming. Validation is handed to it."""
