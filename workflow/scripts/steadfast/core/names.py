"""Names that files, tables and configurations share: verdicts, prompt labels, and the variant without any change."""

from typing import Literal

VerdictName = Literal["refusal", "non_refusal", "unscored"]
REFUSAL: VerdictName = "refusal"
NON_REFUSAL: VerdictName = "non_refusal"
UNSCORED: VerdictName = "unscored"
QualityName = Literal["good", "bad"]
GOOD: QualityName = "good"
BAD: QualityName = "bad"
ComplianceName = Literal["complied", "not_complied"]
COMPLIED: ComplianceName = "complied"
NOT_COMPLIED: ComplianceName = "not_complied"
RefusalKind = Literal["explicit", "partial", "deflection", "policy", "none"]
REFUSAL_KINDS: tuple[RefusalKind, ...] = ("explicit", "partial", "deflection", "policy", "none")
"""Ways not to do what a harmful prompt asks for, and none of them."""
AnyVerdict = VerdictName | QualityName | ComplianceName | RefusalKind
VERDICTS: tuple[VerdictName, ...] = (REFUSAL, NON_REFUSAL, UNSCORED)

HARMFUL = "harmful"
HARMLESS = "harmless"
PROMPT_LABELS = (HARMFUL, HARMLESS)

ORIGINAL = "original"
"""The variant that every model has: the model without any change. Every other variant is compared with it."""
