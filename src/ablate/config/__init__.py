"""A run's config: its schema and checks, who a run is, and what arms and folders are called.

Doors: `checks.check` makes a `schema.Config` of what Hydra composed; `identity` tells runs and arms apart.
"""
