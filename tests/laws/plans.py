"""Random plans, each with its model: sources, steps and terminal methods for Hypothesis to choose from.

A new adapter needs one function here: `@step` draws its arguments and says what it does to a plan and
to a `Model`. Functions depend on an item only through its `weight`, so that they fit items of any kind.
"""

from __future__ import annotations

import operator
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial, reduce
from itertools import zip_longest
from random import Random
from typing import Any

import numpy
from hypothesis import strategies as st

from pariter import Break, Left, ParIter, Right, par_iter
from tests.laws.model import Cell, Model, Raised, raising

# -- Functions ------------------------------------------------------------------------------------


class Odd(Exception):
    """An exception that cannot be made again from its arguments."""

    def __init__(self, *, tag: int, weight: int) -> None:
        super().__init__(f"odd {tag}")
        self.weight = weight


def make_odd(tag: int, weight: int) -> Exception:
    return Odd(tag=tag, weight=weight)


ERRORS: list[Callable[[int, int], BaseException]] = [ValueError, KeyError, OSError, ZeroDivisionError, make_odd]


def weight(item: Any) -> int:
    """A number that depends on the item alone; cheap for windows of windows of windows."""
    if isinstance(item, (tuple, list)):
        return (31 * weight(item[0]) + 7 * weight(item[-1]) + len(item)) % 997 if item else 0
    try:
        return operator.index(item)
    except TypeError:
        return zlib.crc32(repr(item).encode()) % 997


def number(salt: int, item: Any) -> Any:
    return (weight(item) * 7 + salt) % 1000


def keeps(salt: int, item: Any) -> Any:
    return (weight(item) + salt) % 3 != 0


def begins(salt: int, item: Any) -> Any:
    return (weight(item) + salt) % 8 != 0


def spread(salt: int, item: Any) -> Any:
    return (weight(item) + at for at in range((weight(item) + salt) % 4))


def maybe(salt: int, item: Any) -> Any:
    return None if (weight(item) + salt) % 3 == 0 else weight(item)


@dataclass(frozen=True)
class Fn:
    """A function of one item that raises for some of them."""

    base: Callable[[int, Any], Any]
    salt: int
    bad: int
    """It raises for one in `bad` weights; 0 for none."""
    error: Callable[[int, int], BaseException]

    def __repr__(self) -> str:
        return f"{self.base.__name__}{self.salt}" + f"/{self.bad}" * (self.bad > 0)

    def __call__(self, item: Any) -> Any:
        if self.bad and (weight(item) * 13 + self.salt) % self.bad == 1:
            raise self.error(self.salt, weight(item))
        return self.base(self.salt, item)


def call(fn: Fn, item: Any) -> Any:
    return fn(item)


def function(draw: Any, base: Callable[[int, Any], Any]) -> Callable[[Any], Any]:
    """A function as users write them: an object, a partial or a closure."""
    bad = draw(st.sampled_from((0, 0, 0, 0, 5, 17, 50)))
    fn = Fn(base, draw(st.integers(0, 9)), bad, draw(st.sampled_from(ERRORS)))
    kind = draw(st.sampled_from(("object", "partial", "closure")))
    if kind == "closure":
        return lambda item: fn(item)
    return fn if kind == "object" else partial(call, fn)


# -- Sources --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Source:
    """Data, made anew for every run, and its model."""

    kind: str
    size: int
    bad: int | None = None

    def data(self) -> Any:
        return SOURCES[self.kind](self.size, self.bad)

    def model(self) -> Model:
        items: list[Any] = []
        if self.kind == "subscriptable":
            return Model(tuple(self._cells()))
        try:
            items.extend(self.data())
        except ConnectionError as error:
            return Model.of(items, error)
        return Model.of(items)

    def _cells(self) -> Iterator[Cell]:
        data = self.data()
        for index in range(self.size):
            try:
                yield Cell(index, partial(int, data[index]))
            except ConnectionError as error:
                yield Cell(index, raising(Raised(error, "the source", index)))


@dataclass(frozen=True)
class Subscriptable:
    """Something that knows its length and gives its items one by one."""

    size: int
    bad: int | None

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> int:
        if not 0 <= index < self.size:
            raise IndexError(index)
        if index == self.bad:
            raise ConnectionError("lost", index)
        return index * 3


def generate(size: int, bad: int | None) -> Iterator[int]:
    for index in range(size):
        if index == bad:
            raise ConnectionError("lost", index)
        yield index * 5


SOURCES: dict[str, Callable[[int, int | None], Any]] = {
    "list": lambda size, bad: [index * 11 % 37 for index in range(size)],
    "range": lambda size, bad: range(size, -size, -2),
    "str": lambda size, bad: "abcdefghij"[: size % 11],
    "tuple": lambda size, bad: tuple((index % 5, str(index)) for index in range(size)),
    "dict view": lambda size, bad: {index * 7: str(index) for index in range(size)}.items(),
    "set": lambda size, bad: set(range(0, size * 3, 3)),
    "deque": lambda size, bad: deque(range(size)),
    "array": lambda size, bad: numpy.arange(size) * 3,
    "memoryview": lambda size, bad: memoryview(bytes(index % 251 for index in range(size))),
    "subscriptable": Subscriptable,
    "generator": generate,
    "map": lambda size, bad: map(str, range(size)),
    "plan": lambda size, bad: par_iter(range(size)),
}


@st.composite
def sources(draw: Any, largest: int = 40) -> Source:
    kind = draw(st.sampled_from(sorted(SOURCES)))
    return Source(kind, draw(st.integers(0, largest)), draw(st.none() | st.integers(0, 60)))


# -- Steps ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """What a method does to a plan and to a model, and the code that calls it."""

    code: str
    to_plan: Callable[[Any], Any]
    to_model: Callable[[Model], Model]

    def __repr__(self) -> str:
        return self.code


STEPS: dict[str, Callable[[Any, int], Step]] = {}


def step(make: Callable[[Any, int], Step]) -> Callable[[Any, int], Step]:
    STEPS[make.__name__.removeprefix("_")] = make
    return make


def one_to_one(name: str, base: Callable[[int, Any], Any]) -> None:
    def make(draw: Any, depth: int) -> Step:
        f = function(draw, base)
        return Step(f".{name}({f})", lambda plan: getattr(plan, name)(f), lambda model: model.one_to_one(f, name))

    STEPS[name] = make


def counted(name: str, least: int, to_model: Callable[[Model, int], Model], most: int = 12) -> None:
    def make(draw: Any, depth: int) -> Step:
        n = draw(st.integers(least, most))
        return Step(f".{name}({n})", lambda plan: getattr(plan, name)(n), lambda model: to_model(model, n))

    STEPS[name] = make


def judged(name: str, base: Callable[[int, Any], Any], to_model: Callable[[Model, Any, str], Model]) -> None:
    def make(draw: Any, depth: int) -> Step:
        f = function(draw, base)
        return Step(f".{name}({f})", lambda plan: getattr(plan, name)(f), lambda model: to_model(model, f, name))

    STEPS[name] = make


one_to_one("map", number)
judged("filter", keeps, Model.filtered)
judged("flat_map", spread, Model.flat_mapped)
judged("take_while", begins, Model.taken_while)
judged("skip_while", begins, Model.skipped_while)
counted("take", 0, Model.taken)
counted("skip", 0, Model.skipped)
counted("step_by", 1, Model.stepped)
counted("chunks", 1, Model.chunked)
counted("windows", 1, Model.windowed, most=3)
counted("enumerate", -2, Model.enumerated)


@step
def rev(draw: Any, depth: int) -> Step:
    return Step(".rev()", lambda plan: plan.rev(), Model.turned)


@step
def inspect(draw: Any, depth: int) -> Step:
    f = function(draw, number)

    def passed(item: Any) -> Any:
        f(item)
        return item

    return Step(f".inspect({f})", lambda plan: plan.inspect(f), lambda model: model.one_to_one(passed, "inspect"))


@step
def filter_map(draw: Any, depth: int) -> Step:
    f = function(draw, maybe)

    def to_model(model: Model) -> Model:
        return model.flat_mapped(lambda item: [got] if (got := f(item)) is not None else [], "filter_map")

    return Step(f".filter_map({f})", lambda plan: plan.filter_map(f), to_model)


@step
def starmap(draw: Any, depth: int) -> Step:
    f = function(draw, number)

    def second(at: int, item: Any) -> Any:
        return f(item)

    return Step(
        f".enumerate().starmap(second of {f})",
        lambda plan: plan.enumerate().starmap(second),
        lambda model: model.enumerated(0).one_to_one(lambda pair: second(*pair), "starmap"),
    )


@step
def map_init(draw: Any, depth: int) -> Step:
    f = function(draw, number)

    def with_state(state: list[Any], item: Any) -> Any:
        state.append(item)
        return f(item)

    return Step(
        f".map_init(list, {f})",
        lambda plan: plan.map_init(list, with_state),
        lambda model: model.one_to_one(f, "map_init", by_item=False),
    )


@step
def filter_true(draw: Any, depth: int) -> Step:
    return Step(".filter()", lambda plan: plan.filter(), lambda model: model.filtered(bool, "filter"))


@step
def flatten(draw: Any, depth: int) -> Step:
    size = draw(st.integers(1, 5))
    return Step(
        f".chunks({size}).flatten()",
        lambda plan: plan.chunks(size).flatten(),
        lambda model: model.chunked(size).flat_mapped(list, "flatten"),
    )


@step
def _zip(draw: Any, depth: int) -> Step:
    others = [draw(plans(depth + 1)) for _ in range(draw(st.integers(1, 2)))]
    return Step(
        f".zip{tuple(others)}",
        lambda plan: plan.zip(*(other.build() for other in others)),
        lambda model: model.zipped([other.model() for other in others]),
    )


@step
def chain(draw: Any, depth: int) -> Step:
    others = [draw(plans(depth + 1)) for _ in range(draw(st.integers(0, 2)))]
    return Step(
        f".chain{tuple(others)}",
        lambda plan: plan.chain(*(other.build() for other in others)),
        lambda model: model.chained([other.model() for other in others]),
    )


@step
def limits(draw: Any, depth: int) -> Step:
    shortest, longest = draw(st.integers(0, 9)), draw(st.integers(0, 9))
    return Step(
        f".with_min_len({shortest}).with_max_len({longest})",
        lambda plan: plan.with_min_len(shortest).with_max_len(longest),
        lambda model: model,
    )


@step
def buffered(draw: Any, depth: int) -> Step:
    n = draw(st.integers(1, 9))
    return Step(f".buffered({n})", lambda plan: plan.buffered(n), lambda model: model)


@step
def options(draw: Any, depth: int) -> Step:
    code = draw(st.sampled_from(("by_uniform_blocks(3)", "by_exponential_blocks()", "reproducible()")))
    name, _, argument = code.rstrip(")").partition("(")
    arguments = [int(argument)] if argument else []
    return Step(f".{code}", lambda plan: getattr(plan, name)(*arguments), lambda model: model)


@step
def map_local(draw: Any, depth: int) -> Step:
    f = function(draw, number)
    return Step(
        f".map_local(list, {f})",
        lambda plan: plan.map_local(list, lambda state, item: f(item), close=list.clear),
        lambda model: model.one_to_one(f, "map_local", by_item=False),
    )


@step
def map_batches(draw: Any, depth: int) -> Step:
    f, size = function(draw, number), draw(st.integers(1, 5))

    def each(batch: Any) -> Any:
        return [f(item) for item in batch]

    return Step(
        f".map_batches(each {f}, {size})",
        lambda plan: plan.map_batches(each, size),
        lambda model: model.chunked(size).flat_mapped(each, "map_batches", by_item=False),
    )


@step
def map_rng(draw: Any, depth: int) -> Step:
    f, seed = function(draw, number), draw(st.integers(-3, 3))

    def drawn(rng: Random, item: Any) -> int:
        """Takes as many numbers from the generator as the item says."""
        return sum(rng.getrandbits(16) for _ in range(f(item) % 4)) + weight(item)

    def at_position(pair: tuple[int, Any]) -> int:
        position, item = pair
        return drawn(Random(f"{seed}:{position}"), item)

    return Step(
        f".map_rng(drawn by {f}, seed={seed})",
        lambda plan: plan.map_rng(drawn, seed=seed),
        lambda model: model.enumerated(0).one_to_one(at_position, "map_rng"),
    )


@step
def while_some(draw: Any, depth: int) -> Step:
    f = function(draw, lambda salt, item: weight(item) if (weight(item) + salt) % 9 else None)

    def to_model(model: Model) -> Model:
        return model.one_to_one(f, "map").taken_while(lambda item: item is not None, "while_some")

    return Step(f".map({f}).while_some()", lambda plan: plan.map(f).while_some(), to_model)


@step
def fold_chunks(draw: Any, depth: int) -> Step:
    f, size = function(draw, number), draw(st.integers(1, 5))

    def op(found: tuple[Any, ...], item: Any) -> tuple[Any, ...]:
        return (*found, f(item))

    return Step(
        f".fold_chunks({size}, tuple, {f})",
        lambda plan: plan.fold_chunks(size, tuple, op),
        lambda model: model.folded_in_chunks(size, tuple, op, "fold_chunks"),
    )


def woven(name: str, shortest: bool) -> None:
    def make(draw: Any, depth: int) -> Step:
        other = draw(plans(depth + 1))
        return Step(
            f".{name}({other})",
            lambda plan: getattr(plan, name)(other.build()),
            lambda model: model.woven(other.model(), shortest=shortest),
        )

    STEPS[name] = make


woven("interleave", shortest=False)
woven("interleave_shortest", shortest=True)


@step
def intersperse(draw: Any, depth: int) -> Step:
    return Step(".intersperse(7)", lambda plan: plan.intersperse(7), lambda model: model.interspersed(7))


@step
def positions(draw: Any, depth: int) -> Step:
    keep = function(draw, keeps)

    def to_model(model: Model) -> Model:
        pairs = model.enumerated(0).one_to_one(lambda pair: (pair[0], keep(pair[1])), "positions")
        found = pairs.filtered(operator.itemgetter(1), "positions")
        return found.one_to_one(operator.itemgetter(0), "positions")

    return Step(f".positions({keep})", lambda plan: plan.positions(keep), to_model)


@step
def scan(draw: Any, depth: int) -> Step:
    return Step(
        ".map(weight).scan(add)",
        lambda plan: plan.map(weight).scan(operator.add),
        lambda model: model.one_to_one(weight, "map").scanned(operator.add),
    )


JOINING = {"zip", "chain", "interleave", "interleave_shortest"}


# -- Plans ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RandomPlan:
    """A source and the steps over it."""

    source: Source
    steps: tuple[Step, ...]

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))  # Hypothesis would show the fields

    def __repr__(self) -> str:
        return f"par_iter({self.source}){''.join(map(repr, self.steps))}"

    def build(self) -> ParIter[Any]:
        plan = par_iter(self.source.data())
        for each in self.steps:
            plan = each.to_plan(plan)
        return plan

    def model(self) -> Model:
        model = self.source.model()
        for each in self.steps:
            model = each.to_model(model)
        return model


@st.composite
def plans(draw: Any, depth: int = 0) -> RandomPlan:
    most = 8 if depth == 0 else 2
    usable = sorted(STEPS) if depth < 2 else sorted(set(STEPS) - JOINING)
    names = draw(st.lists(st.sampled_from(usable), max_size=most))
    return RandomPlan(draw(sources()), tuple(STEPS[name](draw, depth) for name in names))


# -- Terminal methods -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Terminal:
    """A terminal method on a plan, and what it means on a model."""

    code: str
    run: Callable[[ParIter[Any]], Any]
    expect: Callable[[Model], Any]

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))

    def __repr__(self) -> str:
        return self.code


TERMINALS: dict[str, Callable[[Any], Terminal]] = {}


def terminal(make: Callable[[Any], Terminal]) -> Callable[[Any], Terminal]:
    TERMINALS[make.__name__.removeprefix("_")] = make
    return make


def plain(name: str, run: Callable[[ParIter[Any]], Any], expect: Callable[[Iterator[Any]], Any]) -> None:
    TERMINALS[name] = lambda draw: Terminal(f".{name}()", run, lambda model: expect(model.items()))


def searching(name: str, expect: Callable[[Iterator[tuple[Any, Any]]], Any], right: bool = False) -> None:
    """A method that looks for something with a `keep`: `expect` gets pairs of items and `keep(item)`."""

    def make(draw: Any) -> Terminal:
        keep = function(draw, keeps)

        def answer(model: Model) -> Any:
            model = model.from_right() if right else model
            pairs = model.one_to_one(lambda item: (item, keep(item)), name)
            return expect(pairs.items())

        return Terminal(f".{name}({keep})", lambda plan: getattr(plan, name)(keep), answer)

    TERMINALS[name] = make


def partitioned(pairs: Iterator[tuple[Any, Any]]) -> tuple[list[Any], list[Any]]:
    sides: tuple[list[Any], list[Any]] = ([], [])
    for item, is_kept in pairs:
        sides[not is_kept].append(item)
    return sides


plain("collect", lambda plan: plan.collect(), list)
plain("count", lambda plan: plan.count(), lambda items: sum(1 for _ in items))
plain("tuple", lambda plan: plan.collect(tuple), tuple)
plain("set", lambda plan: plan.map(weight).collect(set), lambda items: set(map(weight, items)))
plain(
    "text",
    lambda plan: plan.map(weight).map(str).collect(str),
    lambda items: "".join(map(str, map(weight, items))),
)
plain("unzip", lambda plan: plan.enumerate().unzip(), lambda items: (list(range(len(found := list(items)))), found))
plain("reduce", lambda plan: plan.map(lambda x: [x]).reduce(list, operator.add), list)
searching("find_first", lambda pairs: next((item for item, is_kept in pairs if is_kept), None))
searching("find_last", lambda pairs: next((item for item, is_kept in pairs if is_kept), None), right=True)
searching("partition", partitioned)


def keyed(name: str, run: Callable[[Any, Any], Any], expect: Callable[[list[tuple[Any, Any]]], Any]) -> None:
    """A method with a key: `expect` gets pairs of `key(item)` and the item."""

    def make(draw: Any) -> Terminal:
        key = function(draw, lambda salt, item: (weight(item) + salt) % 7)

        def answer(model: Model) -> Any:
            return expect(list(model.one_to_one(lambda item: (key(item), item), name).items()))

        return Terminal(f".{name}({key})", lambda plan: run(plan, key), answer)

    TERMINALS[name] = make


def grouped(pairs: list[tuple[Any, Any]]) -> dict[Any, list[Any]]:
    groups: dict[Any, list[Any]] = {}
    for key, item in pairs:
        groups.setdefault(key, []).append(item)
    return groups


def ranked(pairs: list[tuple[Any, Any]], reverse: bool = False) -> list[Any]:
    return [item for _, item in sorted(pairs, key=operator.itemgetter(0), reverse=reverse)]


keyed("group_by", lambda plan, key: plan.group_by(key), grouped)
keyed("count_by", lambda plan, key: plan.count_by(key), lambda pairs: {k: len(v) for k, v in grouped(pairs).items()})
keyed("nlargest", lambda plan, key: plan.nlargest(4, key), lambda pairs: ranked(pairs, reverse=True)[:4])
keyed("nsmallest", lambda plan, key: plan.nsmallest(4, key), lambda pairs: ranked(pairs)[:4])
plain("product", lambda plan: plan.map(weight).product(2), lambda items: reduce(operator.mul, map(weight, items), 2))


@terminal
def position_last(draw: Any) -> Terminal:
    keep = function(draw, keeps)

    def expect(model: Model) -> Any:
        model = model.enumerated(0).from_right()
        found = model.one_to_one(lambda pair: (pair[0], keep(pair[1])), "position_last")
        return next((at for at, is_kept in found.items() if is_kept), None)

    return Terminal(f".position_last({keep})", lambda plan: plan.position_last(keep), expect)


def find_map(name: str, right: bool) -> None:
    def make(draw: Any) -> Terminal:
        f = function(draw, maybe)

        def expect(model: Model) -> Any:
            model = model.from_right() if right else model
            return next((x for x in model.one_to_one(f, name).items() if x is not None), None)

        return Terminal(f".{name}({f})", lambda plan: getattr(plan, name)(f), expect)

    TERMINALS[name] = make


find_map("find_map_first", right=False)
find_map("find_map_last", right=True)


@terminal
def partition_map(draw: Any) -> Terminal:
    f = function(draw, lambda salt, item: (Left if weight(item) % 2 else Right)(weight(item)))

    def expect(model: Model) -> Any:
        found = list(model.one_to_one(f, "partition_map").items())
        return [x.value for x in found if isinstance(x, Left)], [x.value for x in found if isinstance(x, Right)]

    return Terminal(f".partition_map({f})", lambda plan: plan.partition_map(f), expect)


@terminal
def try_for_each(draw: Any) -> Terminal:
    f = function(draw, lambda salt, item: None if begins(salt, item) else Break(weight(item)))

    def expect(model: Model) -> Any:
        return next((x for x in model.one_to_one(f, "try_for_each").items() if x is not None), None)

    return Terminal(f".try_for_each({f})", lambda plan: plan.try_for_each(f), expect)


@terminal
def compared(draw: Any) -> Terminal:
    other = draw(plans(2))

    def sides(model: Model) -> Any:
        mine, its = model.items(), other.model().one_to_one(weight, "map").items()
        nothing = object()
        for left, right in zip_longest(map(weight, mine), its, fillvalue=nothing):
            if nothing in (left, right):
                return -1 if left is nothing else 1
            if left != right:
                return -1 if left < right else 1
        return 0

    return Terminal(
        f".map(weight).cmp({other})",
        lambda plan: plan.map(weight).cmp(other.build().map(weight)),
        sides,
    )


@terminal
def position_first(draw: Any) -> Terminal:
    keep = function(draw, keeps)

    def expect(model: Model) -> Any:
        found = model.enumerated(0).one_to_one(lambda pair: (pair[0], keep(pair[1])), "position_first")
        return next((at for at, is_kept in found.items() if is_kept), None)

    return Terminal(f".position_first({keep})", lambda plan: plan.position_first(keep), expect)


@terminal
def _min(draw: Any) -> Terminal:
    key = function(draw, number)

    def expect(model: Model) -> Any:
        pairs = model.one_to_one(lambda item: (key(item), item), "min").items()
        return min(pairs, key=operator.itemgetter(0), default=(0, "none"))[1]

    return Terminal(f".min(key={key}, default='none')", lambda plan: plan.min(key=key, default="none"), expect)


@terminal
def _sum(draw: Any) -> Terminal:
    f = function(draw, number)
    return Terminal(
        f".map({f}).sum(3)", lambda plan: plan.map(f).sum(3), lambda model: sum(model.one_to_one(f, "map").items(), 3)
    )


@terminal
def fold(draw: Any) -> Terminal:
    f = function(draw, number)

    def op(found: list[Any], item: Any) -> list[Any]:
        found.append(f(item))
        return found

    return Terminal(
        f".fold(list, {f}).reduce(list, add)",
        lambda plan: plan.fold(list, op).reduce(list, operator.add),
        lambda model: list(model.one_to_one(f, "fold").items()),
    )


@terminal
def reduce_with(draw: Any) -> Terminal:
    def op(left: Any, right: Any) -> int:
        return weight(left) + weight(right)

    return Terminal(
        ".map(weight).reduce_with(add, None)",
        lambda plan: plan.map(weight).reduce_with(op, None),
        lambda model: reduce(op, found) if (found := list(map(weight, model.items()))) else None,
    )


@terminal
def iterate(draw: Any) -> Terminal:
    most = draw(st.none() | st.integers(0, 20))
    return Terminal(f"iterated up to {most}", partial(iterated, most), lambda model: iterated(most, model.items()))


def iterated(most: int | None, items: Any) -> Any:
    """What iterating gives, values and then perhaps the end: an exception comes after the values before it."""
    found: list[Any] = []
    iterator = iter(items)
    try:
        while most is None or len(found) < most:
            try:
                found.append(next(iterator))
            except StopIteration:
                break
    except Raised as raised:
        return found, raised
    except Exception as error:
        return found, error
    finally:
        iterator.close()
    return found


def terminals() -> st.SearchStrategy[Terminal]:
    return st.sampled_from(sorted(TERMINALS)).flatmap(_terminal)


@st.composite
def _terminal(draw: Any, name: str) -> Terminal:
    return TERMINALS[name](draw)
