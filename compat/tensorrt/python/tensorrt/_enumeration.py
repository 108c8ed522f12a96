"""What TensorRT's enumerations do beyond enum.Enum."""

import enum


def finish(cls: type[enum.Enum], others: dict[str, int]) -> None:
    """int() and use as an index, order, the listing by names; `others` are second names."""
    for name, value in others.items():
        member = cls(value)
        cls._member_map_[name] = member
        type.__setattr__(cls, name, member)
    cls.__int__ = lambda self: self.value
    cls.__index__ = lambda self: self.value
    cls.__repr__ = lambda self: f"<{cls.__name__}.{self.name}: {self.value}>"
    for name in ("lt", "le", "gt", "ge"):
        setattr(cls, f"__{name}__", _comparison(cls, f"__{name}__"))
    cls.__entries = {name: (member, None) for name, member in cls.__members__.items()}


def _comparison(cls, name):
    compare = getattr(int, name)

    def operator(self, other):
        if not isinstance(other, cls):
            return NotImplemented
        return compare(self.value, other.value)

    operator.__name__ = name
    return operator
