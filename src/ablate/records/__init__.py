"""The files of runs and sweeps: everything that writes them, and everything that reads them back.

Doors: `job` says what there is to do, `recorder` writes a run, `results` reads runs, `sweeps` keeps what was asked for.
"""
