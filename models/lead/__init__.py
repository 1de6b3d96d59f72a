from . import make, queue
