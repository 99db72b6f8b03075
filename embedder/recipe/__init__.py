"""The training of the student by the model's own recipe: `python -m embedder.recipe`.

What is trained is the head of `embedder.student`: the linear map from sums of token vectors to the vectors
that the model, the teacher, gives to whole passages.
"""
