"""The command line. Door: `main.main`; `perform.perform` for those who want the answer and no text, `perform.call`
for Python, in a process that `surroundings` leaves as it was.

`flags` and `messages` read and refuse, `command` is what one command is doing, `task` is what Hydra is given,
`prepare` says what a sweep has left to do. A subcommand is the module of its name.
"""
