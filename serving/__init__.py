"""The HTTP API: the models that are in use, answered from rows as JSON has them.

settings   `serving` of params.yaml
model      a model that is served: rows to answers, and to a line of the log
clock      moments that cannot be yet
together   requests that are there at once are answered at once
reasons    what moved an answer most, in the problem's words
api        what each address does
protocol   HTTP within limits of size and time
replies    limits of requests, and errors as JSON
tokens     who may do what
status     whether the server is well
numbers    Prometheus' metrics
described  OpenAPI, from the schemas
pages      what people see: `form` and `drawing` prepare it, `page/` has the templates
answers    the newest answers, for a page's list of what to do
listing    the list of what is open, made by a process of its own
app        all of it together; `run` starts it, with its loader

Importing the package pins what would change the last bits of an answer.
"""

from retrace.base.pins import pin

pin(light=True)
