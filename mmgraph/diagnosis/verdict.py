"""A diagnosis in plain words, none of which claims more than its standard error allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmgraph.diagnosis.measures import Measure, Measures

#: What is below this share of the gain over nothing is called nearly nothing.
_NEARLY = 0.05


def sentences(diagnosis: Measures) -> list[str]:
    """Return the verdict, a paragraph an entry: score, modalities, parts, interaction, edges."""
    parts = [
        _score(diagnosis),
        *(_modality(diagnosis, name) for name in _by_share(diagnosis)),
        _parts(diagnosis),
        _interaction(diagnosis),
        _edges(diagnosis),
        *_warnings(diagnosis),
    ]
    return [part for part in parts if part]


def format_score(diagnosis: Measures, measure: Measure) -> str:
    """Return a score with its standard error."""
    return f"{measure.value:.3f} ± {measure.error:.3f}"


def format_difference(diagnosis: Measures, value: float, error: float | None = None) -> str:
    """Return a difference of scores, in points where the score is a share of rows."""
    factor, digits = (100, 1) if diagnosis.is_share else (1, 3)
    unit = "points" if diagnosis.is_share else f"of {diagnosis.score_name}"
    spread = "" if error is None else f" ± {factor * error:.{digits}f}"
    return f"{factor * value:.{digits}f}{spread} {unit}"


def _difference(diagnosis: Measures, measure: Measure) -> str:
    return format_difference(diagnosis, measure.value, measure.error)


def _most(diagnosis: Measures, measure: Measure) -> float:
    """Return what a measure hardly exceeds."""
    # Where no row differs the bootstrap has no error. Then the rule of three holds: what is
    # never seen in n rows has at most a probability of about 3 / n.
    rare = 3 / measure.rows if diagnosis.is_share else 0.0
    return max(0.0, measure.value + max(2 * measure.error, rare))


def _bound(diagnosis: Measures, measure: Measure) -> str:
    return f", so at most about {format_difference(diagnosis, _most(diagnosis, measure))}"


def _by_share(diagnosis: Measures) -> list[str]:
    return sorted(diagnosis.modalities, key=lambda name: -diagnosis.get("shapley", name).value)


def _score(diagnosis: Measures) -> str:
    score, nothing = diagnosis.get("score"), diagnosis.get("nothing")
    name = diagnosis.score_name[0].upper() + diagnosis.score_name[1:]
    return (
        f"{name} {format_score(diagnosis, score)} on {score.rows} rows, "
        f"{nothing.value:.3f} with every modality hidden (± one standard error)."
    )


def _modality(diagnosis: Measures, name: str) -> str:
    share, hidden = diagnosis.get("shapley", name), diagnosis.get("hidden", name)
    permuted, alone = diagnosis.get("permuted", name), diagnosis.get("alone", name)
    if not hidden.is_clear:
        adds = (
            "no gain from it beside the rest could be shown "
            f"({_difference(diagnosis, hidden)}{_bound(diagnosis, hidden)})"
        )
    elif hidden.value > 0:
        adds = f"it adds {_difference(diagnosis, hidden)} to the rest"
    else:
        adds = (
            f"it costs {format_difference(diagnosis, -hidden.value, hidden.error)} beside the rest"
        )
    return (
        f"{name}: {adds}; alone it has {format_score(diagnosis, alone)}, its Shapley value is "
        f"{_difference(diagnosis, share)}, and exchanged between rows it costs "
        f"{_difference(diagnosis, permuted)}."
    )


#: Parts of a model by the measure of what is lost without them.
PARTS = {
    "linear_removed": "the linear model",
    "own_removed": "its linear model of {} alone",
    "neighbours_removed": "the vote of the nearest training rows",
    "linked_targets_removed": "the targets of linked rows",
    "graph_removed": "the graph",
}


def _parts(diagnosis: Measures) -> str:
    removed = [each for each in diagnosis.measures if each.name in PARTS]
    if not removed:
        return ""
    lost = [
        f"{PARTS[each.name].format(each.modality)} {_difference(diagnosis, each)}"
        + ("" if each.is_clear else " (could be chance)")
        for each in sorted(removed, key=lambda each: -each.value)
    ]
    return f"Without one of its parts the model loses: {'; '.join(lost)}."


def _interaction(diagnosis: Measures) -> str:
    gap = diagnosis.get("interaction")
    emap, model = diagnosis.get("emap"), diagnosis.get("emap_rows")
    gain = model.value - diagnosis.get("nothing").value
    compared = (
        f"the additive projection (EMAP) has {emap.value:.3f}, the model {model.value:.3f} on "
        f"these {gap.rows} rows, a difference of {_difference(diagnosis, gap)}."
    )
    name = diagnosis.score_name
    if not gap.is_clear:
        if _most(diagnosis, gap) < _NEARLY * gain:
            return f"Nearly all of the model's {name} is additive: {compared}"
        return (
            f"No interaction between modalities could be shown{_bound(diagnosis, gap)}: {compared}"
        )
    if gap.value < 0:
        return f"What the model learnt of interaction does harm: {compared}"
    share = gap.value / gain if gain > 0 else 1.0
    if share < _NEARLY:
        return f"Nearly all of the model's {name} is additive, a little is interaction: {compared}"
    much = "Most" if share > 0.5 else "Part"
    return f"{much} of what the model learnt is interaction between modalities: {compared}"


def _edges(diagnosis: Measures) -> str:
    removed, shuffled = diagnosis.find("edges_removed"), diagnosis.find("edges_shuffled")
    if removed is None or shuffled is None:
        return ""
    size = _difference(diagnosis, removed)
    if not removed.is_clear:
        claim = (
            "Without the edges between modalities the trained model loses nothing that could be "
            f"shown ({size}{_bound(diagnosis, removed)})"
        )
    elif removed.value > 0:
        claim = f"The edges between modalities are worth {size} to the trained model"
    else:
        better = format_difference(diagnosis, -removed.value, removed.error)
        claim = f"Without the edges between modalities the trained model is {better} better"
    return f"{claim}; where they run to another row it loses {_difference(diagnosis, shuffled)}."


def _warnings(diagnosis: Measures) -> list[str]:
    best = max(diagnosis.modalities, key=lambda name: diagnosis.get("alone", name).value)
    lead = diagnosis.get("lead", best)
    if lead.is_clear and lead.value > 0:
        return []
    if lead.is_clear:
        behind = format_difference(diagnosis, -lead.value, lead.error)
        return [
            f"Warning: the fusion loses to one modality: {best} alone, with the others hidden, is "
            f"{behind} better."
        ]
    return [
        f"Warning: the model could not be shown to beat {best} alone (a lead of "
        f"{_difference(diagnosis, lead)})."
    ]
