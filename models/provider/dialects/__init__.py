from . import zadarma
