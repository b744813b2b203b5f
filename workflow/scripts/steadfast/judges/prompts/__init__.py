"""What a judge that is a model is asked, and the words that it may answer with.

Judges ask with these templates and read these labels; the tiny models learn to judge from the same ones.
"""
