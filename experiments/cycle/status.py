"""Exit statuses of `retrace cycle`, for a scheduler."""

DONE = 0  # nothing to do, or done
FAILED = 1  # the model in use stays; the message says what to do
KEPT = 3  # a new model was made, or tried, and the one in use is kept
WAITS = 4  # a challenger is on live traffic
REFUSED = 5  # new data failed the checks, and was set aside
LOCKED = 6  # another cycle of the problem is at work
