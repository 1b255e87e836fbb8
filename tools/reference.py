"""Makes the reference of the contract, a page a package, from the protos: `python -m tools.reference FOLDER`.

Every service, method, message, field and enum with what its comment says; of methods the permission, of fields whether
they must be given, or come from the server alone, and the rules that a value is held against.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from google.api import field_behavior_pb2, resource_pb2
from google.protobuf import text_format
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
    ServiceDescriptorProto,
)

from buf.validate import validate_pb2
from countinghouse.operations.v1 import permission_pb2

ROOT = Path(__file__).resolve().parent.parent
OWN = "countinghouse."
BUILD_S = 120

_MESSAGES, _ENUMS, _SERVICES = 4, 5, 6  # the numbers of FileDescriptorProto by which comments are found
_FIELDS, _NESTED, _NESTED_ENUMS, _METHODS, _VALUES = 2, 3, 4, 2, 2
_Kind = FieldDescriptorProto.Type
_Path = tuple[int, ...]


_WORDS = {
    "REQUIRED": "required",
    "OUTPUT_ONLY": "by the server alone",
    "IDENTIFIER": "its name",
    "IMMUTABLE": "final",
}


@dataclass(frozen=True, slots=True)
class Source:
    """A file of the contract with its comments, by place."""

    file: FileDescriptorProto
    comments: Mapping[_Path, str]

    def said(self, *path: int) -> str:
        """The comment of what stands at a place, its lines as they were broken."""
        return self.comments.get(path, "")


_Found = tuple[str, Source, DescriptorProto, _Path]


def main(folder: str) -> int:
    """Write the pages; gives the exit status."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    made = pages(descriptors())
    for name, text in made.items():
        (target / f"{name}.md").write_text(text, encoding="utf-8")
    for path in target.glob("*.md"):
        if path.stem not in made:
            path.unlink()
    return 0


def descriptors() -> FileDescriptorSet:
    """The contract as buf sees it, comments included."""
    buf = Path(sys.executable).with_name("buf")
    command = [str(buf), "build", str(ROOT / "protos"), "--output", "-#format=binpb"]
    built = subprocess.run(command, check=True, capture_output=True, cwd=ROOT, timeout=BUILD_S)
    return FileDescriptorSet.FromString(built.stdout)


def pages(found: FileDescriptorSet) -> dict[str, str]:
    """The pages, by package without its first and last part, and `index`."""
    packages: dict[str, list[Source]] = defaultdict(list)
    for file in found.file:
        if file.package.startswith(OWN):
            packages[file.package].append(Source(file, _comments(file)))
    made = {_page(package): "\n".join(_package(package, sources)) for package, sources in sorted(packages.items())}
    return {"index": "\n".join(_index(packages)), **made}


def _page(package: str) -> str:
    return package.split(".")[1]


def _comments(file: FileDescriptorProto) -> dict[_Path, str]:
    found = {}
    for place in file.source_code_info.location:
        if text := place.leading_comments or place.trailing_comments:
            found[tuple(place.path)] = "\n".join(line.removeprefix(" ") for line in text.strip().splitlines())
    return found


def _index(packages: Mapping[str, Sequence[Source]]) -> Iterator[str]:
    yield "# The contract\n"
    yield "Made from the protos. Behind each method stands the permission that it needs.\n"
    yield "| service | package | methods |\n|---|---|---|"
    for package, sources in sorted(packages.items()):
        for source in sources:
            for service in source.file.service:
                link = f"[{service.name}]({_page(package)}.md#{_anchor(package, service.name)})"
                yield f"| {link} | `{package}` | {len(service.method)} |"
    yield "\n```{toctree}\n:hidden:\n"
    yield from (_page(package) for package in sorted(packages))
    yield "```\n"


def _package(package: str, sources: Sequence[Source]) -> Iterator[str]:
    yield f"# {package}\n"
    for source in sources:
        for at, service in enumerate(source.file.service):
            yield from _service(package, source, service, (_SERVICES, at))
    yield "## Messages\n"
    messages = [each for source in sources for each in _messages(source)]
    for name, source, message, path in sorted(messages, key=lambda each: each[0]):
        yield from _message(package, name, source, message, path)
    enums = [each for source in sources for each in _enums(source)]
    if enums:
        yield "## Enums\n"
    for name, source, enum, path in sorted(enums, key=lambda each: each[0]):
        yield from _enum(package, name, source, enum, path)


def _service(package: str, source: Source, service: ServiceDescriptorProto, path: _Path) -> Iterator[str]:
    yield f"({_anchor(package, service.name)})=\n## {service.name}\n"
    yield source.said(*path) + "\n"
    for at, method in enumerate(service.method):
        yield f"### {method.name}\n"
        yield source.said(*path, _METHODS, at) + "\n"
        yield _signature(method) + "\n"


def _signature(method: MethodDescriptorProto) -> str:
    taken = f"{'stream of ' if method.client_streaming else ''}{_link(method.input_type)}"
    given = f"{'stream of ' if method.server_streaming else ''}{_link(method.output_type)}"
    lines = [f"| takes | {taken} |", "|---|---|", f"| gives | {given} |"]
    if permission := method.options.Extensions[permission_pb2.permission]:
        lines.append(f"| needs | `{permission}` |")
    if method.options.deprecated:
        lines.append("| | deprecated |")
    return "\n".join(lines)


def _messages(source: Source) -> Iterator[tuple[str, Source, DescriptorProto, _Path]]:
    def within(
        prefix: str, message: DescriptorProto, path: _Path
    ) -> Iterator[tuple[str, Source, DescriptorProto, _Path]]:
        if message.options.map_entry:
            return
        yield f"{prefix}{message.name}", source, message, path
        for at, nested in enumerate(message.nested_type):
            yield from within(f"{prefix}{message.name}.", nested, (*path, _NESTED, at))

    for at, message in enumerate(source.file.message_type):
        yield from within("", message, (_MESSAGES, at))


def _enums(source: Source) -> Iterator[tuple[str, Source, EnumDescriptorProto, _Path]]:
    for at, enum in enumerate(source.file.enum_type):
        yield enum.name, source, enum, (_ENUMS, at)
    for name, _, message, path in _messages(source):
        for at, enum in enumerate(message.enum_type):
            yield f"{name}.{enum.name}", source, enum, (*path, _NESTED_ENUMS, at)


def _message(package: str, name: str, source: Source, message: DescriptorProto, path: _Path) -> Iterator[str]:
    yield f"({_anchor(package, name)})=\n### {name}\n"
    yield source.said(*path) + "\n"
    resource = message.options.Extensions[resource_pb2.resource]
    if resource.pattern:
        yield f"Resource `{resource.type}`: {', '.join(f'`{each}`' for each in resource.pattern)}\n"
    if not message.field:
        yield "It has no fields.\n"
        return
    yield "| field | type | | |\n|---|---|---|---|"
    entries = {each.name: each for each in message.nested_type if each.options.map_entry}
    for at, field in enumerate(message.field):
        said = _cell(source.said(*path, _FIELDS, at))
        rules = "; ".join(filter(None, (_behaviour(field), _rules(field))))
        one_of = f"<br>one of `{message.oneof_decl[field.oneof_index].name}`" if _is_choice(field) else ""
        yield f"| `{field.name}` = {field.number} | {_type(field, entries)}{one_of} | {said} | {rules} |"
    yield ""


def _enum(package: str, name: str, source: Source, enum: EnumDescriptorProto, path: _Path) -> Iterator[str]:
    yield f"({_anchor(package, name)})=\n### {name}\n"
    yield source.said(*path) + "\n"
    yield "| value | |\n|---|---|"
    for at, value in enumerate(enum.value):
        yield f"| `{value.name}` = {value.number} | {_cell(source.said(*path, _VALUES, at))} |"
    yield ""


def _is_choice(field: FieldDescriptorProto) -> bool:
    return field.HasField("oneof_index") and not field.proto3_optional


def _type(field: FieldDescriptorProto, entries: Mapping[str, DescriptorProto]) -> str:
    entry = entries.get(field.type_name.rpartition(".")[2])
    if entry is not None:
        key, value = entry.field
        return f"map of {_scalar(key)} to {_scalar(value)}"
    repeated = field.label == FieldDescriptorProto.LABEL_REPEATED
    return f"{'repeated ' if repeated else ''}{_scalar(field)}"


def _scalar(field: FieldDescriptorProto) -> str:
    return _link(field.type_name) if field.type_name else _Kind.Name(field.type).removeprefix("TYPE_").lower()


def _link(type_name: str) -> str:
    """A type of ours as a link to where it stands, another one as it is called."""
    full = type_name.removeprefix(".")
    if not full.startswith(OWN):
        return f"`{full}`"
    package, name = re.fullmatch(r"(countinghouse\.[a-z_]+\.v\d+)\.(.+)", full).groups()  # type: ignore[union-attr]
    return f"[{name}]({_page(package)}.md#{_anchor(package, name)})"


def _anchor(package: str, name: str) -> str:
    return f"{_page(package)}-{name}".lower().replace(".", "-").replace("_", "-")


def _behaviour(field: FieldDescriptorProto) -> str:
    given = field.options.Extensions[field_behavior_pb2.field_behavior]
    names = [field_behavior_pb2.FieldBehavior.Name(each) for each in given]
    return ", ".join(_WORDS[each] for each in names if each in _WORDS)


def _rules(field: FieldDescriptorProto) -> str:
    """The rules as they stand in the contract, in a line."""
    rules = field.options.Extensions[validate_pb2.field]
    texts = [f"{each.id}: {each.message}" for each in rules.cel]
    bare = validate_pb2.FieldRules()
    bare.CopyFrom(rules)
    bare.ClearField("cel")
    bare.ClearField("required")
    if bare.ByteSize():
        texts.insert(0, text_format.MessageToString(bare, as_one_line=True))
    return "; ".join(f"`{_cell(each)}`" for each in texts)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
