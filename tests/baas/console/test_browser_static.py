"""The console's scripts in headless Chromium, under the real headers, against values made by Python."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sandbox.evidence import merkle
from sandbox.evidence.checkpoint import Checkpoint, sign_checkpoint
from sandbox.evidence.commitment import commit
from sandbox.evidence.entry import Entry
from sandbox.evidence.note import NoteSigner
from sandbox.evidence.pdf import revision_digests
from sandbox.evidence.receipt import Inclusion, Receipt, SaltedDigest
from sandbox.evidence.trust import TrustedKey, TrustedLog, TrustRoot
from sandbox.low_entropy import of_content
from tests.baas.console.chromium import chromium, live_bytes, wait_until
from tests.baas.console.samples import PAGES
from tests.baas.console.site import Site, serve
from tests.sandbox.test_low_entropy import KNOWN, UNKNOWN

pytestmark = pytest.mark.browser
EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
ORIGIN = "sandbox.example/9999900001/documents"
SIGNER = NoteSigner("sandbox.example/log", hashlib.sha256(b"log").digest())
STRANGER = NoteSigner("sandbox.example/log", hashlib.sha256(b"other").digest())
CHECK = next(number for number, (page, _) in enumerate(PAGES) if page == "check")
NOTARISE = next(number for number, (page, _) in enumerate(PAGES) if page == "notarise")

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with serve() as found:
        yield found


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with chromium(tmp_path_factory.mktemp("chromium")) as driver:
        yield driver


@pytest.fixture
def run(browser: Any, site: Site) -> Run:
    """Runs the body of an async function in a page; `modules` come by name, `args` as they are."""
    browser.get(f"{site.address}/page/0/ca")

    def run(modules: str, body: str, *args: Any) -> Any:
        names = modules.split()
        script = f"""
            const done = arguments[arguments.length - 1];
            const args = Array.from(arguments).slice(0, -1);
            Promise.all({json.dumps(names)}.map((name) => import(`/console/static/${{name}}.js`)))
              .then(async ([{", ".join(names)}]) => {{ {body} }})
              .then((value) => done({{value}}), (error) => done({{error: String(error)}}));
        """
        answer = browser.execute_async_script(script, *args)
        assert "error" not in answer, answer
        return answer["value"]

    return run


# -- modules -----------------------------------------------------------------------------------------


def test_sha256_equals_hashlib_for_all_paddings_and_pieces(run: Run) -> None:
    lengths = [*range(130), 1000, 4096, 100_003]
    digests = run(
        "sha256 bytes",
        """
        const message = (length) => Uint8Array.from({length}, (_, index) => (index * 7 + length) % 251);
        return args[0].map((length) => {
          const whole = bytes.toHex(sha256.sha256(message(length)));
          const hash = new sha256.Sha256();
          for (let at = 0, step = 1; at < length; at += step, step = (step * 3) % 101 + 1) {
            hash.update(message(length).subarray(at, at + step));
            if (at % 5 === 0) hash.digest();  // looking must not change it
          }
          return [whole, bytes.toHex(hash.digest())];
        });
        """,
        lengths,
    )
    for length, found in zip(lengths, digests, strict=True):
        expected = hashlib.sha256(bytes((index * 7 + length) % 251 for index in range(length))).hexdigest()
        assert found == [expected, expected], length


def test_what_can_be_guessed_is_what_the_library_says(run: Run) -> None:
    values = [value for value, _ in KNOWN] + UNKNOWN
    found = run(
        "guessable",
        "return Promise.all(args[0].map((value) => guessable.isGuessable(new Blob([value]))));",
        values,
    )
    assert found == [of_content(value.encode()) is not None for value in values]


def test_a_file_is_hashed_in_pieces_with_progress(run: Run) -> None:
    size = 9 * 1024 * 1024 + 5
    digest, seen = run(
        "files bytes",
        """
        const seen = [];
        const file = new Blob([new Uint8Array(args[0]).fill(7)]);
        const digest = await files.hashFile(file, (done, total) => seen.push([done, total]));
        return [bytes.toHex(digest), seen];
        """,
        size,
    )
    assert digest == hashlib.sha256(b"\x07" * size).hexdigest()
    assert [done for done, _ in seen] == [0, 4 << 20, 8 << 20, size]
    assert {total for _, total in seen} == {size}


def test_revisions_of_a_pdf_are_those_of_python(run: Run, tmp_path: Path) -> None:
    end = b"startxref\n%d\n%%%%EOF"
    pieces = [b"%PDF-1.7\nfirst part of a linearised file\n", end % 0, b"\r\n"]
    pieces += [
        b"one ",
        end % 17,
        b"\r\n",
        b"two %%EOF startxref\nx\n%%EOF\n",
        end % 18,
        b"\n",
        b"three ",
        end % 19,
    ]
    pieces += [b"x" * ((4 << 20) - sum(map(len, pieces)) - 11), end % 20, b"\r", b"last ", end % 21]
    path = tmp_path / "revisions.pdf"
    path.write_bytes(b"".join(pieces))
    revisions = revision_digests(path)
    assert len(revisions) == 5
    expected = {
        digest.hex(): number + 1 for number, (_, digests) in enumerate(revisions) for digest in digests
    }
    expected[hashlib.sha256(b"".join(pieces[:3])).hexdigest()] = None
    found = run(
        "files bytes",
        """
        const bytesOf = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
        const file = new Blob([bytesOf(args[0])]);
        const found = {};
        for (const digest of args[1]) {
          found[digest] = (await files.matchingRevision(file, bytes.fromHex(digest)))?.revision ?? null;
        }
        return found;
        """,
        base64.b64encode(path.read_bytes()).decode(),
        list(expected),
    )
    assert found == expected


def test_inclusion_proofs_hold_for_every_leaf_of_small_trees_and_no_altered_one_does(run: Run) -> None:
    cases = []
    for size in range(1, 18):
        leaves = [merkle.leaf_hash(bytes([leaf])) for leaf in range(size)]
        for index in range(size):
            proof = [node.hex() for node in merkle.inclusion_proof(leaves, index)]
            cases.append([bytes([index]).hex(), index, size, proof, merkle.root(leaves).hex()])
    wrong = run(
        "merkle bytes",
        """
        const holds = (data, index, size, proof, root) => {
          const leaf = merkle.leafHash(bytes.fromHex(data));
          try {
            const path = proof.map((hash) => bytes.fromHex(hash));
            merkle.verifyInclusion(leaf, index, size, path, bytes.fromHex(root));
            return true;
          } catch { return false; }
        };
        const flip = (hex) => (hex[0] === "0" ? "1" : "0") + hex.slice(1);
        const wrong = [];
        for (const [data, index, size, proof, root] of args[0]) {
          const altered = [
            [flip(data), index, size, proof, root], [data, index, size, proof, flip(root)],
            [data, size, size, proof, root], [data, -1, size, proof, root],
            [data, index + 0.5, size, proof, root],
            [data, index, size, [...proof, root], root],
            ...proof.map((hash, at) => [data, index, size, proof.with(at, flip(hash)), root]),
            ...proof.map((_, at) => [data, index, size, proof.toSpliced(at, 1), root]),
            ...(size > 1 ? [[data, (index + 1) % size, size, proof, root]] : []),
          ];
          if (!holds(data, index, size, proof, root)) wrong.push(["refused", index, size]);
          altered.forEach((one, at) => holds(...one) && wrong.push(["accepted", index, size, at]));
        }
        return wrong;
        """,
        cases,
    )
    assert wrong == []


def test_an_inclusion_proof_beyond_32_bits_follows_the_same_path_as_python(run: Run) -> None:
    index, size = 2**40 + 3, 2**41 + 12_345
    leaf, proof = merkle.leaf_hash(b"far"), [hashlib.sha256(bytes([n])).digest() for n in range(42)]
    with pytest.raises(
        merkle.VerificationError
    ) as refused:  # the message names the root that the path leads to
        merkle.verify_inclusion(leaf, index, size, proof, bytes(32))
    root = str(refused.value).split("root ")[1].split(",")[0]
    accepted = run(
        "merkle bytes",
        """
        const [leaf, index, size, proof, root] = args;
        const path = proof.map((hash) => bytes.fromHex(hash));
        merkle.verifyInclusion(bytes.fromHex(leaf), index, size, path, bytes.fromHex(root));
        return true;
        """,
        leaf.hex(),
        index,
        size,
        [node.hex() for node in proof],
        root,
    )
    assert accepted is True


def test_commitment_and_entry_are_those_of_python(run: Run) -> None:
    digest, salt = hashlib.sha256(b"document").digest(), hashlib.sha256(b"salt").digest()
    commitment = commit("sha-256", digest, salt)
    entries = [Entry("notarise", commitment), Entry("supersede", commitment, 3, "replaced"), Entry("genesis")]
    found = run(
        "commitment bytes",
        """
        const made = await commitment.commitment(bytes.fromHex(args[0]), "sha-256", bytes.fromHex(args[1]));
        return [bytes.toHex(made), args[2].map((entry) => bytes.toHex(commitment.entryBytes(entry)))];
        """,
        salt.hex(),
        digest.hex(),
        [entry.to_json() for entry in entries],
    )
    assert found == [commitment.hex(), [entry.to_bytes().hex() for entry in entries]]


def test_a_malformed_entry_is_refused(run: Run) -> None:
    good = Entry("notarise", bytes(32)).to_json()
    bad = [
        good | {"v": 2},
        good | {"x": 1},
        good | {"kind": "A b"},
        good | {"refers_to": -1},
        good | {"refers_to": 1.5},
    ]
    bad += [good | {"commitment": "AA" * 32}, {"v": 1}, good | {"reason": "é"}]
    refused = run(
        "commitment",
        """
        return args[0].map((entry) => {
          try { commitment.entryBytes(entry); return false; } catch { return true; }
        });
        """,
        bad,
    )
    assert refused == [True] * len(bad)


def test_a_checkpoint_holds_only_with_its_own_key_and_text(run: Run) -> None:
    note = sign_checkpoint(Checkpoint(ORIGIN, 7, bytes(range(32))), [STRANGER, SIGNER])
    key, stranger = SIGNER.verifier.vkey, STRANGER.verifier.vkey
    third = NoteSigner("sandbox.example/third", hashlib.sha256(b"third").digest()).verifier.vkey
    cases = [[note, key], [note, stranger], [note, third], [note.replace("\n7\n", "\n8\n"), key]]
    found = run(
        "note",
        """
        if (!(await note.hasEd25519())) throw new Error("this Chromium has no Ed25519");
        const signed = [];
        for (const [text, key] of args[0]) {
          signed.push(await note.signedBy(note.parseCheckpoint(text), note.parseKey(key)));
        }
        return [note.parseCheckpoint(args[0][0][0]).body.size, signed];
        """,
        cases,
    )
    assert found == [7, [True, True, False, False]]


def test_malformed_notes_and_keys_are_refused(run: Run) -> None:
    note = sign_checkpoint(Checkpoint(ORIGIN, 7, bytes(32)), [SIGNER])
    notes = [
        "",
        note[:-1],
        note.replace("\n\n", "\n"),
        note.replace("— ", "- "),
        note.replace("\n7\n", "\n07\n"),
    ]
    notes += [
        note.replace("\n\n", "\nmore\n\n"),
        note.replace("A=", "B="),
    ]  # extension; unused base64 bits set
    key = SIGNER.verifier.vkey
    keys = ["", key[:-1], key.replace("+", " ", 1), "other" + key, key.replace("+A", "+B")]
    accepted = run(
        "note",
        """
        const accepted = (parse) => (text) => { try { parse(text); return true; } catch { return false; } };
        return [args[0].filter(accepted(note.parseCheckpoint)), args[1].filter(accepted(note.parseKey))];
        """,
        notes,
        keys,
    )
    assert accepted == [[], []]


# -- pages -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Evidence:
    """A document with a receipt and a trust root, as files."""

    document: Path
    receipt: Path
    trust: Path
    made: Receipt

    def but(self, **changes: Any) -> Evidence:
        made = replace(self.made, **changes)
        self.receipt.write_bytes(made.to_bytes())
        return replace(self, made=made)


def trust_root(signer: NoteSigner = SIGNER, origin: str = ORIGIN) -> bytes:
    keys = (TrustedKey(signer.verifier, datetime(2026, 1, 1, tzinfo=UTC)),)
    return TrustRoot(logs=(TrustedLog(origin, 20_261, (), keys),), chains=()).to_bytes()


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    name = "decret-2024-0001-signat.pdf"
    digest = hashlib.sha256((EXAMPLES / "documents" / name).read_bytes()).digest()
    salt = hashlib.sha256(b"salt").digest()
    entry = Entry("notarise", commit("sha-256", digest, salt))
    leaves = [merkle.leaf_hash(bytes([n])) for n in range(4)] + [
        entry.leaf_hash(),
        merkle.leaf_hash(b"after"),
    ]
    made = Receipt(
        document=SaltedDigest("sha-256", digest, salt),
        entry=entry,
        inclusion=Inclusion(ORIGIN, 4, 6, tuple(merkle.inclusion_proof(leaves, 4))),
        checkpoint=sign_checkpoint(Checkpoint(ORIGIN, 6, merkle.root(leaves)), [SIGNER]),
    )
    (tmp_path / "receipt.json").write_bytes(made.to_bytes())
    (tmp_path / "trust.json").write_bytes(trust_root())
    return Evidence(EXAMPLES / "documents" / name, tmp_path / "receipt.json", tmp_path / "trust.json", made)


def layers(browser: Any, site: Site, evidence: Evidence, trust: bool = True) -> dict[str, tuple[str, str]]:
    """Check on the page; each layer's outcome and sentence by its place in reading order."""
    browser.get(f"{site.address}/page/{CHECK}/ca")
    browser.find_element("id", "document").send_keys(str(evidence.document))
    browser.find_element("id", "receipt").send_keys(str(evidence.receipt))
    if trust:
        browser.find_element("id", "trust_file").send_keys(str(evidence.trust))
    button = browser.find_element("css selector", "#check-form button")
    button.click()
    wait_until(browser, button.is_enabled)
    found = browser.find_elements("css selector", "#check-results li")
    names = ("document", "commitment", "inclusion", "checkpoint", "anchor", "timestamps", "later")
    outcomes = [one.get_attribute("class").split()[1] for one in found]
    sentences = [one.find_elements("tag name", "p")[1].text for one in found]
    return dict(zip(names, zip(outcomes, sentences, strict=True), strict=True)) if found else {}


def outcomes(found: dict[str, tuple[str, str]]) -> list[str]:
    return [found[name][0] for name in ("document", "commitment", "inclusion", "checkpoint")]


def test_check_good_evidence_layer_by_layer_and_the_rest_as_not_checked(
    browser: Any, site: Site, evidence: Evidence
) -> None:
    found = layers(browser, site, evidence)
    assert outcomes(found) == ["passed"] * 4
    assert {found[name][0] for name in ("anchor", "timestamps", "later")} == {"not_checked"}
    assert "número 5 d'un llibre que en tenia 6" in found["inclusion"][1]
    summary = browser.find_element("id", "check-summary").text
    assert summary == "Cap dels passos fets aquí no ha fallat. Passos no comprovats aquí: 3."
    assert site.posted == []


def test_check_a_countersigned_pdf_is_a_later_revision_not_an_altered_document(
    browser: Any, site: Site, evidence: Evidence
) -> None:
    countersigned = replace(evidence, document=EXAMPLES / "countersigned" / evidence.document.name)
    found = layers(browser, site, countersigned)
    assert outcomes(found) == ["passed"] * 4
    assert "revisió 1 de 2" in found["document"][1]


def test_check_names_the_layer_that_fails(
    browser: Any, site: Site, evidence: Evidence, tmp_path: Path
) -> None:
    altered = tmp_path / "altered.pdf"
    content = bytearray(evidence.document.read_bytes())
    content[1000] ^= 1
    altered.write_bytes(content)
    assert outcomes(layers(browser, site, replace(evidence, document=altered))) == ["failed"] + ["passed"] * 3

    made = evidence.made
    salted = evidence.but(document=replace(made.document, salt=bytes(32)))
    assert outcomes(layers(browser, site, salted)) == ["passed", "failed", "passed", "passed"]
    moved = evidence.but(inclusion=replace(made.inclusion, index=3))
    assert outcomes(layers(browser, site, moved)) == ["passed", "passed", "failed", "passed"]
    elsewhere = evidence.but(inclusion=replace(made.inclusion, origin="another/log"))
    assert outcomes(layers(browser, site, elsewhere)) == ["passed", "passed", "failed", "passed"]
    unsigned = evidence.but(checkpoint=made.checkpoint.replace("\n6\n", "\n7\n"))
    assert outcomes(layers(browser, site, unsigned)) == ["passed", "passed", "failed", "failed"]
    assert "No es pot donar per bo" in browser.find_element("id", "check-summary").text


def test_check_under_another_trust_root_or_none(browser: Any, site: Site, evidence: Evidence) -> None:
    assert layers(browser, site, evidence, trust=False)["checkpoint"][0] == "not_checked"
    evidence.trust.write_bytes(trust_root(signer=STRANGER))
    assert "Cap clau" in layers(browser, site, evidence)["checkpoint"][1]
    evidence.trust.write_bytes(trust_root(origin="another/log"))
    found = layers(browser, site, evidence)["checkpoint"]
    assert found[0] == "failed"
    assert "no coneix" in found[1]


def test_check_with_the_trust_root_of_the_server(browser: Any, site: Site, evidence: Evidence) -> None:
    from selenium.webdriver.support.ui import Select

    site.trust_root = trust_root()
    layers(browser, site, evidence, trust=False)
    Select(browser.find_element("id", "administration")).select_by_index(1)
    button = browser.find_element("css selector", "#check-form button")
    button.click()
    wait_until(browser, lambda: "3." in browser.find_element("id", "check-summary").text)
    assert len(browser.find_elements("css selector", "#check-results li.passed")) == 4


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"not json", "no és un justificant"), (b"{}", "no és un justificant"), (None, "Trieu el document")],
)
def test_check_says_what_is_wrong_with_the_files(
    browser: Any, site: Site, evidence: Evidence, content: bytes | None, words: str
) -> None:
    if content is None:
        browser.get(f"{site.address}/page/{CHECK}/ca")
        browser.find_element("css selector", "#check-form button").click()
    else:
        evidence.receipt.write_bytes(content)
        assert layers(browser, site, evidence) == {}
    wait_until(browser, lambda: words in browser.find_element("id", "check-status").text)


def test_check_refuses_a_receipt_that_is_not_canonical(browser: Any, site: Site, evidence: Evidence) -> None:
    evidence.receipt.write_bytes(evidence.receipt.read_bytes() + b"\n")
    assert layers(browser, site, evidence) == {}


def test_notarise_sends_digests_alone_and_ends_with_receipts(browser: Any, site: Site) -> None:
    site.posted.clear()
    paths = sorted((EXAMPLES / "documents").glob("*.pdf"))[:3]
    browser.get(f"{site.address}/page/{NOTARISE}/ca")
    browser.find_element("id", "documents").send_keys("\n".join(map(str, paths)))
    button = browser.find_element("css selector", "#notarise-form button")
    wait_until(browser, button.is_enabled)
    assert site.posted == []
    button.click()
    wait_until(browser, lambda: "Fet." in browser.find_element("id", "notarise-status").text)
    ((headers, body),) = site.posted
    assert json.loads(body) == {
        "administration": "9999900001",
        "documents": [
            {"algorithm": "sha-256", "digest": hashlib.sha256(path.read_bytes()).hexdigest()}
            for path in paths
        ],
    }
    assert headers["X-CSRF-Token"] == "c" * 43
    assert len(headers["Idempotency-Key"]) == 32
    links = browser.find_elements("css selector", "#notarise-files a")
    assert [link.get_attribute("download") for link in links] == [
        f"{path.name}.justificant.json" for path in paths
    ]
    assert links[2].get_attribute("href").endswith("/console/notarisations/A-2/receipt")


def test_notarise_shows_a_refusal_and_a_second_try_has_the_same_key(browser: Any, site: Site) -> None:
    site.posted.clear()
    site.refuse = True
    browser.get(f"{site.address}/page/{NOTARISE}/ca")
    browser.find_element("id", "documents").send_keys(str(EXAMPLES / "decrees.csv"))
    button = browser.find_element("css selector", "#notarise-form button")
    for _ in range(2):
        wait_until(browser, button.is_enabled)
        button.click()
    wait_until(browser, lambda: len(site.posted) == 2)
    wait_until(browser, lambda: "cap contracte" in browser.find_element("id", "notarise-status").text)
    site.refuse = False
    assert len({headers["Idempotency-Key"] for headers, _ in site.posted}) == 1


def test_notarise_says_when_a_file_changes_before_it_is_read(
    browser: Any, site: Site, tmp_path: Path
) -> None:
    document = tmp_path / "canviant.txt"
    document.write_bytes(b"one")
    browser.get(f"{site.address}/page/{NOTARISE}/ca")
    # the change event comes only after the file has changed under the browser's feet
    browser.execute_script(
        "document.querySelector('#documents').addEventListener("
        "'change', (event) => event.isTrusted && event.stopImmediatePropagation(), true)"
    )
    browser.find_element("id", "documents").send_keys(str(document))
    document.write_bytes(b"something longer")
    browser.execute_script("document.querySelector('#documents').dispatchEvent(new Event('change'))")
    wait_until(browser, lambda: "ha canviat" in browser.find_element("id", "notarise-status").text)
    assert not browser.find_element("css selector", "#notarise-form button").is_enabled()


@pytest.mark.parametrize("number", range(len(PAGES)))
def test_no_page_breaks_its_own_policy_or_is_wider_than_a_phone(
    browser: Any, site: Site, number: int
) -> None:
    browser.get_log("browser")
    browser.set_window_size(400, 900)  # headless Chromium goes no narrower than 500 without emulation
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": True},
    )
    browser.get(f"{site.address}/page/{number}/ca")
    width = browser.execute_script("return document.documentElement.scrollWidth")
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.set_window_size(1100, 1400)
    assert width <= 360
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


@pytest.mark.timeout(240)
def test_a_file_larger_than_what_the_page_holds_is_hashed_with_progress(
    browser: Any, site: Site, tmp_path: Path
) -> None:
    """300 MB, of which the page holds a few at a time; the rate is printed and judged by nobody."""
    from selenium.webdriver.support.ui import WebDriverWait

    site.posted.clear()
    large, size = tmp_path / "large.bin", 300 << 20
    with large.open("wb") as file:
        file.truncate(size)
    browser.get(f"{site.address}/page/{NOTARISE}/ca")
    browser.execute_script("""
        window.seen = [];
        window.started = performance.now();
        new MutationObserver((changes) => {
          for (const { target } of changes) if (target.tagName === "PROGRESS") window.seen.push(target.value);
        }).observe(document.body, { attributes: true, subtree: true, attributeFilter: ["value"] });
    """)
    before = live_bytes(browser)
    held: list[int] = []

    def ended(_: Any) -> bool:
        held.append(live_bytes(browser) - before)
        return bool(button.is_enabled())

    browser.find_element("id", "documents").send_keys(str(large))
    button = browser.find_element("css selector", "#notarise-form button")
    WebDriverWait(browser, 200, poll_frequency=0.2).until(ended)
    seconds = browser.execute_script("return (performance.now() - window.started) / 1000")
    print(f"{size / 1e6 / seconds:.0f} MB/s, at most {max(held) >> 20} MB more held, seen {len(held)} times")
    seen = browser.execute_script("return window.seen")
    assert seen == sorted(seen)
    assert (len(seen) > 50, seen[-1]) == (True, size)
    assert len(held) > 3
    assert max(held) < 100 << 20
    with large.open("rb") as file:
        assert (
            browser.find_element("css selector", "code.digest").text
            == hashlib.file_digest(file, "sha256").hexdigest()
        )
    assert site.posted == []
