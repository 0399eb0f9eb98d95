"""What an option is: the schema of its keys, the module or function behind it, and the folders it is found in.

Doors: `schema` for keys, `discovery` for modules, `target` for what a YAML names by `_target_`.
"""
