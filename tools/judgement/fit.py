"""Fitting the judgement of the knowledge base: `python tools/judgement/fit.py`.

Reads `tools/judgement/questions.jsonl`, which is not what is measured on (`tests/understanding/knowledge.jsonl`), finds
the candidates of each question, and fits how likely a candidate is right (logistic regression). `sure` is the lowest
probability with which at most `WRONG` of the questions the base cannot answer would be told an answer, and at most as
many of the others a wrong one; `maybe` the lowest with which at most `IN_VAIN` would be asked back in vain.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from core.city import City
from core.settings import PROJECT_ROOT, get_settings
from hotline.knowledge_evaluation import Told, base_of, read_questions, searched
from knowledge.search.judge import Judgement, crossed, described, judge

QUESTIONS = Path(__file__).with_name("questions.jsonl")
JUDGEMENT = PROJECT_ROOT / "knowledge" / "search" / "judgement.json"
REGULARISATION = 0.03
WRONG, IN_VAIN = 0.02, 0.15
SAFETY = 0.14
"""Less than the 3 % that may be told wrongly, and a step on from there: the questions are few, and others come."""
DAY = date(2026, 11, 25)


def main() -> None:
    """Entry."""
    asked = read_questions(QUESTIONS)
    index, words = base_of(City(get_settings().city_dir))
    found = list(searched(asked, index, DAY))
    told = [(each, described(each.question, each.candidates, index, words)) for each in found]
    listed = [crossed(features) for _, candidates in told for features in candidates]
    right = [c.entry.id in each.asked.gold for each, candidates in told for c in each.candidates[: len(candidates)]]
    names = list(listed[0])
    scaler = StandardScaler()
    x = scaler.fit_transform([[features[name] for name in names] for features in listed])
    model = LogisticRegression(C=REGULARISATION, max_iter=5000).fit(x, right)
    weights = model.coef_[0] / scaler.scale_
    constant = float(model.intercept_[0] - weights @ scaler.mean_)
    weighed = {name: round(float(weight), 4) for name, weight in zip(names, weights, strict=True)}
    fitted = Judgement(weighed, round(constant, 4), 1.0, 1.0)
    findings = [Told(each.asked, judge(each.question, each.candidates, index, words, fitted)) for each in found]
    fitted = replace(fitted, sure=min(0.99, round(sure_from(findings) + SAFETY, 2)))
    fitted = replace(fitted, maybe=min(fitted.sure, maybe_from(findings)))
    JUDGEMENT.write_text(json.dumps(asdict(fitted), indent=1) + "\n", "utf-8")
    print(JUDGEMENT.read_text("utf-8"))


def sure_from(findings: Sequence[Told]) -> float:
    """See above; rounded up to a hundredth."""
    for hundredth in range(1, 100):
        sure = hundredth / 100
        lost = [each for each in findings if first(each) >= sure and not each.within(1)]
        vain = sum(not each.asked.gold for each in lost) / max(1, sum(not each.asked.gold for each in findings))
        wrong = sum(bool(each.asked.gold) for each in lost) / max(1, sum(bool(each.asked.gold) for each in findings))
        if vain <= WRONG and wrong <= WRONG:
            return sure
    return 0.99


def maybe_from(findings: Sequence[Told]) -> float:
    """See above; rounded up to a hundredth."""
    unanswerable = [each for each in findings if not each.asked.gold]
    for hundredth in range(1, 100):
        maybe = hundredth / 100
        if sum(first(each) >= maybe for each in unanswerable) <= IN_VAIN * len(unanswerable):
            return maybe
    return 0.99


def first(told: Told) -> float:
    """How likely the first candidate is right."""
    return told.finding.probabilities[0] if told.finding.probabilities else 0.0


if __name__ == "__main__":
    main()
