"""Blocks and attachments as sent -> what Slack would say against them, their text, their controls."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# https://docs.slack.dev/reference/block-kit/blocks, lengths in characters
MAX_BLOCKS = 50
MAX_FIELDS = 10
MAX_CONTEXT_ELEMENTS = 10
MAX_ACTIONS = 25
MAX_OPTIONS = 5
MAX_ID = 255
MAX_VALUE = 2000
MAX_OPTION_VALUE = 150
MAX_URL = 3000
MAX_HEADER = 150
MAX_SECTION_TEXT = 3000
MAX_FIELD_TEXT = 2000
MAX_BUTTON_TEXT = 75
MAX_ALT_TEXT = 2000
CONFIRM_LENGTHS = {"title": 100, "text": 300, "confirm": 30, "deny": 30}

Block = Mapping[str, Any]

# Beside these, an attachment with blocks takes no key: Slack answers invalid_attachments (node-slack-sdk#832).
KEYS_BESIDE_BLOCKS = {"blocks", "color", "fallback", "id"}


def problems(blocks: object) -> list[str]:
    """What Slack would refuse, with the JSON pointer to it; empty if it accepts."""
    if not isinstance(blocks, list):
        return ["must be a list"]
    found = [f"no more than {MAX_BLOCKS} items allowed [json-pointer:/blocks]"] if len(blocks) > MAX_BLOCKS else []
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        at = f"/blocks/{index}"
        if not isinstance(block, dict) or block.get("type") not in _CHECKS:
            found.append(_say(f"unsupported type: {block.get('type') if isinstance(block, dict) else block}", at))
            continue
        block_id = block.get("block_id", "")
        found += _length(block_id, MAX_ID, f"{at}/block_id", least=0)
        if block_id and block_id in seen:
            found.append(_say(f"block_id {block_id!r} is not unique", at))
        seen.add(block_id)
        found += _CHECKS[block["type"]](block, at)
    return found


def attachment_problems(attachments: object) -> list[str]:
    if not isinstance(attachments, list) or not all(isinstance(one, dict) for one in attachments):
        return ["must be a list of objects"]
    found = []
    for attachment in attachments:
        if attachment.get("blocks"):
            if set(attachment) - KEYS_BESIDE_BLOCKS:
                found.append("invalid_keys")
            found += problems(attachment["blocks"])
    return found


def controls(blocks: Sequence[Block]) -> Iterator[tuple[Block, Mapping[str, Any]]]:
    """What a person can press: (block, element), from top to bottom."""
    for block in blocks:
        for element in [*block.get("elements", ()), block.get("accessory", {})]:
            if element.get("type") in {"button", "overflow"}:
                yield block, element


def texts(value: object) -> Iterator[str]:
    """Every text that a person can see in blocks or attachments, from top to bottom."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key in {"text", "alt_text", "pretext", "title", "footer"} and isinstance(inner, str):
                yield inner
            elif key != "confirm":
                yield from texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts(inner)


def _section(block: Block, at: str) -> list[str]:
    found = [] if block.get("text") or block.get("fields") else [_say("must have text or fields", at)]
    if "text" in block:
        found += _text(block["text"], MAX_SECTION_TEXT, f"{at}/text")
    fields = block.get("fields", [])
    if len(fields) > MAX_FIELDS:
        found.append(_say(f"no more than {MAX_FIELDS} items allowed", f"{at}/fields"))
    for index, field in enumerate(fields):
        found += _text(field, MAX_FIELD_TEXT, f"{at}/fields/{index}")
    if "accessory" in block:
        found += _element(block["accessory"], f"{at}/accessory", {"button", "overflow", "image"})
    return found


def _header(block: Block, at: str) -> list[str]:
    return _text(block.get("text"), MAX_HEADER, f"{at}/text", plain=True)


def _context(block: Block, at: str) -> list[str]:
    found = _count(block, MAX_CONTEXT_ELEMENTS, at)
    for index, element in enumerate(block.get("elements", ())):
        where = f"{at}/elements/{index}"
        found += _image(element, where) if element.get("type") == "image" else _text(element, MAX_SECTION_TEXT, where)
    return found


def _actions(block: Block, at: str) -> list[str]:
    found = _count(block, MAX_ACTIONS, at)
    elements = block.get("elements", ())
    for index, element in enumerate(elements):
        found += _element(element, f"{at}/elements/{index}", {"button", "overflow"})
    ids = [element["action_id"] for element in elements if element.get("action_id")]
    if len(set(ids)) < len(ids):
        found.append(_say("action_id is not unique within the block", at))
    return found


def _image(block: Block, at: str) -> list[str]:
    found = _length(block.get("alt_text"), MAX_ALT_TEXT, f"{at}/alt_text")
    if "slack_file" not in block:
        found += _length(block.get("image_url"), MAX_URL, f"{at}/image_url")
    return found


def _divider(block: Block, at: str) -> list[str]:
    return []


_CHECKS = {
    "section": _section,
    "header": _header,
    "context": _context,
    "actions": _actions,
    "image": _image,
    "divider": _divider,
}


def _element(element: Block, at: str, allowed: set[str]) -> list[str]:
    kind = element.get("type")
    if kind not in allowed:
        return [_say(f"unsupported element: {kind}", at)]
    if kind == "image":
        return _image(element, at)
    found = _length(element.get("action_id", ""), MAX_ID, f"{at}/action_id", least=0)
    if kind == "button":
        found += _text(element.get("text"), MAX_BUTTON_TEXT, f"{at}/text", plain=True)
        found += _length(element.get("value", ""), MAX_VALUE, f"{at}/value", least=0)
        if element.get("style", "primary") not in {"primary", "danger"}:
            found.append(_say("style must be primary or danger", at))
    else:
        options = element.get("options", [])
        if not 0 < len(options) <= MAX_OPTIONS:
            found.append(_say(f"must have 1 to {MAX_OPTIONS} options", at))
        for index, option in enumerate(options):
            found += _text(option.get("text"), MAX_BUTTON_TEXT, f"{at}/options/{index}/text")
            found += _length(option.get("value"), MAX_OPTION_VALUE, f"{at}/options/{index}/value")
    for name, most in CONFIRM_LENGTHS.items() if "confirm" in element else ():
        found += _text(element["confirm"].get(name), most, f"{at}/confirm/{name}")
    return found


def _text(text: Any, most: int, at: str, *, plain: bool = False) -> list[str]:
    if not isinstance(text, dict) or text.get("type") not in ({"plain_text"} if plain else {"plain_text", "mrkdwn"}):
        return [_say("must be a text object" + (" of type plain_text" if plain else ""), at)]
    return _length(text.get("text"), most, f"{at}/text")


def _length(text: object, most: int, at: str, *, least: int = 1) -> list[str]:
    if not isinstance(text, str) or len(text) < least:
        return [_say(f"must be a string of at least {least} characters", at)]
    return [_say(f"must be less than {most + 1} characters", at)] if len(text) > most else []


def _count(block: Block, most: int, at: str) -> list[str]:
    if 0 < len(block.get("elements", ())) <= most:
        return []
    return [_say(f"must have 1 to {most} items", f"{at}/elements")]


def _say(problem: str, at: str) -> str:
    return f"{problem} [json-pointer:{at}]"
