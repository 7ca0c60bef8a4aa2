#!/usr/bin/env python3
"""Draws the figures of scripts/bench as SVG. Usage: plots.py FILE [FOLDER]"""

import json
import re
import statistics
import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")
# The same figures give the same bytes, and words stay words.
matplotlib.rcParams.update({"svg.hashsalt": "touchstone", "svg.fonttype": "none", "font.size": 10})
from matplotlib import pyplot  # noqa: E402 (the backend comes first)

OURS, THEIRS, THIRD = "#1f5f8b", "#b0b0b0", "#d08c2f"


class Figures:
    """Medians of the runs, by name."""

    def __init__(self, path):
        runs = json.loads(Path(path).read_text(encoding="utf-8"))
        self.medians = {name: statistics.median(values) for name, values in runs.items() if values}

    def __contains__(self, name):
        return name in self.medians

    def all(self, names):
        """The figures of these names, or none if one wasn't measured."""
        return [self.medians[name] for name in names] if all(name in self for name in names) else None

    def matching(self, pattern):
        """The numbers that names of this form begin with, ascending."""
        found = (re.fullmatch(pattern, name) for name in self.medians)
        return sorted({int(match.group(1)) for match in found if match})


def bars(axes, places, series, log=False):
    """Groups of bars, each with its value on top; series are (label, values, colour)."""
    width = 0.8 / len(series)
    for number, (label, values, colour) in enumerate(series):
        at = [place + (number - (len(series) - 1) / 2) * width for place in range(len(places))]
        drawn = axes.bar(at, values, width, label=label, color=colour)
        axes.bar_label(drawn, fmt=lambda value: f"{value:,.0f}" if value >= 10 else f"{value:.2f}", fontsize=8)
    axes.set_xticks(range(len(places)), places)
    axes.spines[["top", "right"]].set_visible(False)
    if log:
        axes.set_yscale("log")
    else:
        axes.margins(y=0.15)
    axes.legend(frameon=False)


def throughput(figures):
    """Events a second at full load."""
    sizes = [size for size in (1, 10, 100) if f"{size} full events/s" in figures]
    ours = figures.all([f"{size} full events/s" for size in sizes])
    theirs = figures.all([f"{size} postgres events/s" for size in sizes])
    if not sizes or ours is None or theirs is None:
        return None
    figure, axes = pyplot.subplots(figsize=(6.4, 3.6))
    series = [("PostgreSQL, three synchronous standbys", theirs, THEIRS), ("Touchstone, four validators", ours, OURS)]
    bars(axes, [f"{size} a transaction" for size in sizes], series, log=True)
    axes.set_ylabel("events/s")
    return figure


def latency(figures):
    """Times to a commit."""
    rows = [("one outstanding", "one by one p50", "one by one p99")]
    rows += [(f"half load, {size} events", f"{size} half p50", f"{size} half p99") for size in (1, 10, 100)]
    rows = [row for row in rows if row[1] in figures and row[2] in figures]
    if not rows:
        return None
    figure, axes = pyplot.subplots(figsize=(6.4, 3.6))
    p50, p99 = figures.all([row[1] for row in rows]), figures.all([row[2] for row in rows])
    bars(axes, [row[0] for row in rows], [("p50", p50, OURS), ("p99", p99, THIRD)])
    axes.set_ylabel("ms to a commit")
    axes.tick_params(axis="x", labelsize=8)
    return figure


def finality(figures):
    """Times to a decision between distant validators."""
    delays = figures.matching(r"(\d+) ms all alive p50")
    if not delays:
        return None
    figure, axes = pyplot.subplots(figsize=(6.4, 3.6))
    kinds = [("all alive", OURS), ("one dead", THIRD)]
    for state, colour in kinds:
        for part, style in [("p50", "-o"), ("p99", "--s")]:
            values = figures.all([f"{delay} ms {state} {part}" for delay in delays])
            if values is not None:
                axes.plot(delays, values, style, color=colour, label=f"{state}, {part}")
    axes.set_xlabel("ms between seven validators, one way")
    axes.set_ylabel("ms to a decision")
    axes.set_ylim(bottom=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure


def growth(figures):
    """What changes as a ledger grows."""
    sizes = figures.matching(r"(\d+) items commit p50")
    if len(sizes) < 2:
        return None
    parts = [("commit p50", "commit p50, ms"), ("query p99", "query p99, ms"), ("bytes", "bytes per event"),
             ("memory", "most memory, MiB"), ("restart", "start, s")]
    figure, all_axes = pyplot.subplots(1, len(parts), figsize=(9.6, 3.0))
    for axes, (part, title) in zip(all_axes, parts):
        values = figures.all([f"{size} items {part}" for size in sizes])
        if values is None:
            continue
        drawn = axes.bar([f"{size:,}" for size in sizes], values, 0.6, color=OURS)
        axes.bar_label(drawn, fmt=lambda value: f"{value:,.0f}" if value >= 10 else f"{value:.2f}", fontsize=8)
        axes.set_title(title, fontsize=9)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=7)
        axes.margins(y=0.15)
    figure.supxlabel("items", fontsize=9)
    return figure


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: scripts/bench-plots FILE [FOLDER]")
    figures = Figures(sys.argv[1])
    folder = Path(sys.argv[2] if len(sys.argv) == 3 else "docs/plots")
    folder.mkdir(parents=True, exist_ok=True)
    for draw in (throughput, latency, finality, growth):
        figure = draw(figures)
        if figure is None:
            print(f"{draw.__name__}: not in the file")
            continue
        figure.tight_layout()
        path = folder / f"{draw.__name__}.svg"
        figure.savefig(path, metadata={"Date": None, "Creator": None})
        print(path)


if __name__ == "__main__":
    main()
