"""The scheduler: pools of work-stealing threads, and calls that run on them. It knows nothing of plans.

From the bottom: `_platform` (locks, threads, clocks) · `latch` (set once, wait) · `ticker` (notices what lasts) ·
`sleep` (who sits where, who is woken) · `job`, `worker` (what lies in a deque, and who runs it) · `thread`, `birth`,
`stir`, `pool` · `spawn`, `join`, `scope`, `broadcast` · `forking`.

The design and its proofs are in docs/design/scheduler.md.
"""

from pariter.sched import forking as forking
