"""`countinghouse billing algorithms`: what can run as bills are completed, and what creates interval data."""

from typing import TYPE_CHECKING, Annotated

import typer

from countinghouse.cli.billing.words import stacked
from countinghouse.cli.names import full
from countinghouse.cli.output import Column, Format, ListOutput, show_fields, show_list, show_one, show_table, word
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from countinghouse.billing.v1.algorithms_pb2 import Algorithm, AlgorithmParameter


def algorithms(
    context: typer.Context,
    code: Annotated[str, typer.Argument(metavar="[CODE]", help="The code of one, to have all of it.")] = "",
    output: ListOutput = Format.TABLE,
) -> None:
    """List the algorithms that the server has: built-in ones, those of packages, and those asked over the network."""
    from countinghouse.billing.v1 import algorithms_pb2 as pb

    with session(context) as client:
        if not code:
            show_list(client.billing.list_algorithms(pb.ListAlgorithmsRequest()), _COLUMNS, output)
            return
        found = client.billing.get_algorithm(pb.GetAlgorithmRequest(name=full("algorithms", code)))
    if output is not Format.TABLE:
        show_one(found, _COLUMNS, output)
        return
    show_fields([(column.heading.lower(), column.text(found)) for column in _COLUMNS])
    if found.parameters:
        print()
        show_table(_PARAMETERS, [[column.text(each) for column in _PARAMETERS] for each in found.parameters])


def _user(algorithm: "Algorithm") -> str:
    from countinghouse.billing.v1.algorithms_pb2 import AlgorithmUser

    return word(AlgorithmUser, algorithm.user)


def _moments(algorithm: "Algorithm") -> str:
    from countinghouse.billing.v1.algorithms_pb2 import AlgorithmMoment

    return stacked(*(word(AlgorithmMoment, each) for each in algorithm.moments))


def _origin(algorithm: "Algorithm") -> str:
    from countinghouse.billing.v1.algorithms_pb2 import AlgorithmOrigin

    return word(AlgorithmOrigin, algorithm.origin)


def _needed(parameter: "AlgorithmParameter") -> str:
    return stacked("required" if parameter.required else "", "a distribution code" * parameter.distribution_code)


_COLUMNS = (
    Column("ALGORITHM", lambda found: found.code),
    Column("USED BY", _user),
    Column("RUNS AT", _moments),
    Column("ORIGIN", _origin),
    Column("DOES", lambda found: found.description, prose=True),
)
_PARAMETERS = (
    Column("PARAMETER", lambda parameter: parameter.name),
    Column("IS", _needed),
    Column("MEANS", lambda parameter: parameter.description, prose=True),
)
