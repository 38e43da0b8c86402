"""One self-contained HTML page on every problem, from the small files that the stages leave in Git.

inputs.py      read metrics, declared tables, profiles, checks, slices and cards
numbers.py     values with sensible digits, by the kind of their column
verdicts.py    the model against its baselines, in plain words and in money
lifecycle.py   the replay as a picture and some sentences
parameters.py  what params.yaml says of a problem, with its comments
charts.py      the plots of dvc.yaml, as `dvc plots` draws them
pictures.py    pictures of tables, by the kind that they declare; marks.py, the pieces of them
tables.py      lengths of the page's small drawings, and tables as text
page.py        parts of the page by problem, and all of them in templates/index.html
"""
