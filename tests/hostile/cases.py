"""Case: a file that a stranger could hand us, and what must come of it."""
from dataclasses import dataclass


@dataclass
class Case:
    name: str
    bytes: bytes
    # "bad": refused by every command with `says` in the message. "fails": refused at the latest
    # when it runs. "good": checked, built and run, with `says` in what is printed. "any": either;
    # what is refused is refused cleanly.
    expect: str = "bad"
    says: str = ""
    prepare: object = None  # called with the folder that the model lies in
    runs: bool = True   # False: it would run for ever, as it should
    seconds: float = 1  # of processor time that `check` may take


class Catalogue(list):
    def add(self, name, data, expect, says="", **more):
        self.append(Case(name, data, expect, says, **more))

    def bad(self, name, data, says="", **more):
        self.append(Case(name, data, "bad", says, **more))

    def fails(self, name, data, says="", **more):
        self.append(Case(name, data, "fails", says, **more))

    def good(self, name, data, says="", **more):
        self.append(Case(name, data, "good", says, **more))

    def any(self, name, data, **more):
        self.append(Case(name, data, "any", **more))
