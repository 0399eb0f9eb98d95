"""What finished runs say of new samples, and their models for elsewhere.

Doors: `choice.choose` finds the runs in a folder, `predictor.load` has them answer, `export.export` writes their model.
"""
