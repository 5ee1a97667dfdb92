"""Options of OpenStack's services as their files have them: several of one name count all.

A line that begins with a blank goes on with the one before; ``$$`` is a dollar.

Source: oslo.config, "The configuration file format".
"""

from collections.abc import Iterator

from wherry.model.errors import InvalidFile

Option = tuple[str, str, str, int]
"""Section, name, value, and the line on which it begins."""


def read_options(text: str, *, file: str) -> Iterator[Option]:
    """Give every option of a file in its order.

    Raises:
        InvalidFile: a line is neither section, option, comment nor the rest of one.
    """
    section, name, value, begun = "", "", [], 0
    for number, line in enumerate(text.splitlines(), 1):
        words = line.strip()
        if not words or words[0] in "#;":
            continue
        if line[0].isspace() and name:
            value.append(words)
            continue
        if name:
            yield section, name, _join(value), begun
        name = ""
        if words.startswith("[") and words.endswith("]"):
            section = words[1:-1]
            continue
        name, value, begun = *_split(words, file, number), number
    if name:
        yield section, name, _join(value), begun


def _split(words: str, file: str, number: int) -> tuple[str, list[str]]:
    ends = [place for mark in "=:" if (place := words.find(mark)) > 0]
    if not ends:
        raise InvalidFile("this is no option: NAME = VALUE", file=file, line=number)
    end = min(ends)
    return words[:end].strip(), [words[end + 1 :].strip()]


def _join(lines: list[str]) -> str:
    text = "\n".join(lines).strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1]
    return text.replace("$$", "$")
