"""A diagnosis as a person reads it: a line for each subject, and what to do about each problem."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from fallback_storage.diagnosis.diagnosis import Diagnosis
from fallback_storage.diagnosis.finding import Finding, Level
from fallback_storage.management.printing import printable

Style = Callable[[str], str]

_MARKS = {Level.NOTE: "note", Level.PROBLEM: "wrong"}


def lines(diagnosis: Diagnosis, styles: Mapping[Level, Style]) -> Iterator[str]:
    """Yield the lines of a diagnosis, each in the style of its level."""
    yield f"{diagnosis.alias} ({diagnosis.storage.rpartition('.')[2]})"
    for subject in dict.fromkeys(each.subject for each in diagnosis.findings):
        of_subject = [each for each in diagnosis.findings if each.subject == subject]
        if said := "; ".join(each.says for each in of_subject if each.level is Level.WELL):
            yield styles[Level.WELL](f"  {printable(subject)}: {printable(said)}")
        for finding in of_subject:
            if finding.level is not Level.WELL:
                yield styles[finding.level](_line(finding))
                if finding.advice:
                    yield f"         {printable(finding.advice)}"


def _line(finding: Finding) -> str:
    text = f"{finding.subject}: {finding.says.rstrip('.')}."
    return f"  {_MARKS[finding.level]}  {printable(text)}"
