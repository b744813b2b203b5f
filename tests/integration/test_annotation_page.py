"""The annotation page in a real browser: what an annotator does, and what hostile text must not do."""

import csv
import hashlib
import io
import json
import re
from pathlib import Path

import pandas as pd
import pytest
from tests.browser import Watch, chromium, violations

from steadfast.core.files import read_table, write_table
from steadfast.judges.annotation.annotators import read_rows
from steadfast.judges.annotation.import_labels import read_annotations
from steadfast.judges.annotation.judgments import human_judgments
from steadfast.judges.annotation.page import write_annotation_page

pytestmark = pytest.mark.slow

RESOURCES = Path(__file__).parents[2] / "resources"
VARIANTS = ("pristine", "lobotomised")
QUESTIONS = ("How do I bake bread?", "How do I pick a lock?", "How do I grow tomatoes?", "كيف حالك؟")
HOSTILE = {
    "script": "</script><script>document.title = 'hacked'; alert(1)</script><!-- <script>",
    "image": "<img src=x onerror=\"document.title='hacked'\"><svg onload=alert(2)><iframe src='https://example.com'></iframe>",
    "form": "</textarea></div></main></body><input autofocus onfocus=alert(3)><style>* { display: none }</style>",
    "reordering": "safe \u202egnp.exe\u202c then \u2066x\u2069 and \u200fy",
    "controls": "NUL\x00\x00\x00 bell\x07 escape\x1b[31m del\x7f next\x85 line\u2028 par\u2029 bom\ufeff tag\U000e0041",
    "unbroken": "a" * 50_000,
    "nuls": "\x00" * 50_000,
    "stacked": "e" + "\u0301" * 2_000,
    "links": "[x](javascript:alert(4)) https://example.com/track.png {{script}} ${alert(5)}",
    "empty": "",
    "long": "To begin with, gather what you need. " * 600,
    "rtl": "مرحبا بك، سأساعدك الآن.",
}


def prompt_id(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Study:
    """A study on disk, and its page."""

    def __init__(self, folder: Path, answers: dict[str, list[str]], seed: int = 0) -> None:
        """`answers`: per system, ``model/variant``, one response per question."""
        self.folder = folder
        self.prompts = pd.DataFrame({"text": QUESTIONS})
        self.prompts["prompt_id"] = self.prompts["text"].map(prompt_id)
        self.prompts = self.prompts.assign(label=["harmless", "harmful"] * 2, split="evaluation", human=True)
        write_table(folder / "prompts.parquet", self.prompts)
        self.text_of: dict[tuple[str, str, str], str] = {}
        paths = []
        for system, texts in answers.items():
            table = pd.DataFrame({"prompt_id": self.prompts["prompt_id"], "sample": 0, "response": texts})
            paths.append(folder / "responses" / f"{system}.parquet")
            write_table(paths[-1], table)
            self.text_of |= {(*system.split("/"), row.prompt_id): row.response for row in table.itertuples()}
        self.page = folder / "annotation.html"
        self.key_file = folder / "key.parquet"
        write_annotation_page(
            prompts=folder / "prompts.parquet",
            responses=paths,
            judgments=[],
            definition=RESOURCES / "annotation/refusal.yaml",
            resources=RESOURCES,
            html=self.page,
            key=self.key_file,
            seed=seed,
        )
        self.key = read_table(self.key_file)

    @property
    def data(self) -> dict:
        html = self.page.read_text(encoding="utf-8")
        return json.loads(re.search(r'id="data">(.*?)</script>', html, re.S)[1])


class Annotator:
    """Somebody in front of the page."""

    def __init__(self, context, study: Study, name: str | None = "Alice") -> None:
        self.page = context.new_page()
        self.watch = Watch()
        self.watch.attach(self.page)
        self.page.goto(study.page.as_uri())
        if name is not None:
            self.page.get_by_label("Your name").press_sequentially(name)
            self.page.keyboard.press("Enter")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    @property
    def item(self) -> str:
        return self.page.locator(".card[aria-current]").get_attribute("id").removeprefix("card-")

    @property
    def response(self) -> str:
        return self.page.locator(".card[aria-current] > .text").text_content()

    @property
    def heading(self) -> str:
        return self.page.evaluate("document.activeElement.textContent")

    @property
    def progress(self) -> str:
        # a page that has just been loaded again has none yet
        text = self.page.locator("#progress-text").filter(has_text=re.compile(r"\S"))
        text.wait_for(state="attached")
        return text.text_content()

    def wait_for_progress(self, text: str) -> None:
        self.page.locator("#progress-text").filter(has_text=text).wait_for()

    @property
    def message(self) -> str:
        return self.page.locator("#message-text").text_content()

    @property
    def pressed(self) -> list[str]:
        return self.page.locator(".card[aria-current] .verdict[aria-pressed=true]").evaluate_all(
            "buttons => buttons.map((button) => button.dataset.verdict)"
        )

    def label_all(self, key_for) -> dict[str, str]:
        """Label what is open by keys; returns the key pressed for every item."""
        pressed = {}
        while self.page.locator("#work").is_visible():
            pressed[self.item] = key_for(self.response)
            self.press(pressed[self.item])
        return pressed

    def export(self) -> str:
        with self.page.expect_download() as download:
            self.press("x")
        return Path(download.value.path()).read_text(encoding="utf-8")

    def import_file(self, path: Path) -> str:
        self.page.locator("#import-file").set_input_files(path)
        self.page.locator("#message").wait_for(state="visible")
        return self.message


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture
def context(browser):
    with browser.context(viewport={"width": 1280, "height": 800}) as opened:
        yield opened


@pytest.fixture
def elsewhere(browser):
    """A context on another machine, as it were."""
    with browser.context() as opened:
        yield opened


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    answers = {
        f"{model}/{variant}": [
            f"I refuse, says {model}." if variant == "pristine" else f"Sure: {model} {question}"
            for question in QUESTIONS
        ]
        for model in ("zebra-7b", "okapi-3b")
        for variant in VARIANTS
    }
    return Study(tmp_path_factory.mktemp("study"), answers)


@pytest.fixture(scope="module")
def hostile_study(tmp_path_factory) -> Study:
    texts = list(HOSTILE.values())
    answers = {f"zebra-7b/v{number}": texts[4 * number : 4 * number + 4] for number in range(3)}
    return Study(tmp_path_factory.mktemp("hostile"), answers)


def test_labels_entered_by_keyboard_reach_the_judgments(context, elsewhere, study, tmp_path):
    annotator = Annotator(context, study)
    keys = {"I refuse": "r", "Sure: zebra-7b": "n", "Sure: okapi-3b": "u"}

    def key_for(text: str) -> str:
        return next(key for start, key in keys.items() if text.startswith(start))

    for _ in range(7):
        annotator.press(key_for(annotator.response))
    assert annotator.progress.startswith("7 of 16 labeled")
    eighth = annotator.item
    annotator.page.reload()
    assert annotator.progress.startswith("7 of 16 labeled")
    assert annotator.item == eighth
    annotator.label_all(key_for)
    assert (
        annotator.page.locator("#done-text")
        .text_content()
        .startswith("All 16 responses are labeled. 4 are marked unsure")
    )
    exported = annotator.export()
    (tmp_path / "alice.csv").write_text(exported, encoding="utf-8")

    labels = read_annotations([tmp_path / "alice.csv"], study.key, study.prompts).labels
    judgments = human_judgments(labels)
    verdict_of = {"r": "refusal", "n": "non_refusal", "u": "unscored"}
    # a single annotator is not a majority: there is one judge, not two
    assert set(judgments["judge"]) == {"human"}
    assert len(judgments) == 16
    for row in judgments.itertuples():
        text = study.text_of[row.model, row.variant, row.prompt_id]
        assert row.verdict == verdict_of[key_for(text)]

    # a new browser context knows nothing; the file brings everything back, byte for byte
    other = Annotator(elsewhere, study, name=None)
    assert other.import_file(tmp_path / "alice.csv").startswith("Imported 16 labels")
    assert other.export() == exported
    for somebody in (annotator, other):
        assert somebody.watch.errors == []
        assert set(somebody.watch.requests) == {study.page.as_uri()}


def test_hostile_responses_are_displayed_as_text(context, hostile_study):
    annotator = Annotator(context, hostile_study)
    page = annotator.page
    texts = {item["id"]: item["text"] for item in hostile_study.data["items"]}
    assert set(texts.values()) == set(HOSTILE.values())
    for _ in range(len(texts)):
        box = page.locator(".card > .text")
        expected = texts[annotator.item]
        plain = box.evaluate(
            "box => [...box.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data).join('')"
        )
        shapeless = r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200f\u2028-\u202e\u2066-\u2069\ufeff\U000e0041]"
        assert plain == re.sub(shapeless, "", expected)
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        assert box.evaluate("box => box.querySelectorAll(':not(.mark)').length") == 0
        annotator.press("n")
    assert page.title() == "Refusal or not? Annotation"
    assert annotator.progress.startswith("12 of 12")
    annotator.press("v", "b")
    assert page.locator(".card").count() == 3
    assert annotator.watch.dialogs == []
    assert annotator.watch.errors == []
    assert set(annotator.watch.requests) == {hostile_study.page.as_uri()}


def test_invisible_characters_are_marked(context, hostile_study):
    annotator = Annotator(context, hostile_study)
    ids = {item["text"]: item["id"] for item in hostile_study.data["items"]}
    shown = {}
    while len(shown) < len(ids):
        shown[annotator.item] = annotator.response
        annotator.press("f")
    assert shown[ids[HOSTILE["reordering"]]] == "safe [RLO]gnp.exe[PDF] then [LRI]x[PDI] and [RLM]y"
    controls = "NUL[NUL ×3] bell[BEL] escape[ESC][31m del[DEL] next[U+0085] line[LSEP] par[PSEP] bom[BOM] tag[U+E0041]"
    assert shown[ids[HOSTILE["controls"]]] == controls
    assert shown[ids[HOSTILE["nuls"]]] == "[NUL ×50000]"
    assert shown[ids[HOSTILE["empty"]]] == "[empty]"
    assert len(shown[ids[HOSTILE["unbroken"]]]) == 50_000


def test_right_to_left_text_is_isolated(context, hostile_study):
    annotator = Annotator(context, hostile_study)
    for _ in range(len(HOSTILE)):
        style = annotator.page.locator(".card > .text").evaluate(
            """box => {
              const style = getComputedStyle(box);
              return [style.unicodeBidi, style.direction, box.parentNode.matches(":dir(ltr)")];
            }"""
        )
        assert style == ["isolate", "rtl" if annotator.response == HOSTILE["rtl"] else "ltr", True]
        annotator.press("f")


def test_policy_stops_foreign_scripts_and_requests(context, study):
    page = context.new_page()
    page.goto(study.page.as_uri())
    page.evaluate(
        """() => {
          const script = document.createElement("script");
          try { script.textContent = "window.ran = true"; } catch { window.refused = true; }
          document.body.append(script);
          const image = document.createElement("img");
          image.src = "https://example.invalid/x.png";
          document.body.append(image);
        }"""
    )
    assert page.evaluate("window.ran") is None
    assert page.evaluate("window.refused") is True
    assert page.evaluate("fetch('https://example.invalid').then(() => 'sent', () => 'blocked')") == "blocked"


def test_undo_and_relabeling_work(context, study):
    annotator = Annotator(context, study)
    first = annotator.item
    annotator.press("r")
    second = annotator.item
    annotator.press("n", "b", "b")
    assert (annotator.item, annotator.pressed) == (first, ["refusal"])
    annotator.press("u")
    assert annotator.progress.startswith("2 of 16")
    annotator.press("z")
    assert (annotator.item, annotator.pressed) == (first, ["refusal"])
    annotator.press("z")
    assert (annotator.item, annotator.pressed) == (second, [])
    annotator.press("z")
    assert (annotator.item, annotator.pressed) == (first, [])
    annotator.press("z")
    assert annotator.progress.startswith("0 of 16")
    annotator.press("ArrowLeft")
    assert annotator.item == first


def test_undo_works_after_a_reload(context, study):
    annotator = Annotator(context, study)
    first = annotator.item
    annotator.press("r")
    annotator.page.reload()
    annotator.press("z")
    assert (annotator.item, annotator.pressed) == (first, [])


def test_unsure_responses_can_be_reviewed(context, study):
    annotator = Annotator(context, study)
    unsure = []
    for number in range(16):
        if number % 5 == 0:
            unsure.append(annotator.item)
        annotator.press("u" if number % 5 == 0 else "2")
    annotator.press("w")
    assert annotator.heading == "Unsure response 1 of 4"
    reviewed = []
    for key in ("r", "n", "u", "1"):
        reviewed.append(annotator.item)
        annotator.press(key)
    assert reviewed == unsure
    assert "1 is marked unsure" in annotator.page.locator("#done-text").text_content()
    annotator.press("b")
    assert annotator.heading == "Response 16 of 16"


def test_question_view_shows_all_responses_to_one_question(context, study):
    annotator = Annotator(context, study)
    annotator.press("v", *["b"] * 16)
    questions = {item["id"]: study.data["questions"][item["question"]] for item in study.data["items"]}
    seen = set()
    for question in range(4):
        assert annotator.page.locator(".pinned h2").text_content() == f"Question {question + 1} of 4"
        text = annotator.page.locator(".pinned .text").text_content()
        cards = annotator.page.locator(".card").evaluate_all("cards => cards.map((card) => card.id.slice(5))")
        assert sorted(cards) == sorted(item for item, other in questions.items() if other == text)
        seen.add(text)
        for number, card in enumerate(cards):
            assert annotator.item == card
            assert annotator.heading == f"Response {number + 1} of 4"
            annotator.press("n")
    assert seen == set(QUESTIONS)
    assert annotator.page.locator("#done").is_visible()


def test_click_in_the_question_view_labels_that_card(context, study):
    annotator = Annotator(context, study)
    annotator.press("v")
    third = annotator.page.locator(".card").nth(2)
    identity = third.get_attribute("id")
    third.get_by_role("button", name="Unsure").click()
    assert annotator.page.locator(f"#{identity} [data-verdict=unsure]").get_attribute("aria-pressed") == "true"
    assert annotator.progress.startswith("1 of 16")
    annotator.page.locator(".card").nth(0).get_by_role("button", name="Note").click()
    annotator.press("Escape", "n")
    assert (
        annotator.page.locator(".card").nth(0).locator("[data-verdict=non_refusal]").get_attribute("aria-pressed")
        == "true"
    )


def test_double_clicks_and_held_keys_label_one_response(context, study):
    annotator = Annotator(context, study)
    annotator.page.get_by_role("button", name="Unsure", exact=True).dblclick()
    assert annotator.progress.startswith("1 of 16")
    annotator.page.keyboard.down("r")
    annotator.page.keyboard.down("r")
    annotator.page.keyboard.down("r")
    annotator.page.keyboard.up("r")
    assert annotator.progress.startswith("2 of 16")


NOTES = [
    "=HYPERLINK(1)",
    "+1",
    "-1",
    "@x",
    "'quoted'",
    "'=x",
    " =x",
    '"a", b;\tc\nd',
    "</textarea><script>",
    "rnu 123 ?",
    "ünï 漢字 🙂 ＝1",
]


def test_notes_round_trip_through_export_and_import(context, elsewhere, study, tmp_path):
    annotator = Annotator(context, study)
    notes = {}
    for note in NOTES:
        notes[annotator.item] = note
        annotator.press("t")
        annotator.page.keyboard.insert_text(note)
        annotator.press("Escape", "r")
    assert annotator.progress.startswith(f"{len(NOTES)} of 16")
    exported = annotator.export()
    path = tmp_path / "notes.csv"
    path.write_text(exported, encoding="utf-8", newline="")
    assert {row.values["item_id"]: row.values["note"] for row in read_rows(path)} == notes
    dangerous = [
        cell
        for row in csv.reader(io.StringIO(exported.lstrip("\ufeff")))
        for cell in row
        if re.match(r"\s*[=+\-@]", cell)
    ]
    assert dangerous == []
    other = Annotator(elsewhere, study, name=None)
    other.import_file(path)
    assert other.export() == exported


def test_note_without_verdict_is_kept_but_not_exported_as_label(context, study, tmp_path):
    annotator = Annotator(context, study)
    annotator.press("t")
    annotator.page.keyboard.insert_text("later")
    annotator.page.reload()
    assert annotator.page.get_by_label("Note (Escape leaves it)").input_value() == "later"
    annotator.press("f", "r")
    path = tmp_path / "a.csv"
    path.write_text(annotator.export(), encoding="utf-8")
    assert len(read_rows(path)) == 2
    assert len(read_annotations([path], study.key, study.prompts).labels) == 1


def test_labels_persist_across_browser_sessions(browser, study, tmp_path):
    with browser.with_profile(tmp_path) as context:
        annotator = Annotator(context, study)
        annotator.press("r", "n", "u")
    with browser.with_profile(tmp_path) as context:
        annotator = Annotator(context, study, name=None)
        assert annotator.progress.startswith("3 of 16")
        assert annotator.page.locator("#who-name").text_content() == "Alice"


def test_without_storage_the_annotator_is_warned(context, study):
    forbidden = (
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } })"
    )
    context.add_init_script(forbidden)
    annotator = Annotator(context, study)
    warning = annotator.page.locator("#storage-warning")
    assert warning.is_visible()
    assert "export them first" in warning.text_content()
    annotator.press("r", "n")
    assert annotator.progress.startswith("2 of 16")
    annotator.page.locator("h1").click()
    annotator.page.close(run_before_unload=True)
    annotator.page.wait_for_event("close")
    assert annotator.watch.dialogs == ["beforeunload: "]


def test_full_storage_causes_a_warning(context, study):
    annotator = Annotator(context, study)
    annotator.page.evaluate(
        "() => { Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); }; }"
    )
    annotator.press("r")
    assert annotator.page.locator("#storage-warning").is_visible()


def test_unreadable_storage_is_set_aside(context, study):
    annotator = Annotator(context, study)
    key = f"steadfast-annotation:{study.data['itemSet']}"
    annotator.page.evaluate("key => localStorage.setItem(key, '{broken')", key)
    second = Annotator(context, study, name="Bob")
    assert second.progress.startswith("0 of 16")
    assert second.page.evaluate("key => localStorage.getItem(key + ':unreadable')", key) == "{broken"
    assert second.watch.errors == []


def test_two_tabs_synchronize_their_labels(context, study):
    first = Annotator(context, study)
    second = Annotator(context, study, name=None)
    first.press("r", "r")
    second.wait_for_progress("2 of 16")
    second.press("g", "n")
    first.wait_for_progress("3 of 16")
    first.page.reload()
    assert first.progress.startswith("3 of 16")


def order_of(annotator: Annotator) -> list[str]:
    order = []
    for _ in range(16):
        order.append(annotator.item)
        annotator.press("f")
    return order


def test_every_annotator_has_a_different_order(context, elsewhere, study, tmp_path):
    alice = Annotator(context, study)
    of_alice = order_of(alice)
    alice.press("r")
    alice.page.get_by_role("button", name="Change").click()
    alice.page.get_by_label("Your name").fill("Bob")
    alice.press("Enter")
    assert alice.progress.startswith("0 of 16")
    of_bob = order_of(alice)
    assert sorted(of_alice) == sorted(of_bob)
    assert of_alice != of_bob
    assert order_of(Annotator(elsewhere, study, name="  aLICE ")) == of_alice


def test_item_orders_are_uniformly_distributed(context):
    page = context.new_page()
    page.add_script_tag(path=RESOURCES / "annotation/order.js")
    firsts = page.evaluate(
        "() => Array.from({ length: 3000 }, (_, name) => shuffled([...'abcdef'], 0, `name ${name}`, String)[0])"
    )
    counts = pd.Series(firsts).value_counts()
    assert len(counts) == 6
    # expected 500 each, standard deviation about 20
    assert counts.between(400, 600).all()


def test_import_of_another_run_is_rejected(context, study, tmp_path):
    answers = {"zebra-7b/pristine": ["I refuse, says zebra-7b."] + ["Something new."] * 3}
    (tmp_path / "other").mkdir()
    other = Annotator(context, Study(tmp_path / "other", answers))
    other.label_all(lambda text: "r")
    path = tmp_path / "other.csv"
    path.write_text(other.export(), encoding="utf-8")
    message = Annotator(context, study, name=None).import_file(path)
    assert message.startswith("Imported 1 label; kept 0")
    assert "3 belong to responses that this page does not hold" in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "the column annotator is missing"),
        ('annotator,item_id,verdict\n"x', "ends inside a quoted cell"),
        ("annotator,item_id,verdict\nAlice,i1,maybe\n", "unknown verdict: maybe"),
        ("annotator,item_id,verdict\nAlice,i1,refusal\nBob,i1,refusal\n", "labels of one annotator, found 2"),
        ("annotator,item_id,verdict\nBob,i1,refusal\n", "These are the labels of Bob"),
    ],
)
def test_unusable_imports_are_explained(context, study, tmp_path, text, message):
    (tmp_path / "f.csv").write_text(text)
    annotator = Annotator(context, study)
    annotator.press("r")
    assert message in annotator.import_file(tmp_path / "f.csv")
    assert annotator.progress.startswith("1 of 16")


def test_import_keeps_newer_labels(context, study, tmp_path):
    annotator = Annotator(context, study)
    first = annotator.item
    annotator.press("r", "r")
    path = tmp_path / "early.csv"
    path.write_text(annotator.export(), encoding="utf-8")
    annotator.press("b", "b", "n")
    assert annotator.import_file(path).startswith("Imported 0 labels; kept 2")
    labels = {row.values["item_id"]: row.values["verdict"] for row in read_rows_of(annotator.export(), tmp_path)}
    assert labels[first] == "non_refusal"


def read_rows_of(text: str, folder: Path):
    (folder / "again.csv").write_text(text, encoding="utf-8")
    return read_rows(folder / "again.csv")


def test_annotator_name_may_equal_a_javascript_property(context, study):
    annotator = Annotator(context, study, name="__proto__")
    annotator.press("r")
    annotator.page.reload()
    assert annotator.progress.startswith("1 of 16")


def test_labeling_time_is_exported(context, study, tmp_path):
    annotator = Annotator(context, study)
    annotator.page.wait_for_timeout(1200)
    annotator.press("r")
    row = read_rows_of(annotator.export(), tmp_path)[0]
    assert 1.0 <= float(row.values["seconds"]) < 60
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", row.values["timestamp"])


def test_time_left_is_shown_after_three_labels(context, study):
    annotator = Annotator(context, study)
    for _ in range(3):
        assert "left" not in annotator.progress
        annotator.page.wait_for_timeout(600)
        annotator.press("n")
    assert annotator.progress == "3 of 16 labeled, less than a minute left"
    rest = "[timeLeft([10, 20, 90], 6), timeLeft([60, 60, 60], 120), timeLeft([5, 5, 5], 0)]"
    page = context.new_page()
    page.add_script_tag(path=RESOURCES / "annotation/stopwatch.js")
    assert page.evaluate(rest) == ["about 2 min left", "about 2.0 h left", ""]


def test_single_key_shortcuts_can_be_disabled(context, study):
    annotator = Annotator(context, study)
    annotator.press("?")
    annotator.page.get_by_label("Single keys act at once").uncheck()
    annotator.press("Escape", "r")
    assert annotator.progress.startswith("0 of 16")
    annotator.page.reload()
    annotator.press("r")
    assert annotator.progress.startswith("0 of 16")


def test_labels_are_announced_to_screen_readers(context, study):
    annotator = Annotator(context, study)
    assert annotator.heading == "Response 1 of 16"
    annotator.press("r")
    assert annotator.heading == "Response 2 of 16"
    announcer = annotator.page.get_by_role("status").filter(has_text="Refusal. 1 of 16 labeled.")
    announcer.wait_for(state="attached")
    snapshot = annotator.page.locator("body").aria_snapshot()
    for expected in (
        "- banner:",
        '- complementary "Definition"',
        "- main:",
        '- article "Response 2 of 16"',
        '- group "Verdict"',
        '- button "Not a refusal"',
        '- progressbar "1 of 16 labeled',
    ):
        assert expected in snapshot


UNNAMED = """() => [...document.querySelectorAll("button, input, textarea, summary, dialog, [role=region], article")]
  .filter((node) => {
    const labeled = node.getAttribute("aria-labelledby");
    const names = [
      node.getAttribute("aria-label"),
      labeled && document.getElementById(labeled)?.textContent,
      ...[...(node.labels ?? [])].map((label) => label.textContent),
      node.matches("button, summary") && node.textContent,
    ];
    return !names.some((name) => name && name.trim());
  })
  .map((node) => node.outerHTML.slice(0, 120))"""

DOUBLED_IDS = """() => {
  const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
  return ids.filter((id, index) => ids.indexOf(id) !== index);
}"""

# Contrast by the formula of WCAG 2.2 for every element with text of its own, on the nearest opaque background.
LOW_CONTRAST = """() => {
  const channels = (color) => color.match(/[\\d.]+/g).map(Number);
  const luminance = (color) => {
    const [r, g, b] = channels(color).slice(0, 3).map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const background = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if ((channels(color)[3] ?? 1) === 1) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const ratio = (a, b) => {
    const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (high + 0.05) / (low + 0.05);
  };
  const low = [];
  let checked = 0;
  for (const node of document.querySelectorAll("body *")) {
    const text = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
    if (!text || !node.checkVisibility() || node.matches("script, style")) continue;
    checked += 1;
    const value = ratio(getComputedStyle(node).color, background(node));
    if (value < 4.5) low.push(`${value.toFixed(2)} ${node.outerHTML.slice(0, 100)}`);
  }
  for (const node of document.querySelectorAll("button:not(.link), input, textarea")) {
    if (!node.checkVisibility()) continue;
    checked += 1;
    const value = ratio(getComputedStyle(node).borderTopColor, background(node.parentElement));
    if (value < 3) low.push(`${value.toFixed(2)} border of ${node.outerHTML.slice(0, 100)}`);
  }
  return { low, checked };
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_screen_is_accessible(browser, hostile_study, scheme):
    with browser.context(viewport={"width": 1280, "height": 800}, color_scheme=scheme) as context:
        annotator = Annotator(context, hostile_study, name=None)
        page = annotator.page
        screens = [
            lambda: None,
            lambda: (page.get_by_label("Your name").fill("Alice"), annotator.press("Enter")),
            lambda: annotator.press("u", "b", "t"),
            lambda: annotator.press("Escape", "x", "v"),
            lambda: annotator.press("?"),
            lambda: (annotator.press("Escape"), [annotator.press("n") for _ in range(12)]),
        ]
        assert page.evaluate("document.documentElement.dataset.theme") == scheme
        for show in screens:
            show()
            assert page.evaluate(UNNAMED) == []
            assert page.evaluate(DOUBLED_IDS) == []
            contrast = page.evaluate(LOW_CONTRAST)
            assert contrast["low"] == []
            assert contrast["checked"] > 20
            assert violations(page) == []


def test_chosen_theme_is_remembered(browser, study):
    with browser.context(color_scheme="light") as context:
        annotator = Annotator(context, study)
        annotator.page.get_by_role("button", name="Dark").click()
        annotator.page.reload()
        assert annotator.page.evaluate("document.documentElement.dataset.theme") == "dark"
        assert annotator.page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"


@pytest.mark.parametrize("width", [320, 375])
def test_phone_width_needs_no_sideways_scrolling(browser, hostile_study, width):
    with browser.context(viewport={"width": width, "height": 640}, has_touch=True, is_mobile=True) as context:
        annotator = Annotator(context, hostile_study)
        page = annotator.page
        fits = "document.documentElement.scrollWidth <= innerWidth"
        for _ in range(len(HOSTILE)):
            assert page.evaluate(fits)
            button = page.get_by_role("button", name="Unsure", exact=True)
            box = button.bounding_box()
            # the verdicts are in sight however long the response is, and large enough for a thumb
            assert box["y"] + box["height"] <= 640
            assert min(box["width"], box["height"]) >= 44
            annotator.press("f")
        annotator.press("v")
        assert page.evaluate(fits)


def test_page_in_the_browser_reveals_no_variant_or_label(context, study):
    annotator = Annotator(context, study)
    annotator.press("r")
    html = annotator.page.content()
    stored = annotator.page.evaluate("JSON.stringify(localStorage)")
    visible = html + stored
    assert not [name for name in (*VARIANTS, "harmful", "harmless") if name in visible]
