"""Makes the wheel: a build backend (PEP 517) that asks CMake for the parts, and zips them.

scikit-build-core would do, but it configures a build of its own: this one uses build/release where
that is there, so that a wheel takes seconds after `./dev build`.
"""

import base64
import hashlib
import os
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import zipfile
from pathlib import Path

try:
    import tomllib
except ImportError:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
TAG = "cp{0}{1}-cp{0}{1}-".format(*sys.version_info) + sysconfig.get_platform().replace("-", "_")


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def stem():
    facts = project()
    return f"{facts['name'].replace('-', '_')}-{facts['version']}"


def run(*command):
    print("+", *command, flush=True)
    subprocess.run([str(c) for c in command], cwd=ROOT, check=True)


def build_folder():
    """build/release where it has modules for this Python, else build/wheel, configured."""
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    ready = ROOT / "build" / "release"
    if (ready / "python" / "tensorrt" / f"tensorrt{suffix}").exists():
        return ready
    own = ROOT / "build" / "wheel"
    run("cmake", "-S", ROOT, "-B", own, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
        "-DCARNOT_TESTS=OFF", f"-DPython_EXECUTABLE={sys.executable}")  # fmt: skip
    return own


def parts(folder):
    """Builds, and puts what the wheel has into `folder`."""
    build = build_folder()
    run("cmake", "--build", build, "--target", "wheel_parts", "--parallel", os.cpu_count())
    run("cmake", "--install", build, "--component", "wheel", "--prefix", folder, "--strip")


def members(folder):
    """(name, path) of each file. A library that others know by a link is there once, by that name."""
    links = {p.resolve() for p in folder.rglob("lib*.so*") if p.is_symlink()}
    for path in sorted(folder.rglob("*")):
        versioned = path in links and len(path.name.split(".so.")[-1].split(".")) > 1
        if path.is_file() and not versioned and "__pycache__" not in path.parts:
            yield path.relative_to(folder).as_posix(), path


def metadata():
    facts = project()
    lines = ["Metadata-Version: 2.1", f"Name: {facts['name']}", f"Version: {facts['version']}",
             f"Summary: {facts['description']}", f"Requires-Python: {facts['requires-python']}"]  # fmt: skip
    lines += [f"Requires-Dist: {d}" for d in facts["dependencies"]]
    for extra, needs in facts.get("optional-dependencies", {}).items():
        lines += [f"Provides-Extra: {extra}"]
        lines += [f"Requires-Dist: {need}; extra == '{extra}'" for need in needs]
    text = (ROOT / facts["readme"]).read_text()
    return "\n".join(lines) + "\nDescription-Content-Type: text/markdown\n\n" + text


def digest(data):
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def dist_info():
    """The files of the .dist-info folder, but for RECORD."""
    scripts = "".join(f"{k} = {v}\n" for k, v in project()["scripts"].items())
    return {
        "METADATA": metadata(),
        "WHEEL": f"Wheel-Version: 1.0\nGenerator: carnot\nRoot-Is-Purelib: false\nTag: {TAG}\n",
        "entry_points.txt": f"[console_scripts]\n{scripts}",
    }


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    """Without it pip would build a wheel to see them."""
    folder = Path(metadata_directory) / f"{stem()}.dist-info"
    folder.mkdir()
    for file, text in dist_info().items():
        (folder / file).write_text(text)
    return folder.name


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = f"{stem()}-{TAG}.whl"
    record = []
    with tempfile.TemporaryDirectory() as folder:
        parts(folder)
        with zipfile.ZipFile(
            Path(wheel_directory) / name, "w", zipfile.ZIP_DEFLATED, compresslevel=6
        ) as wheel:

            def add(member, data, mode=0o644):
                info = zipfile.ZipInfo(member)
                info.external_attr = (0o100000 | mode) << 16
                info.compress_type = zipfile.ZIP_DEFLATED
                wheel.writestr(info, data)
                record.append(f"{member},sha256={digest(data)},{len(data)}")

            for member, path in members(Path(folder)):
                add(member, path.read_bytes(), path.stat().st_mode & 0o777)
            for file, text in dist_info().items():
                add(f"{stem()}.dist-info/{file}", text.encode())
            own = f"{stem()}.dist-info/RECORD"
            wheel.writestr(own, "\n".join([*record, f"{own},,", ""]))
    return name


def build_sdist(sdist_directory, config_settings=None):
    """The files that git tracks."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    name = f"{stem()}.tar.gz"
    with tarfile.open(Path(sdist_directory) / name, "w:gz") as archive:
        for file in filter(None, listed.stdout.decode().split("\0")):
            archive.add(ROOT / file, f"{stem()}/{file}")
        with tempfile.NamedTemporaryFile("w", suffix="PKG-INFO") as info:
            info.write(metadata())
            info.flush()
            archive.add(info.name, f"{stem()}/PKG-INFO")
    return name


def get_requires_for_build_wheel(config_settings=None):
    return []


get_requires_for_build_sdist = get_requires_for_build_wheel
