"""Training, evaluation and export of Hedge's own networks."""

# The order of the score columns in every output of the networks.
CLASSES = ("face", "person", "plate", "vehicle")
