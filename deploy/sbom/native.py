"""Native libraries that come inside wheels: what a file is, by its name and its own words.

A version is read out of the file where its makers wrote it there, and else taken from what the
wheel's own bill says. Licences are those of each project; where the file states its licence
(FFmpeg's libraries do, by how they were configured) the statement must be in the file.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from deploy.sbom.errors import SbomError

GCC_RUNTIME = "GPL-3.0-or-later WITH GCC-exception-3.1"
LGPL = "LGPL-2.1-or-later"


@dataclass(frozen=True, slots=True)
class Known:
    """A native library.

    Attributes:
        name: of the project.
        licence: an SPDX expression.
        says: a pattern of its version in the file, or in a module of the same wheel.
        package: the name of the Linux package that the wheel's own bill lists for it.
        states: words about its licence that the file must hold.
    own: part of the package itself, and of its version.
    """

    name: str
    licence: str
    says: bytes = b""
    package: str = ""
    states: bytes = b""
    own: bool = False


def _ffmpeg(library: str) -> Known:
    states = f"{library} license: LGPL version 2.1 or later".encode()
    return Known(f"FFmpeg {library}", LGPL, rb"FFmpeg version (\d[\w.]+)", states=states)


_OPENBLAS = Known("OpenBLAS", "BSD-3-Clause", rb"OpenBLAS (\d[\d.]+)", "openblas-threads")
_OPENSSL = Known("OpenSSL", "OpenSSL", rb"OpenSSL (1\.\d[\w.]+)", "openssl-libs")
_OPENSSL_3 = Known("OpenSSL", "Apache-2.0", rb"OpenSSL (3\.\d[\w.]+)")
_KRB5 = Known("MIT Kerberos", "MIT", rb"KRB5_BRAND: krb5-(\d[\d.]+)")
_LDAP = Known("OpenLDAP", "OLDAP-2.8")
_ONNXRUNTIME = Known("ONNX Runtime", "MIT", own=True)
FILES = {
    "libaom": Known("libaom", "BSD-2-Clause", rb"AOMedia Project AV1 Decoder (\d[\d.]+)"),
    "libavif": Known("libavif", "BSD-2-Clause", rb"AVIF: +avif \(ver ([\d.]+)\)"),
    "libcom_err": Known("libcom_err", "MIT", package="libcom_err"),
    "libcom_err.so.3": _KRB5,  # Kerberos brings its own
    "libcrypt": Known("glibc libcrypt", LGPL),
    "libcrypto": _OPENSSL,
    "libcrypto.so.3": _OPENSSL_3,
    "libdrm": Known("libdrm", "MIT", package="libdrm"),
    "libgfortran": Known("GCC libgfortran", GCC_RUNTIME, package="libgfortran"),
    "libgssapi_krb5": _KRB5,
    "libk5crypto": _KRB5,
    "libkeyutils": Known("keyutils", LGPL, rb"keyutils-(\d[\d.]+)"),
    "libkrb5": _KRB5,
    "libkrb5support": _KRB5,
    "liblber": _LDAP,
    "libldap": _LDAP,
    "libonnxruntime": _ONNXRUNTIME,
    "libonnxruntime_providers_shared": _ONNXRUNTIME,
    "libopenblasp": _OPENBLAS,
    "libpq": Known("PostgreSQL libpq", "PostgreSQL"),
    "libpng16": Known("libpng", "libpng-2.0", rb"libpng version ([\d.]+)"),
    "libquadmath": Known("GCC libquadmath", LGPL, package="libquadmath"),
    "libsasl2": Known("Cyrus SASL", "BSD-3-Clause-Attribution", package="cyrus-sasl-lib"),
    "libscipy_openblas64_": _OPENBLAS,
    "libssl": _OPENSSL,
    "libssl.so.3": _OPENSSL_3,
    "libvpx": Known("libvpx", "BSD-3-Clause", rb"WebM Project VP8 Decoder v([\d.]+)"),
} | {
    library: _ffmpeg(library)
    for library in ("libavcodec", "libavformat", "libavutil", "libswresample", "libswscale")
}
"""By the file's name before its first `-` or `.`; first by that and its major version."""

LINKED_IN = {
    "onnxruntime": (
        Known("Abseil", "Apache-2.0", rb"4absl\d*lts_(\d{8})"),
        Known("Eigen", "MPL-2.0", rb"5Eigen()"),
        Known("FlatBuffers", "Apache-2.0", rb"11flatbuffers()"),
        Known("JSON for Modern C++", "MIT", rb"json_abi_v(\d+_\d+_\d)"),
        Known("ONNX", "MIT", rb"4onnx()"),
        Known("Protobuf", "BSD-3-Clause", rb"6google8protobuf()"),
        Known("RE2", "BSD-3-Clause", rb"3re2()"),
        Known("1DS telemetry client", "Apache-2.0", rb"9Microsoft12Applications6Events()"),
        Known("SQLite", "blessing", rb"SQLite format 3()"),
    ),
    "opencv-python-headless": (
        Known("Intel IPP ICV", "LicenseRef-Intel-Simplified-Software", rb"Intel IPP: +(\d[\d.]+)"),
        Known("Intel ITT", "BSD-3-Clause OR GPL-2.0-only", rb"Intel ITT\((\d[\d.]+)\)"),
        Known("FlatBuffers", "Apache-2.0", rb"Flatbuffers: +builtin/3rdparty \((\d[\d.]+)\)"),
        Known("libjpeg-turbo", "IJG AND BSD-3-Clause AND Zlib", rb"libjpeg-turbo \(ver ([\d.]+)"),
        Known("libtiff", "libtiff", rb"TIFF: +build \(ver \d+ - ([\d.]+)\)"),
        Known("libwebp", "BSD-3-Clause", rb"WEBP: +build()"),
        Known("MLAS", "MIT", rb"DNN MLAS: +YES()"),
        Known("OpenJPEG", "BSD-2-Clause", rb"JPEG 2000: +build \(ver ([\d.]+)\)"),
        Known("Protobuf", "BSD-3-Clause", rb"Protobuf: +build \(([\d.]+)\)"),
    ),
}
"""What is linked into a wheel's modules, and found by what they say of how they were built."""


def known(file: Path) -> Known:
    """What the library in `file` is.

    Raises:
        SbomError: it is not in the table, or does not state what the table says.
    """
    stem = re.split(r"-|\.so", file.name, maxsplit=1)[0]
    major = re.search(r"\.so\.\d+", file.name)
    found = FILES.get(stem + major[0]) if major else None
    found = found or FILES.get(stem)
    if found is None:
        raise SbomError(f"{file}: expected a library of deploy/sbom/native.py, found {stem}")
    if found.states and found.states not in file.read_bytes():
        raise SbomError(f"{file}: expected the words {found.states.decode()!r}, found none")
    return found


def version_in(says: bytes, contents: bytes) -> str | None:
    """The version that a file tells by a pattern; empty if it tells none, None if nothing fits."""
    found = re.search(says, contents) if says else None
    return found[1].decode().rstrip(".").replace("_", ".") if found else None
