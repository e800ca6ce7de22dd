"""The page for users of Rayon leaves nothing out, and names only what exists."""

from __future__ import annotations

import builtins
import re
from pathlib import Path

import pytest

import pariter
from pariter.sched.scope import Scope
from tests.test_project import public_names

PAGE = (Path(__file__).parent.parent / "docs/rayon.md").read_text(encoding="utf-8")
CODE = re.compile(r"`([^`]+)`")
POOLS = (pariter.ThreadPool, pariter.ProcessPool)

# The public names of rayon 1.12 and rayon-core 1.13, by where they live.
RAYON = {
    "conversions": """into_par_iter par_iter par_iter_mut par_bridge from_par_iter par_extend par_drain Either""",
    "adapters": """
        map map_with map_init cloned copied inspect update filter filter_map flat_map flat_map_iter flatten
        flatten_iter fold fold_with try_fold try_fold_with chain while_some panic_fuse intersperse take_any skip_any
        take_any_while skip_any_while zip zip_eq interleave interleave_shortest enumerate rev step_by skip take chunks
        fold_chunks fold_chunks_with positions with_min_len with_max_len by_exponential_blocks by_uniform_blocks""",
    "terminals": """
        for_each for_each_with for_each_init try_for_each try_for_each_with try_for_each_init count reduce reduce_with
        try_reduce try_reduce_with sum product min min_by min_by_key max max_by max_by_key find find_any find_first
        find_last find_map_any find_map_first find_map_last any all collect collect_vec_list unzip partition
        partition_map len opt_len collect_into_vec unzip_into_vecs cmp partial_cmp eq ne lt le gt ge position
        position_any position_first position_last""",
    "slices": """
        par_split par_split_mut par_split_inclusive par_split_inclusive_mut par_windows par_array_windows par_chunks
        par_chunks_mut par_chunks_exact par_chunks_exact_mut par_rchunks par_rchunks_mut par_rchunks_exact
        par_rchunks_exact_mut par_chunk_by par_chunk_by_mut par_sort par_sort_by par_sort_by_key
        par_sort_by_cached_key par_sort_unstable par_sort_unstable_by par_sort_unstable_by_key as_parallel_slice
        as_parallel_slice_mut""",
    "strings": """
        par_chars par_char_indices par_bytes par_encode_utf16 par_split_terminator par_lines par_split_whitespace
        par_split_ascii_whitespace par_matches par_match_indices as_parallel_string""",
    "sources and collections": """
        empty once repeat repeat_n repeatn split walk_tree walk_tree_prefix walk_tree_postfix MultiZip Vec VecDeque
        BinaryHeap LinkedList Range RangeInclusive Option Result HashMap HashSet BTreeMap BTreeSet String OsString
        Cow Box<[T]> Rc<[T]> Arc<[T]>""",
    "plumbing": """
        Producer UnindexedProducer Consumer UnindexedConsumer Folder Reducer ProducerCallback bridge
        bridge_producer_consumer bridge_unindexed drive drive_unindexed with_producer""",
    "calls": """
        join join_context FnContext scope scope_fifo in_place_scope in_place_scope_fifo Scope::spawn
        ScopeFifo::spawn_fifo Scope::spawn_broadcast ScopeFifo::spawn_broadcast spawn spawn_fifo broadcast
        spawn_broadcast BroadcastContext yield_now yield_local Yield current_num_threads current_thread_index
        current_thread_has_pending_tasks max_num_threads""",
    "pools": """
        ThreadPoolBuilder::new num_threads thread_name stack_size start_handler exit_handler panic_handler
        use_current_thread spawn_handler ThreadBuilder build_scoped breadth_first build build_global
        ThreadPoolBuildError Configuration initialize install drop""",
}


def rows(section: str = "") -> list[list[str]]:
    """The cells of each row of the tables of the page, or of one section."""
    text = PAGE.partition(f"## {section}\n")[2].partition("\n## ")[0] if section else PAGE
    lines = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("|---")]
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in table if row[0] not in {"Rayon", "pariter"}]


ONLY_HERE = rows("Only in pariter")
THEIRS = [row for row in rows() if row not in ONLY_HERE]
OURS = [code for row in THEIRS for code in CODE.findall(row[1])]
OURS += [code for row in ONLY_HERE for code in CODE.findall(row[0])]


def names_in(code: str) -> set[str]:
    """The names of pariter that a piece of code uses, as `pariter` or the class that has them spells them."""
    code = code.removeprefix("with ").removesuffix(" as s:").removesuffix(":")
    methods = {f"ParIter.{name}" for name in re.findall(r"(?:^|\))\.(\w+)\(", code)}
    owned = {f"{owner}.{name}" for owner, name in re.findall(r"\b(pool|s)\.(\w+)", code)}
    called = set(re.findall(r"(?<![.\w])(\w+)\(", code)) | set(re.findall(r"^\w+$", code))
    return methods | owned | {name for name in called if not hasattr(builtins, name)} - {"pool"}


def exists(name: str) -> bool:
    """Whether pariter has it."""
    owner, _, attribute = name.rpartition(".")
    if owner == "pool":
        return all(hasattr(pool, attribute) for pool in POOLS)
    if owner == "s":
        return hasattr(Scope, attribute)
    return hasattr(pariter.ParIter, attribute) if owner else name in pariter.__all__


def test_every_row_of_the_tables_is_complete() -> None:
    assert {len(row) for row in THEIRS} == {3}
    assert {len(row) for row in ONLY_HERE} == {2}
    assert [row for row in THEIRS if row[1] == "—" and not row[2]] == []
    assert [row for row in THEIRS if row[1] != "—" and not CODE.search(row[1])] == []


@pytest.mark.parametrize("code", sorted(set(OURS)))
def test_every_name_of_pariter_on_the_page_exists(code: str) -> None:
    found = names_in(code)

    assert found or code in {"len(plan)", "iter(plan)", "aiter(plan)", "with pool:"}
    assert [name for name in found if not exists(name)] == []


@pytest.mark.parametrize("group", RAYON)
def test_every_name_of_rayon_is_on_the_page(group: str) -> None:
    told = {code for row in THEIRS for code in CODE.findall(row[0])}

    assert sorted(set(RAYON[group].split()) - told) == []


def test_every_name_of_pariter_is_on_the_page() -> None:
    told = set().union(*map(names_in, OURS))
    in_words = set().union(*(names_in(code) for row in THEIRS for code in CODE.findall(row[2])))
    told |= in_words & {"Break", "Left", "Right"}
    errors = {name for name in pariter.__all__ if is_error(name)}  # of which another page tells

    assert sorted(public_names() - told - errors - {"ParIter", "Pool"}) == []


def test_every_method_of_pools_is_on_the_page() -> None:
    methods = {
        f"pool.{name}"
        for name, value in vars(pariter.Pool).items()
        if not name.startswith("_") and (callable(value) or isinstance(value, property))
    }
    told = set().union(*map(names_in, OURS))

    assert sorted(methods - told - {"pool.engine"}) == []


def is_error(name: str) -> bool:
    """Whether that name of pariter is an exception."""
    value = getattr(pariter, name)
    return isinstance(value, type) and issubclass(value, Exception)
