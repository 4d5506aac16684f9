"""Uploads and reads per second of all systems, in interleaved rounds."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles

from bench import images
from bench.load import Outcome, Plan, measure
from bench.report import Figure, Report, Table
from bench.s3 import S3Server
from bench.systems import Direct, HttpSystem, System, form

SIZES = {"100 kB": 100_000, "1 MB": 1_000_000, "5 MB": 5_000_000}
OVER_NAIVE = {"100 kB": 3.0, "1 MB": 2.5, "5 MB": 1.8}
OVER_LIMIT = {"100 kB": 0.40, "1 MB": 0.42, "5 MB": 0.40}
READ_SIZES = ("100 kB", "1 MB")
READS_OVER_NAIVE = {"100 kB": 3.0}
READ_IMAGES = 32


@dataclass(frozen=True, slots=True)
class Scale:
    """How much to measure: rounds, and seconds of each round."""

    rounds: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Round:
    """One system's part of one round. Processor time for each request: of the system's processes, of the S3 server."""

    rate: float
    cpu_ms: float
    s3_cpu_ms: float
    outcome: Outcome


Rounds = dict[tuple[str, str], list[Round]]
"""By size and system."""


def uploads(systems: Sequence[System], server: S3Server, folder: Path, scale: Scale, report: Report) -> None:
    """``POST /upload`` of 8 clients against presigned ``PUT``."""
    bodies = _bodies(systems, folder)

    def plan(system: System, size: str) -> Plan:
        body = bodies[size, isinstance(system, HttpSystem)]
        heads, once = system.upload_heads(body.stat().st_size)
        status = 201 if isinstance(system, HttpSystem) else 200
        return Plan(system.service.port, heads, status, scale.seconds, str(body), once=once)

    def tidy(system: System) -> None:
        server.discard(system.name)

    rounds = _interleaved(systems, server, tuple(SIZES), scale, plan, tidy)
    _report("uploads", rounds, systems, report)
    _ratios("uploads/s", rounds, "naive", OVER_NAIVE, report)
    _ratios("uploads/s", rounds, "limit", OVER_LIMIT, report)
    _against("uploads/s", rounds, systems, report)


def reads(systems: Sequence[System], server: S3Server, scale: Scale, report: Report) -> None:
    """``GET /image/<key>`` of 8 clients against presigned ``GET``."""
    pictures = {size: images.jpeg(SIZES[size]) for size in READ_SIZES}
    heads = {
        (size, system.name): [system.read_head(system.store(picture)) for _ in range(READ_IMAGES)]
        for size, picture in pictures.items()
        for system in systems
    }

    def plan(system: System, size: str) -> Plan:
        return Plan(system.service.port, heads[size, system.name], 200, scale.seconds)

    rounds = _interleaved(systems, server, READ_SIZES, scale, plan, lambda _system: None)
    for system in systems:
        server.discard(system.name)
    _report("reads", rounds, systems, report)
    _ratios("reads/s", rounds, "naive", READS_OVER_NAIVE, report)
    _ratios("reads/s", rounds, "limit", {}, report)
    _against("reads/s", rounds, systems, report)


def _bodies(systems: Sequence[System], folder: Path) -> dict[tuple[str, bool], Path]:
    """Files with what is sent: by size, and whether as a form."""
    made = {}
    for name, size in SIZES.items():
        image = images.jpeg(size)
        for system in systems:
            system.store(image)
        for as_form in (True, False):
            path = folder / f"body-{size}-{as_form}"
            path.write_bytes(form(image) if as_form else image)
            made[name, as_form] = path
    return made


def _interleaved(
    systems: Sequence[System],
    server: S3Server,
    sizes: Sequence[str],
    scale: Scale,
    plan: Callable[[System, str], Plan],
    tidy: Callable[[System], None],
) -> Rounds:
    """A, B, C, A, B, C, ...: whatever else the machine does meets all systems alike. The first round does not count."""
    rounds: Rounds = {}
    for number in range(scale.rounds + 1):
        for size in sizes:
            for system in systems:
                measured = _round(system, server, plan(system, size))
                tidy(system)
                if number:
                    rounds.setdefault((size, system.name), []).append(measured)
    return rounds


def _round(system: System, server: S3Server, plan: Plan) -> Round:
    services = (system.service, server.service)
    before = [service.cpu_seconds() for service in services]
    outcome = measure(plan)
    time.sleep(0.05)  # let the workers write their last log lines
    own, s3 = (
        1000 * (after.cpu_seconds() - start) / outcome.requests for after, start in zip(services, before, strict=True)
    )
    return Round(outcome.rate, 0.0 if isinstance(system, Direct) else own, s3, outcome)


def _report(name: str, rounds: Rounds, systems: Sequence[System], report: Report) -> None:
    count = len(next(iter(rounds.values())))
    table = Table(
        f"{name.capitalize()}, medians of {count} interleaved rounds, 8 clients",
        (
            "size",
            "system",
            f"{name}/s",
            "lowest to highest",
            "median ms",
            "95 % ms",
            "CPU ms",
            "S3 CPU ms",
            "client CPU ms",
        ),
    )
    for size in dict.fromkeys(size for size, _ in rounds):
        for system in systems:
            table.rows.append((size, system.name, *_row(rounds[size, system.name])))
    report.tables.append(table)
    report.raw[name] = [
        {"size": size, "system": system, "rate": each.rate, "cpu_ms": each.cpu_ms, "s3_cpu_ms": each.s3_cpu_ms}
        | {key: value for key, value in asdict(each.outcome).items() if key != "latencies"}
        for (size, system), measured in rounds.items()
        for each in measured
    ]


def _row(measured: list[Round]) -> tuple[str, ...]:
    rates = [each.rate for each in measured]
    latencies = [1000 * latency for each in measured for latency in each.outcome.latencies]
    client = sum(each.outcome.cpu_seconds for each in measured) / len(latencies)
    return (
        f"{median(rates):.1f}", f"{min(rates):.1f} to {max(rates):.1f}",
        f"{median(latencies):.1f}", f"{quantiles(latencies, n=20)[-1]:.1f}",
        f"{median(e.cpu_ms for e in measured):.2f}", f"{median(e.s3_cpu_ms for e in measured):.2f}",
        f"{1000 * client:.2f}",
    )  # fmt: skip


def _ratios(what: str, rounds: Rounds, other: str, bounds: dict[str, float], report: Report) -> None:
    for size in dict.fromkeys(size for size, _ in rounds):
        ratio, note = _ratio(rounds[size, "ours"], rounds[size, other])
        figure = Figure(f"{what}, ours ÷ {other}, {size}", ratio, "", at_least=bounds.get(size), note=note)
        report.figures.append(figure)


def _against(what: str, rounds: Rounds, systems: Sequence[System], report: Report) -> None:
    """With another checkout under comparison: what this one's rate and CPU are, as a multiple of the other's."""
    if not any(system.name == "other" for system in systems):
        return
    for size in dict.fromkeys(size for size, _ in rounds):
        mine, others = rounds[size, "ours"], rounds[size, "other"]
        ratio, note = _ratio(mine, others)
        report.figures.append(Figure(f"{what}, ours ÷ other checkout, {size}", ratio, "", note=note))
        cpu = median(a.cpu_ms / b.cpu_ms for a, b in zip(mine, others, strict=True))
        report.figures.append(Figure(f"CPU for each of {what}, ours ÷ other checkout, {size}", cpu, ""))


def _ratio(mine: list[Round], others: list[Round]) -> tuple[float, str]:
    """The median of the rounds' ratios: the two rates of a round were measured within seconds of each other."""
    ratios = [a.rate / b.rate for a, b in zip(mine, others, strict=True)]
    return median(ratios), f"rounds {min(ratios):.2f} to {max(ratios):.2f}"
