"""From jobs to results: which runs share a stack, in which process, and what becomes of them.

Door: `runs.run_all`.
"""
