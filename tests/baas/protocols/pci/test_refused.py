"""Messages that are not taken, by name: what is wrong, the code, and the words that say what would do.

Each begins as the documented example, which is taken; one thing in it is changed. `SHAPES` are the named bad vectors;
the systematic ones after it leave out, repeat, swap and lengthen whatever the example has.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from hashlib import sha256

import pytest
from lxml import etree

from baas.ades.xml import Danger, UnsafeXml, parse
from baas.protocols.pci import names
from baas.protocols.pci.codes import Detail
from baas.protocols.pci.errors import PciError
from baas.protocols.pci.messages import Poll, Request
from baas.protocols.pci.names import qname
from baas.protocols.pci.reading import read_confirmation, read_poll, read_request, read_response
from baas.protocols.pci.writing import poll_xml
from tests.baas.protocols.pci.examples import DOCUMENTED, NOW, RESIDENT, request

Element = etree._Element
D = Detail
XSI = "http://www.w3.org/2001/XMLSchema-instance"
XS = "http://www.w3.org/2001/XMLSchema"


def example() -> Element:
    return parse(DOCUMENTED)


def at(root: Element, name: str, number: int = 0) -> Element:
    """The element of that local name, of whatever namespace."""
    return [each for each in root.iter() if etree.QName(each).localname == name][number]


def refused(element: Element) -> PciError:
    with pytest.raises(PciError) as error:
        read_request(element)
    assert len(str(error.value)) < 600
    return error.value


# --- named vectors


def replaced(old: str, new: str, count: int = -1) -> Callable[[], Element]:
    def made() -> Element:
        changed = DOCUMENTED.replace(old.encode(), new.encode(), count)
        assert changed != DOCUMENTED
        return parse(changed)

    return made


def removed(*path: str) -> Callable[[], Element]:
    def made() -> Element:
        root = place = example()
        for name in path:
            place = at(place, name)
        place.getparent().remove(place)  # type: ignore[union-attr]
        return root

    return made


def put(name: str, text: str, after: str, number: int = 0) -> Callable[[], Element]:
    """A child more, after another one, in its namespace."""

    def made() -> Element:
        root = example()
        before = at(root, after, number)
        new = etree.Element(qname(str(etree.QName(before).namespace), name))
        new.text = text
        before.addnext(new)
        return root

    return made


def elements(count: int, stated: int | None = None) -> Callable[[], Element]:
    """That many SolicitudTransmision, each with its own IdSolicitud."""

    def made() -> Element:
        root = example()
        first = at(root, "SolicitudTransmision")
        parent = first.getparent()
        assert parent is not None
        for number in range(2, count + 1):
            other = deepcopy(first)
            at(other, "IdSolicitud").text = str(number)
            parent.append(other)
        if count == 0:
            parent.remove(first)
        at(root, "NumElementos").text = str(count if stated is None else stated)
        return root

    return made


def second_element(change: Callable[[Element], None]) -> Callable[[], Element]:
    def made() -> Element:
        root = elements(2)()
        change(at(root, "SolicitudTransmision", 1))
        return root

    return made


def text_of(name: str, value: str) -> Callable[[Element], None]:
    def change(one: Element) -> None:
        at(one, name).text = value

    return change


def file(inside: str) -> Callable[[], Element]:
    return replaced(
        "</Transmision>\n  </DatosGenericos>",
        f"</Transmision><Ficheros>{inside}</Ficheros></DatosGenericos>",
    )


def fichero(content: str, id_: str = "d1", hash_: str = "") -> str:
    end = f"<Hash>{hash_}</Hash>" if hash_ else ""
    return f"<Fichero>{content}<Id>{id_}</Id>{end}</Fichero>"


def specific(inside: str) -> Callable[[], Element]:
    def made() -> Element:
        start, _, rest = DOCUMENTED.partition(b"<DatosEspecificos>")
        end = rest.partition(b"</DatosEspecificos>")[2]
        return parse(start + b"<DatosEspecificos>" + inside.encode() + b"</DatosEspecificos>" + end)

    return made


def with_comment() -> Element:
    root = example()
    at(root, "IdPeticion").append(etree.Comment("1"))
    return root


def with_instruction() -> Element:
    root = example()
    at(root, "peticionResidente").append(etree.ProcessingInstruction("php", "1"))
    return root


def with_entity() -> Element:
    """As another parser would have left it: ours never hands an entity on."""
    parser = etree.XMLParser(resolve_entities=False)
    text = DOCUMENTED.replace(b"Ajuntament de Prova", b"&who;", 1)
    return etree.fromstring(b"<!DOCTYPE a [<!ENTITY who 'x'>]>" + text, parser)


def wrapped_twice() -> Element:
    root = example()
    outer = etree.Element(root.tag)
    outer.append(root)
    return outer


def two_messages() -> Element:
    root = example()
    root.append(deepcopy(root[0]))
    return root


def bare() -> Element:
    return example()[0]


def no_message() -> Element:
    return etree.Element(qname(names.WRAPPER, "procesa"))


def poll_instead() -> Element:
    return poll_xml(Poll.of(request(), NOW))


EXTENSIONS = f'<c:ExtensionesPeticion xmlns:c="{names.EXTENSIONS}"><c:Evidencia>true</c:Evidencia></c:ExtensionesPeticion>'
DATA = RESIDENT.decode()
AUTHORISATION = "<Finalidad>PROVES</Finalidad></DatosAutorizacion>"
CONTENT = b64encode(b"x").decode()
WRONG_HASH = b64encode(sha256(b"y").digest()).decode()

#: Name → how it is made, the code, words of the message.
SHAPES: dict[str, tuple[Callable[[], Element], Detail, str]] = {
    "both Finalidad and Procedimiento": (
        replaced(AUTHORISATION, f"<Procedimiento>207</Procedimiento>{AUTHORISATION}"),
        D.SCHEMA,
        "DatosAutorizacion: expected either Finalidad or Procedimiento, got both: send exactly one",
    ),
    "neither Finalidad nor Procedimiento": (
        replaced(AUTHORISATION, "</DatosAutorizacion>"),
        D.SCHEMA,
        "DatosAutorizacion: expected either Finalidad or Procedimiento, got neither",
    ),
    "both in one Solicitante": (
        put("Procedimiento", "207234", "Finalidad", 1),
        D.SCHEMA,
        "Solicitante: expected either Finalidad or Procedimiento, got both",
    ),
    "neither in one Solicitante": (
        removed("Solicitante", "Finalidad"),
        D.SCHEMA,
        "Solicitante: expected either",
    ),
    "Finalidad twice": (put("Finalidad", "ALTRES", "Finalidad"), D.SCHEMA, "Finalidad"),
    "empty Finalidad": (replaced("<Finalidad>PROVES<", "<Finalidad><", 1), D.SCHEMA, "minimum length of '1'"),
    "Procedimiento too short": (
        replaced("<Finalidad>PROVES</Finalidad>", "<Procedimiento>20</Procedimiento>"),
        D.SCHEMA,
        "minimum length of '3'",
    ),
    "501 elements": (elements(501), D.ELEMENTS, "expected at most 500 SolicitudTransmision, got 501"),
    "501 elements that say 500": (elements(501, 500), D.ELEMENTS, "got 501"),
    "fewer elements than said": (elements(1, 2), D.ELEMENTS, "NumElementos says 2, and there are 1"),
    "more elements than said": (elements(3, 2), D.ELEMENTS, "NumElementos says 2, and there are 3"),
    "no element": (elements(0), D.SCHEMA, "SolicitudTransmision"),
    "negative count": (elements(1, -1), D.SCHEMA, "NumElementos"),
    "a count that is no number": (
        replaced(">1</NumElementos>", ">un</NumElementos>"),
        D.SCHEMA,
        "NumElementos",
    ),
    "a count of eight digits": (elements(1, 10_000_000), D.SCHEMA, "NumElementos"),
    "two elements of one IdSolicitud": (
        second_element(text_of("IdSolicitud", "1")),
        D.ELEMENTS,
        "expected an IdSolicitud of its own for each element, got '1' more than once",
    ),
    "another modality in the second element": (
        second_element(text_of("CodigoCertificado", "TITULAR")),
        D.PRODUCT,
        "element '2': expected the request's own modality 'RESIDENT', got 'TITULAR'",
    ),
    "another issuer in the second element": (
        second_element(text_of("NifEmisor", "Q0000000J")),
        D.PRODUCT,
        "element '2': expected the request's own Emisor",
    ),
    "in another's name": (
        put("IdSolicitanteOriginal", "0801930008", "Emisor"),
        D.ORGANISATION,
        "nobody asks in another's name here",
    ),
    "wrong namespace of the wrapper": (
        replaced("http://www.openuri.org/", "http://openuri.org/"),
        D.SCHEMA,
        "expected {http://www.openuri.org/}procesa",
    ),
    "wrong namespace of the message": (
        replaced("esquemes/peticion", "esquemes/peticio"),
        D.SCHEMA,
        "expected {http://www.openuri.org/}procesa with one {http://gencat.net/scsp/esquemes/peticion}Peticion",
    ),
    "namespace of an answer": (replaced("esquemes/peticion", "esquemes/respuesta"), D.SCHEMA, "with one"),
    "no namespace within": (
        replaced("<Atributos>", '<Atributos xmlns="">'),
        D.SCHEMA,
        "Atributos: expected it in the namespace http://gencat.net/scsp/esquemes/peticion, got none.",
    ),
    "no wrapper": (bare, D.SCHEMA, "expected {http://www.openuri.org/}procesa"),
    "a wrapper in a wrapper": (wrapped_twice, D.SCHEMA, "with one"),
    "two messages in a wrapper": (two_messages, D.SCHEMA, "with one"),
    "nothing in the wrapper": (no_message, D.SCHEMA, "with nothing"),
    "a poll where a request is expected": (poll_instead, D.SCHEMA, "SolicitudRespuesta"),
    "text beside the message": (
        replaced("</Peticion>", "</Peticion>i més"),
        D.SCHEMA,
        "nothing but Peticion",
    ),
    "an attribute of the wrapper": (
        replaced("<procesa ", '<procesa a="b" '),
        D.SCHEMA,
        "no attribute of procesa",
    ),
    "an attribute within": (replaced("<Atributos>", '<Atributos a="b">'), D.SCHEMA, "'a' is not allowed"),
    "text between elements": (replaced("<Solicitudes>", "<Solicitudes>i"), D.SCHEMA, "Character content"),
    "an element that nobody knows": (put("Urgente", "Si", "NumElementos"), D.SCHEMA, "Urgente"),
    "the table's DatosAutoritzacion": (
        replaced("DatosAutorizacion", "DatosAutoritzacion"),
        D.SCHEMA,
        "DatosAutor",
    ),
    "an element within a value": (
        replaced("<NumElementos>1<", "<NumElementos><a/>1<"),
        D.SCHEMA,
        "NumElementos",
    ),
    "a chosen type": (
        replaced("<NumElementos>", f'<NumElementos xmlns:xsi="{XSI}" xmlns:x="{XS}" xsi:type="x:int">'),
        D.SCHEMA,
        "expected no attribute of XML Schema's own, got type",
    ),
    "a chosen type in a product's data": (
        replaced(
            "<p:documentacion>", f'<p:documentacion xmlns:xsi="{XSI}" xmlns:x="{XS}" xsi:type="x:string">'
        ),
        D.SCHEMA,
        "got type",
    ),
    "nil": (
        replaced("<NumElementos>1", f'<NumElementos xmlns:xsi="{XSI}" xsi:nil="true">'),
        D.SCHEMA,
        "got nil",
    ),
    "a schema of its own": (
        replaced(
            "<Atributos>", f'<Atributos xmlns:xsi="{XSI}" xsi:schemaLocation="a http://127.0.0.1:9/a.xsd">'
        ),
        D.SCHEMA,
        "got schemaLocation",
    ),
    "a comment in a value": (
        with_comment,
        D.SCHEMA,
        "got a comment, an instruction or an entity in IdPeticion",
    ),
    "an instruction in a product's data": (with_instruction, D.SCHEMA, "in peticionResidente"),
    "an entity in a value": (with_entity, D.SCHEMA, "in NombreSolicitante"),
    "an unknown consent in the second element": (
        second_element(text_of("Consentimiento", "Sí")),
        D.SCHEMA,
        "Solicitudes/SolicitudTransmision[2]/DatosGenericos/Solicitante/Consentimiento: "
        "The value 'Sí' is not an element of the set {'Si', 'Ley', 'NoOpo'}.",
    ),
    "an unknown document": (replaced(">NIF</TipoD", ">VISAT</TipoD"), D.SCHEMA, "TipoDocumentacion"),
    "no time": (
        replaced("2026-11-22T10:00:00.000+01:00", "ara mateix"),
        D.SCHEMA,
        "TimeStamp: expected a time such",
    ),
    "a space before the organisation": (
        replaced("<IdentificadorSolicitante>", "<IdentificadorSolicitante> ", 1),
        D.SCHEMA,
        "IdentificadorSolicitante",
    ),
    "an IdPeticion of two lines": (replaced("-20261122-", "\n"), D.SCHEMA, "IdPeticion"),
    "a file to be fetched": (
        file(fichero("<URLDescarga>http://169.254.169.254/</URLDescarga>")),
        D.PRODUCT,
        "Fichero 'd1': expected its Contenido, got a place to fetch it from",
    ),
    "a file on a path": (file(fichero("<RutaFichero>/etc/passwd</RutaFichero>")), D.PRODUCT, "got a place"),
    "a file of another hash": (
        file(fichero(f"<Contenido>{CONTENT}</Contenido>", hash_=WRONG_HASH)),
        D.PRODUCT,
        "expected as Hash the SHA-256 of its Contenido",
    ),
    "a file with half a hash": (
        file(fichero(f"<Contenido>{CONTENT}</Contenido>", hash_=WRONG_HASH[:4])),
        D.PRODUCT,
        "expected as Hash",
    ),
    "two files of one Id": (
        file(fichero(f"<Contenido>{CONTENT}</Contenido>") * 2),
        D.SCHEMA,
        "expected an Id of its own for each Fichero",
    ),
    "a file that is no base64": (file(fichero("<Contenido>€</Contenido>")), D.SCHEMA, "Contenido"),
    "a file in two ways": (
        file(fichero(f"<Contenido>{CONTENT}</Contenido><RutaFichero>a</RutaFichero>")),
        D.SCHEMA,
        "RutaFichero",
    ),
    "two products' elements": (specific(DATA + DATA), D.SCHEMA, "then one element of the product"),
    "extensions after the data": (specific(DATA + EXTENSIONS), D.SCHEMA, "ExtensionesPeticion first"),
    "extensions twice": (specific(EXTENSIONS + EXTENSIONS), D.SCHEMA, "ExtensionesPeticion first"),
    "extensions of an answer": (
        specific(EXTENSIONS.replace("Peticion", "Respuesta") + DATA),
        D.SCHEMA,
        "ExtensionesPeticion first",
    ),
    "extensions and two elements": (specific(EXTENSIONS + DATA + DATA), D.SCHEMA, "peticionResidente"),
    "an unknown extension": (specific(EXTENSIONS.replace("Evidencia", "Evidència") + DATA), D.SCHEMA, "Evid"),
    "an extension that is no boolean": (
        specific(EXTENSIONS.replace("true", "yes") + DATA),
        D.SCHEMA,
        "boolean",
    ),
    "data without a namespace": (
        specific("<peticionResidente/>"),
        D.SCHEMA,
        "DatosEspecificos/peticionResidente: This element is not expected. Expected is ( an element of a product )",
    ),
    "data in the message's own namespace": (
        specific("<Atributos/>"),
        D.SCHEMA,
        "Atributos",
    ),
    "data that are text": (specific("12344321Z"), D.SCHEMA, "Character content"),
}


@pytest.mark.parametrize("name", SHAPES)
def test_it_is_refused_with_its_code_and_words(name: str) -> None:
    made, detail, words = SHAPES[name]
    error = refused(made())
    assert error.detail is detail
    assert words in str(error)


# --- systematic ones


def _named(root: Element) -> list[str]:
    return [etree.QName(each).localname for each in root.iter()]


#: What may be left out of the example, and still it is a request.
OPTIONAL = {
    "Titular", "IdTransmision", "FechaGeneracion", "Funcionario", "NombreCompletoFuncionario", "NifFuncionario",
    "DatosEspecificos", "peticionResidente", "ExtensionesPeticion", "Evidencia", "Emisor",
}  # fmt: skip
PLACES = range(1, len(_named(example())))


@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place}-{_named(example())[place]}")
def test_what_is_left_out_is_missed(place: int) -> None:
    root = example()
    gone = list(root.iter())[place]
    parent = gone.getparent()
    assert parent is not None
    name, within = etree.QName(gone).localname, etree.QName(parent).localname
    parent.remove(gone)
    if within in ("peticionResidente",) or (
        name in OPTIONAL and (name, within) != ("Emisor", "DatosGenericos")
    ):
        assert isinstance(read_request(root), Request)  # data are the product's own to judge
    else:
        assert refused(root).detail in (D.SCHEMA, D.ELEMENTS)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place}-{_named(example())[place]}")
def test_what_comes_twice_is_refused(place: int) -> None:
    root = example()
    again = list(root.iter())[place]
    again.addnext(deepcopy(again))
    if etree.QName(again).namespace == names.PADRO and _named(root)[place] != "peticionResidente":
        assert isinstance(read_request(root), Request)
    else:
        assert refused(root).detail in (D.SCHEMA, D.ELEMENTS)


#: Whose children stand in any order, as AOC's schemas have it; elsewhere in the order of its examples alone.
ANY_ORDER = {"Atributos", "Emisor", "DatosGenericos", "Transmision"}


@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place}-{_named(example())[place]}")
def test_what_stands_in_another_order_is_read_alike_or_refused(place: int) -> None:
    root = example()
    first = list(root.iter())[place]
    second, parent = first.getnext(), first.getparent()
    assert parent is not None
    if second is None or parent.tag == qname(names.PADRO, "peticionResidente"):
        return
    second.addnext(first)
    if etree.QName(parent).localname in ANY_ORDER:
        assert read_request(root) == read_request(example())
    else:
        assert refused(root).detail is D.SCHEMA


#: Wire name → most characters, as AOC documents them (its tables, section 1.4 of our notes).
LENGTHS = {
    "IdPeticion": 100, "TimeStamp": 29, "CodigoCertificado": 64, "IdentificadorSolicitante": 10,
    "NombreSolicitante": 100, "Finalidad": 250, "NifEmisor": 10, "NombreEmisor": 50, "Documentacion": 14,
    "NombreCompletoFuncionario": 122, "NifFuncionario": 10, "IdSolicitud": 40, "IdTransmision": 26,
    "FechaGeneracion": 29,
}  # fmt: skip


@pytest.mark.parametrize("name", LENGTHS)
def test_values_are_as_long_as_documented_and_no_longer(name: str) -> None:
    found = [each for each in example().iter() if etree.QName(each).localname == name]
    for number in range(len(found)):
        root = example()
        at(root, name, number).text = "9" * (LENGTHS[name] + 1)
        error = refused(root)
        assert error.detail is D.SCHEMA
        said = "at most 26 characters" if name == "IdTransmision" else f"maximum length of '{LENGTHS[name]}'"
        assert said in str(error)
        assert "9" * 60 not in str(error)
    root = example()
    if name == "TimeStamp":
        return
    longest = "9" * LENGTHS[name]
    for number in range(len(found)):
        at(root, name, number).text = longest
    assert read_request(root).elements[0].requester.purpose.value
    assert longest in etree.tostring(root, encoding="unicode")


@pytest.mark.parametrize("name", ["IdPeticion", "NumElementos", "Consentimiento", "TipoDocumentacion"])
def test_a_value_of_megabytes_is_not_sent_back(name: str) -> None:
    """Nor is time spent on its words: each of them looks like the beginning of one of libxml2's own."""
    root = example()
    at(root, name).text = f"The value '{'a' * 50}" * 40_000
    error = refused(root)
    assert error.detail is D.SCHEMA
    assert f"/{name}: " in str(error)
    assert len(str(error)) < 400


def test_a_procedure_has_three_to_twenty_characters() -> None:
    for length, taken in ((2, False), (3, True), (20, True), (21, False)):
        root = replaced("<Finalidad>PROVES</Finalidad>", f"<Procedimiento>{'2' * length}</Procedimiento>")()
        if taken:
            assert read_request(root).requester.purpose.procedure == "2" * length
        else:
            assert refused(root).detail is D.SCHEMA


# --- what a value is, however it is written


@pytest.mark.parametrize(
    "written",
    ["<![CDATA[9821920002-20261122-000001]]>", "9821920002-<!-- a -->20261122-000001", "&#57;821920002-20261122-000001",
     "9821<![CDATA[920002-2026]]>1122<!-- b -->-0000<!-- c -->01"],
)  # fmt: skip
def test_a_value_is_read_whole_however_it_is_written(written: str) -> None:
    changed = DOCUMENTED.replace(b"9821920002-20261122-000001", written.encode())
    assert read_request(parse(changed)).id == "9821920002-20261122-000001"


@pytest.mark.parametrize(
    "prolog",
    [
        '<!DOCTYPE a [<!ENTITY who "9821920002">]>',
        '<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY who "&b;&b;&b;&b;">]>',
        '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd">',
    ],
)
def test_entities_are_refused_before_anything_is_read(prolog: str) -> None:
    with pytest.raises(UnsafeXml) as error:
        parse(prolog.encode() + DOCUMENTED.replace(b"9821920002<", b"&who;<"))
    assert error.value.what is Danger.DTD


# --- answers, confirmations and polls are read as strictly


def test_each_reader_takes_its_own_message_and_no_other() -> None:
    poll = poll_xml(Poll.of(request(), NOW))
    for reader, element in (
        (read_response, example()), (read_confirmation, example()), (read_poll, example()), (read_response, poll),
        (read_confirmation, poll), (read_request, poll),
    ):  # fmt: skip
        with pytest.raises(PciError, match=re.escape("with one {http://gencat.net/scsp/esquemes/")) as error:
            reader(element)
        assert error.value.detail is D.SCHEMA


def test_a_poll_in_another_s_name() -> None:
    poll = poll_xml(Poll.of(request(), NOW))
    at(poll, "CodigoProducto").addnext(etree.Element(qname(names.POLL, "IdSolicitanteOriginal")))
    at(poll, "IdSolicitanteOriginal").text = "0801930008"
    with pytest.raises(PciError, match="nobody asks in another's name here") as error:
        read_poll(poll)
    assert error.value.detail is D.ORGANISATION


def test_a_poll_without_a_purpose_or_with_two() -> None:
    poll = poll_xml(Poll.of(request(), NOW))
    purpose = at(poll, "Finalidad")
    purpose.addnext(etree.Element(qname(names.POLL, "Procedimiento")))
    with pytest.raises(PciError, match="got both"):
        read_poll(poll)
    for each in ("Finalidad", "Procedimiento"):
        gone = at(poll, each)
        gone.getparent().remove(gone)  # type: ignore[union-attr]
    with pytest.raises(PciError, match="got neither"):
        read_poll(poll)


def test_threads_hear_of_their_own_message() -> None:
    """A compiled schema and its log of errors are shared; whose value is wrong must never be another's."""

    def read(number: int) -> str:
        root = example()
        at(root, "Consentimiento").text = f"x{number}x"
        return str(refused(root))

    with ThreadPoolExecutor(8) as pool:
        for number, message in enumerate(pool.map(read, range(400))):
            assert f"'x{number}x'" in message
