from . import automatic, make, queue
