"""A student of the model, trained by the model's own recipe: `python -m embedder.recipe`.

The student is a table of one vector for each token; a text's vector is the weighted mean of those of its
tokens. It approximates documents only: queries keep the model. The index uses no student.
"""
