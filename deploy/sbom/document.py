"""The bill as a CycloneDX 1.6 document: the same bytes for the same contents, and valid.

No time stands in it, and its serial number is derived from what it says (a UUID of version 5), so
that two builds of one checkout can be compared byte by byte.
"""

import json
import uuid
from datetime import UTC, datetime
from importlib.metadata import version

from cyclonedx.model import (
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    Property,
    XsUri,
)
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from deploy.sbom.bill import Bill
from deploy.sbom.errors import SbomError
from deploy.sbom.item import Item

PREFIX = "encounter:"
ONE_OF = "one of these files is installed, by platform and Python"
_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)  # the library asks for one; it is taken out again
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "encounter:sbom")


def document(bill: Bill, looked_into: str) -> str:
    """The bill as text.

    Args:
        bill: what is in it.
        looked_into: the platform whose wheels were looked into.
    """
    text = _render(bill, looked_into, uuid.UUID(int=0))
    return _render(bill, looked_into, uuid.uuid5(_NAMESPACE, text))


def check_valid(text: str) -> None:
    """Hold a document against CycloneDX's schema.

    Raises:
        SbomError: where it differs.
    """
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if fault is not None:
        raise SbomError(f"bill of materials: expected CycloneDX 1.6, found {fault}")


def _render(bill: Bill, looked_into: str, serial: uuid.UUID) -> str:
    bom = Bom(components=[_component(one) for one in bill.items], serial_number=serial)
    bom.metadata.component = _component(bill.product)
    bom.metadata.timestamp = _NO_TIME
    facts = {
        "looked-into": looked_into,
        "made-with": f"cyclonedx-python-lib {version('cyclonedx-python-lib')}",
    }
    bom.metadata.properties.update(Property(name=PREFIX + k, value=v) for k, v in facts.items())
    refs = {one.ref: _component(one).bom_ref for one in (bill.product, *bill.items)}
    bom.dependencies.update(
        Dependency(refs[one.ref], [Dependency(refs[held]) for held in one.holds])
        for one in (bill.product, *bill.items)
    )
    written = json.loads(JsonV1Dot6(bom).output_as_string())
    del written["metadata"]["timestamp"]
    return json.dumps(written, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _component(item: Item) -> Component:
    references = []
    if item.one_of_sha256:
        hashes = [HashType(alg=HashAlgorithm.SHA_256, content=one) for one in item.one_of_sha256]
        references.append(
            ExternalReference(
                type=ExternalReferenceType.DISTRIBUTION,
                url=XsUri(item.purl),
                comment=ONE_OF,
                hashes=hashes,
            )
        )
    digests = {HashAlgorithm.SHA_256: item.sha256, HashAlgorithm.SHA_512: item.sha512}
    return Component(
        type=ComponentType(item.kind),
        name=item.name,
        version=item.version or None,
        bom_ref=item.ref,
        licenses=[LicenseExpression(item.licence)],
        purl=PackageURL.from_string(item.purl) if item.purl else None,
        hashes=[HashType(alg=alg, content=content) for alg, content in digests.items() if content],
        external_references=references,
        properties=[Property(name=PREFIX + name, value=value) for name, value in item.notes],
    )
