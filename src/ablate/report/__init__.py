"""A comparison as people read it: in words, as tables, drawn, as a page, in TensorBoard, on a terminal.

Door: `write.save` writes all files. `text` and `tables` say it, `plots` draws, `sections` and
`learning_curves` choose what.
"""
