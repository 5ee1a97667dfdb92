"""What a profile must keep to beyond its types: forms, templates, classes, traits, rules.

Everything that could fail for want of a good profile fails here, when it is loaded; nothing
is left to fail while a report is derived.
"""

from collections.abc import Iterator

import msgspec
from msgspec import UNSET

from wherry.model.device import Param
from wherry.model.inventory import MAX_INT
from wherry.profiles.narrowness import conditions_of
from wherry.profiles.patterns import fields_of, fill, parse_form
from wherry.profiles.schema import ParamData, Profile, Source, TraitData
from wherry.profiles.tables import is_resource_class, is_trait, is_trait_beginning

TYPE_FIELDS = frozenset({"id", "name"})
FUNCTION_FIELDS = frozenset({"vendor", "device", "subvendor", "subdevice", "class", "revision"})


def find_fault(profile: Profile) -> str | None:
    """Say what is wrong with a profile, and where; None where nothing is."""
    return next(_faults(profile), None)


def sources_of(profile: Profile) -> Iterator[tuple[str, Source]]:
    """Name every source of a profile, with its path in the file."""
    yield from _sources_in(msgspec.structs.asdict(profile), "$")


def _sources_in(value: object, path: str) -> Iterator[tuple[str, Source]]:
    if isinstance(value, Source):
        yield path, value
    elif isinstance(value, msgspec.Struct):
        yield from _sources_in(msgspec.structs.asdict(value), path)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _sources_in(inner, f"{path}.{key}")
    elif isinstance(value, tuple):
        for index, inner in enumerate(value):
            yield from _sources_in(inner, f"{path}[{index}]")


def _faults(profile: Profile) -> Iterator[str]:
    for path, source in sources_of(profile):
        fault = _fault_of_source(source)
        if fault:
            yield f"{fault} - at `{path}`"
    yield from _template_faults(profile)
    yield from _pattern_faults(profile)
    yield from _name_faults(profile)
    for name, param in profile.params.items():
        fault = _fault_of_param(param)
        if fault:
            yield f"{fault} - at `$.params.{name}`"
    yield from _kind_faults(profile)
    yield from _size_faults(profile)


def _fault_of_source(source: Source) -> str | None:
    forms = source.form
    if forms is UNSET:
        return None if source.field is UNSET else "`field` needs a `form`"
    for text in (forms,) if isinstance(forms, str) else forms:
        try:
            known = parse_form(text).fields
        except ValueError as error:
            return str(error)
        if len(known) != 1 and source.field is UNSET:
            return f"say which `field` of `{text}` is meant"
        if source.field is not UNSET and source.field not in known:
            return f"`{text}` has no field `{source.field}`"
    return None


def _template_faults(profile: Profile) -> Iterator[str]:
    own = FUNCTION_FIELDS if profile.types_from == "function" else TYPE_FIELDS
    known = own | profile.fields.keys()
    templates = {"$.name": profile.name}
    templates |= {f"$.views[{i}]": one for i, one in enumerate(profile.views)}
    templates |= {f"$.also_types[{i}].type": o.type for i, o in enumerate(profile.also_types)}
    if profile.counted_as is not UNSET:
        templates["$.counted_as"] = profile.counted_as
    for path, template in templates.items():
        allowed = known | {"type"} if path.startswith("$.also") else known
        try:
            unknown = set(fields_of(template)) - allowed
        except ValueError as error:
            yield f"{error} - at `{path}`"
            continue
        if unknown:
            yield f"there is no field `{min(unknown)}` to fill `{template}` - at `{path}`"


def _pattern_faults(profile: Profile) -> Iterator[str]:
    patterns = [("$.only", pattern) for pattern in profile.only]
    for key, several in conditions_of(profile.match).items():
        patterns += [(f"$.match.{key}", pattern) for pattern in several]
    for path, pattern in patterns:
        if "*" in pattern[:-1]:
            yield f"a `*` ends a pattern, it may stand nowhere else: `{pattern}` - at `{path}`"


def _name_faults(profile: Profile) -> Iterator[str]:
    for path, trait in _traits_of(profile):
        if not is_trait(trait):
            yield f"`{trait}` is neither a trait of os-traits nor a custom one - at `{path}`"
    for name in profile.pools:
        if not is_resource_class(name):
            yield f"`{name}` is neither a standard class nor a custom one - at `$.pools`"
    templates = {f"$.views[{index}]": view for index, view in enumerate(profile.views)}
    if profile.counted_as is not UNSET:
        templates["$.counted_as"] = profile.counted_as
    for path, template in templates.items():
        if not _makes_a_class(template):
            yield f"`{template}` makes no standard class and no custom one - at `{path}`"
    if profile.exclusive not in {UNSET, "none", "type", *profile.params}:
        yield f"there is no parameter `{profile.exclusive}` - at `$.exclusive`"


def _traits_of(profile: Profile) -> Iterator[tuple[str, str]]:
    yield from (("$.traits", trait) for trait in profile.traits)
    for index, rule in enumerate(profile.trait_rules):
        path = f"$.trait_rules[{index}]"
        for found in () if rule.traits is UNSET else rule.traits.values():
            yield from ((path, one) for one in ((found,) if isinstance(found, str) else found))


def _makes_a_class(template: str) -> bool:
    """Whatever stands in the fields is spelled as a class can hold it."""
    example = fill(template, dict.fromkeys(fields_of(template), "X"))
    return is_resource_class(example)


def _fault_of_param(param: ParamData) -> str | None:
    """Let the record itself say what may stand together."""
    stated = {k: v for k, v in msgspec.structs.asdict(param).items() if k != "value"}
    try:
        Param(**stated)
    except ValueError as error:
        return str(error)
    return None


def _kind_faults(profile: Profile) -> Iterator[str]:
    function = profile.types_from == "function"
    if function and (profile.pools or profile.limit is not UNSET or profile.numbers):
        yield "a function is one unit of `counted_as`: it has no pools, limit or numbers - at `$`"
    if not function and profile.counted_as is not UNSET:
        yield "`counted_as` is for functions; types take units of pools - at `$.counted_as`"
    if not function and profile.offered and not profile.pools:
        yield "types are counted in pools, and there is none - at `$.pools`"
    if "limits" in _totals(profile) and profile.limit is UNSET:
        yield "a total by `limits` needs a `limit` - at `$.pools`"
    for index, rule in enumerate(profile.trait_rules):
        yield from _rule_faults(rule, index)


def _size_faults(profile: Profile) -> Iterator[str]:
    for name, pool in profile.pools.items():
        totals = pool.total if isinstance(pool.total, tuple) else (pool.total,)
        for stated in (pool.units, *totals):
            if isinstance(stated, int) and stated > MAX_INT:
                yield f"no inventory holds more than {MAX_INT} - at `$.pools.{name}`"


def _totals(profile: Profile) -> set[str]:
    totals = [
        pool.total if isinstance(pool.total, tuple) else (pool.total,)
        for pool in profile.pools.values()
    ]
    return {one for several in totals for one in several if isinstance(one, str)}


def _rule_faults(rule: TraitData, index: int) -> Iterator[str]:
    if sum(one is not UNSET for one in (rule.traits, rule.prefix, rule.table)) != 1:
        message = "a rule has one of `traits`, `prefix` and `table`"
        yield f"{message} - at `$.trait_rules[{index}]`"
    if rule.prefix is not UNSET and not is_trait_beginning(rule.prefix):
        message = f"no trait that may be published begins with `{rule.prefix}`"
        yield f"{message} - at `$.trait_rules[{index}].prefix`"
