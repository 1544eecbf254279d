"""The service beside the library: requests a second, latency, memory, growth, model swaps. Prints figures, asserts nothing but answers.

    python -m tests.bench.bench_service                     ten rounds of a second for each way in
    python -m tests.bench.bench_service --minutes 10        ten minutes at full load, memory before and after
    python -m tests.bench.bench_service --swaps 500         swaps under load, failed requests counted

One worker has one core (Python runs one thread at a time), so its rate beside the in-process rate is the rate per core. The server and what runs in process
keep to the first core of those they may use, the callers, in processes of their own, to the others. `--drift` leaves that to the system, which moves all of
them about and costs a server with one connection a tenth. All ways in take turns, a round of each after the other, and are compared within the round: a machine
whose speed drifts is as slow for one as for the other. Figures are medians over the rounds."""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from threadpoolctl import threadpool_limits

from tests.serving import Served, served
from training.model import Model, default_model, load_model, save_model
from training.reading import article_from_text
from training.score import score

PARAGRAPHS = (
    "The harbour board voted 5-2 on Monday to close the east pier for repairs until October, after divers found cracks in eleven of its forty piles.",
    "“We could not have waited for the spring,” the harbour master, Ulla Brandis, told reporters on the quay, with the ferry “Gannet” behind her.",
    "It is a shabby little decision, taken by people who have not walked on the pier in ten years, and the fishermen will be left to pay for it.",
    "The repairs will cost 3.1 million crowns, according to a report published on Friday; the board has set aside 2.4 million for them.",
    "Why must it always be the boats that make way? A council that meant what it says of the old town would have started in January.",
)
WORDS = 600
BATCH = 64
CONNECTIONS = (1, 4, 16)


def article(number: int) -> str:
    """An article of 600 words, no two alike."""
    paragraphs: list[str] = []
    while sum(len(paragraph.split()) for paragraph in paragraphs) < WORDS:
        paragraphs.append(f"{PARAGRAPHS[(number + len(paragraphs)) % len(PARAGRAPHS)]} That was item {number * 31 + len(paragraphs)}.")
    return "\n\n".join(paragraphs)


class Way(NamedTuple):
    """A way in: which other it is compared with, articles a call, calls at a time, and what calls for so many seconds and says how many milliseconds each
    took."""

    beside: str
    articles: int
    at_a_time: int
    call: Callable[[float], list[float]]

    def rate(self, took: list[float]) -> float:
        """Articles a second."""
        return 1_000 * self.articles * self.at_a_time / statistics.mean(took)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=10)
    options.add_argument("--seconds", type=float, default=1.0)
    options.add_argument("--minutes", type=float, default=0.0)
    options.add_argument("--swaps", type=int, default=0)
    options.add_argument("--drift", action="store_true", help="leave the choice of cores to the system")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        if asked.minutes:
            growth(Path(name), asked.minutes)
        elif asked.swaps:
            swaps(Path(name), asked.swaps)
        else:
            rates(Path(name), asked.rounds, asked.seconds, asked.drift)


def rates(folder: Path, rounds: int, seconds: float, drift: bool) -> None:
    """Articles a second by every way in."""
    threadpool_limits(1)  # as the service does: processes are what it has for each core
    cores = sorted(os.sched_getaffinity(0))
    if not drift:
        os.sched_setaffinity(0, cores[:1])
    model = load_model(default_model())
    singly, together = "in process, one by one", f"in process, {BATCH} together"
    with served(folder, "--workers", "1") as server:
        ways = {singly: Way(singly, 1, 1, partial(in_process, model, 1)), together: Way(together, BATCH, 1, partial(in_process, model, BATCH))}
        callers = cores if drift else cores[1:] or cores
        ways |= {f"HTTP, {number} connections": Way(singly, 1, number, partial(load, server, number, single_bodies(), cores=callers)) for number in CONNECTIONS}
        ways |= {f"HTTP, batches of {BATCH}": Way(together, BATCH, 2, partial(load, server, 2, batch_bodies(), cores=callers))}
        took = [{name: way.call(seconds) for name, way in ways.items()} for _ in range(rounds)]
    rate = {name: [way.rate(took_in[name]) for took_in in took] for name, way in ways.items()}
    print(f"{'':<26}{'articles/s':>12}{'of in-process':>15}{'quartiles':>13}{'median ms':>12}{'p99 ms':>10}")
    for name, way in ways.items():
        low, middle, high = statistics.quantiles([mine / other for mine, other in zip(rate[name], rate[way.beside], strict=True)], n=4)
        every = [ms for took_in in took for ms in took_in[name]]
        print(
            f"{name:<26}{statistics.median(rate[name]):>12.0f}{middle:>15.2f}{f'{low:.2f}-{high:.2f}':>13}"
            f"{statistics.median(every):>12.1f}{percentile(every, 99):>10.1f}"
        )
    os.sched_setaffinity(0, cores)
    with served(folder, "--workers", "2") as server:
        load(server, 4, single_bodies(), 5)
        print(f"memory of two workers and their parent: {memory(server):.0f} MB")


def growth(folder: Path, minutes: float) -> None:
    """Memory before and after a long time at full load."""
    with served(folder, "--workers", "2") as server:
        for minute in range(round(minutes) + 1):
            took = load(server, 4, single_bodies(), 60 if minute else 5)
            held = f"{memory(server):.1f} MB, {memory(server, 'Anonymous'):.1f} MB with what is shared counted for each"
            print(f"minute {minute}: {held}; {len(took)} requests, p99 {percentile(took, 99):.1f} ms", flush=True)


def swaps(folder: Path, count: int) -> None:
    """Swap between two models under load; every answer must be one of theirs."""
    first = load_model(default_model())
    models = [folder / "one", folder / "two"]
    calibration = replace(first.labels.calibration, offset=first.labels.calibration.offset + 0.001)
    save_model(models[0], first.kinds, first.labels, {})
    save_model(models[1], first.kinds, replace(first.labels, calibration=calibration), {})
    link = folder / "current"
    link.symlink_to(models[0])
    with served(folder, "--workers", "2", "--model", str(link), "--reload", "0.02") as server, ProcessPoolExecutor(2) as callers:
        under_way = [callers.submit(_call_until, server.port, single_bodies(), folder / "stop") for _ in range(2)]
        digests = [load_model(model).identity.digest for model in models]
        for swap in range(1, count + 1):
            point(link, models[swap % 2])
            _wait_for(server, digests[swap % 2])
        (folder / "stop").touch()
        answered = sum((caller.result() for caller in under_way), Counter())
    others = answered.total() - sum(answered[digest] for digest in digests)
    print(f"{count} swaps, {answered.total()} requests, none failed; {[answered[digest] for digest in digests]} answered by either model, {others} by another")


def point(link: Path, folder: Path) -> None:
    """Make a link lead to a folder, in one step."""
    new = link.with_name("next")
    new.symlink_to(folder)
    os.replace(new, link)


def in_process(model: Model, size: int, seconds: float) -> list[float]:
    """Milliseconds that each batch of a size took, from text to the lines of JSON."""
    texts = [article(number) for number in range(256)]

    def batch(number: int) -> None:
        for result in score([article_from_text(texts[(number * size + place) % len(texts)]) for place in range(size)], model):
            json.dumps(result.as_dict(), ensure_ascii=False)

    return _times(batch, seconds)


def load(server: Served, connections: int, bodies: list[bytes], seconds: float, cores: Sequence[int] = ()) -> list[float]:
    """Milliseconds that each request took, from so many connections at once, each its own process's, on these cores or on any."""
    with ProcessPoolExecutor(connections, initializer=partial(_keep_to, cores)) as callers:
        under_way = [callers.submit(_call, server.port, bodies, seconds) for _ in range(connections)]
        return [took for caller in under_way for took in caller.result()]


def _keep_to(cores: Sequence[int]) -> None:
    if cores:
        os.sched_setaffinity(0, cores)


def single_bodies() -> list[bytes]:
    return [json.dumps({"text": article(number)}).encode() for number in range(256)]


def batch_bodies() -> list[bytes]:
    return [json.dumps({"articles": [{"text": article(number + place)} for place in range(BATCH)]}).encode() for number in range(4)]


def percentile(took: list[float], percent: int) -> float:
    return statistics.quantiles(took, n=100)[percent - 1] if len(took) > 1 else took[0]


def memory(server: Served, what: str = "Pss_Anon") -> float:
    """MB that the server's processes hold; files that are mapped into memory left out, for others share those too. What they share is counted once, so the sum
    grows as workers write to what they had of their parent, up to what that holds, for each; counted for each (`Anonymous`) it shows what they take anew."""
    parent = server.process.pid
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    lines = [line for process in [parent, *children] for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith(f"{what}:")) / 1_000


def _times(work: Callable[[int], object], seconds: float) -> list[float]:
    """Milliseconds that each call of `work` with 0, 1, 2... took, for so many seconds."""
    took: list[float] = []
    until = time.perf_counter() + seconds
    while (begin := time.perf_counter()) < until:
        work(len(took))
        took.append(1_000 * (time.perf_counter() - begin))
    return took


def _call(port: int, bodies: list[bytes], seconds: float) -> list[float]:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        return _times(lambda number: _ask(connection, bodies[number % len(bodies)]), seconds)


def _call_until(port: int, bodies: list[bytes], stop: Path) -> Counter[str]:
    """Answers by the digest of the model that gave them."""
    answered: Counter[str] = Counter()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        while not stop.exists():
            answer = json.loads(_ask(connection, bodies[answered.total() % len(bodies)]))
            answered[answer["model"]["digest"]] += 1
    return answered


def _ask(connection: socket.socket, body: bytes) -> bytes:
    """The answer's body."""
    path = "/v1/classify/batch" if body.startswith(b'{"articles"') else "/v1/classify"
    head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body)
    answer = connection.recv(1_000_000)
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(1_000_000)
    said, _, begun = answer.partition(b"\r\n\r\n")
    if not said.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(answer[:500].decode())
    length = int(said.lower().partition(b"content-length:")[2].split()[0])
    while len(begun) < length:
        begun += connection.recv(1_000_000)
    return begun


def _wait_for(server: Served, digest: str) -> None:
    """Until both workers answer with a model."""
    while True:
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            shown = b"".join(iter(lambda: connection.recv(65_536), b"")).decode()
        if any(line.startswith("copydesk_model_processes") and digest in line and line.endswith(" 2.0") for line in shown.splitlines()):
            return


if __name__ == "__main__":
    main()
