"""Which public functions of NVIDIA's module a test has called: each is wrapped to note its name."""

import functools
import inspect

KEPT = {"__class__", "__dict__", "__doc__", "__module__", "__new__", "__members__", "__entries"}


def public(module):
    """(class, name, attribute) of every function and property that the module defines."""
    for owner_name, owner in vars(module).items():
        if not inspect.isclass(owner) or owner_name.startswith("_"):
            continue
        if hasattr(owner, "__members__") or issubclass(owner, BaseException):
            continue  # enumerations
        for name, attribute in vars(owner).items():
            special = name.startswith("_") and name not in ("__len__", "__getitem__")
            if special or name in KEPT:
                continue
            if inspect.isclass(attribute):
                continue
            if callable(attribute) or isinstance(attribute, property):
                yield owner, name, attribute


def watch(module):
    """Wraps everything public; returns the set of names and the growing set of those called."""
    names, called = set(), set()

    def noting(label, function):
        if function is None:
            return None

        @functools.wraps(function, assigned=("__doc__",), updated=())
        def noted(*arguments, **named):
            called.add(label)
            return function(*arguments, **named)

        return noted

    for owner, name, attribute in list(public(module)):
        label = f"{owner.__name__}.{name}"
        if isinstance(attribute, property):
            wrapped = property(noting(label, attribute.fget), noting(label, attribute.fset))
        elif isinstance(attribute, staticmethod):
            wrapped = staticmethod(noting(label, attribute.__func__))
        else:
            wrapped = noting(label, attribute)
        try:
            setattr(owner, name, wrapped)
        except (AttributeError, TypeError):
            continue
        names.add(label)
    return names, called
